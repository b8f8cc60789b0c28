package broker

import (
	"hubline/replay"
	"hubline/replay/ledger"
)

// Pending is a publish that was begun by Submit.
type Pending struct {
	user    string
	event   *replay.Event
	key, id Key
	toAll   *announcement // it is a broadcast
	change  *membership   // it is no publish at all
	facts   []ledger.Fact // the same
	channel string        // it is for the members of a channel, user is that one's owner

	members []*member // of the channel, when it is written

	first *Pending // the publish that this one repeats, and whose answer it gets
	done  chan struct{}

	waits bool     // whoever has begun it waits, and then flushes
	soon  flushers // whom; does not change after done is closed

	// The answer, which does not change after done is closed.
	receipt Receipt
	err     error
}

// settled is the done channel of what need not wait.
var settled = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// size is what counts for the bounds of the queue and of a commit.
func (p *Pending) size() int {
	if p.event == nil {
		size := 0
		if p.change != nil {
			size = len(p.change.channel) + len(p.change.user)
		}
		for i := range p.facts {
			size += len(p.facts[i].Of) + len(p.facts[i].Name) + len(p.facts[i].Value)
		}
		return size
	}
	return p.event.Size()
}

// Wait returns what Publish does. It may be called more than once and by anybody.
func (p *Pending) Wait() (Receipt, error) {
	<-p.done
	if p.first == nil {
		return p.receipt, p.err
	}
	r, err := p.first.Wait()
	r.Duplicate = err == nil
	return r, err
}

// Submit is Publish for a caller who wants to publish more before it waits. What
// one caller submits is published in that order.
func (b *Broker) Submit(user string, ev *replay.Event, key Key) *Pending {
	if b.committer == nil {
		r, err := b.publish(user, ev, key, nil)
		return &Pending{receipt: r, err: err, done: settled}
	}
	return b.submit(&Pending{user: user, event: ev, key: key, id: idKey(ev)})
}

// submit hands a publish to the committer, unless it is a repeat. If the caller
// waits, it flushes what is in soon.
func (b *Broker) submit(p *Pending) *Pending {
	p.done = make(chan struct{})
	if b.draining.Load() {
		p.err, p.done = ErrDraining, settled
		return p
	}
	sh := b.shard(p.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch first, err := sh.awaitedLocked(p); {
	case err != nil:
		p.err, p.done = err, settled
		return p
	case first != nil:
		p.first, p.done = first, settled
		sh.counters.duplicates++
		return p
	}
	if p.key.Name != "" || p.id.Name != "" {
		r, ok, err := b.repeatedLocked(sh, p.user, p.event, p.key, p.id)
		if ok || err != nil {
			p.receipt, p.err, p.done = r, err, settled
			return p
		}
	}
	if err := b.committer.enqueue(p); err != nil {
		p.err, p.done = err, settled
		return p
	}
	sh.awaitLocked(p)
	return p
}

// awaitedLocked finds the publish, still on its way to the disk, that p repeats.
func (sh *shard) awaitedLocked(p *Pending) (*Pending, error) {
	for _, k := range [...]Key{p.key, p.id} {
		if k.Name == "" {
			continue
		}
		if w, ok := sh.awaited[keyID{p.user, k.Name}]; ok {
			if w.digest != k.Digest {
				return nil, ErrConflict
			}
			return w.receipt, nil
		}
	}
	return nil, nil
}

// awaitLocked makes p findable by its names until it is settled.
func (sh *shard) awaitLocked(p *Pending) {
	for _, k := range [...]Key{p.key, p.id} {
		if k.Name == "" {
			continue
		}
		if sh.awaited == nil {
			sh.awaited = make(map[keyID]keyed[*Pending])
		}
		sh.awaited[keyID{p.user, k.Name}] = keyed[*Pending]{digest: k.Digest, receipt: p}
	}
}

// settleLocked ends what awaitLocked began.
func (sh *shard) settleLocked(p *Pending) {
	for _, k := range [...]Key{p.key, p.id} {
		if k.Name != "" {
			delete(sh.awaited, keyID{p.user, k.Name})
		}
	}
}

// fail answers a publish of which nothing was written.
func (b *Broker) fail(p *Pending, err error) {
	if p.toAll == nil {
		sh := b.shard(p.user)
		sh.mu.Lock()
		sh.settleLocked(p)
		sh.mu.Unlock()
	}
	p.err = err
	close(p.done)
}

// apply makes an event that is on disk part of its user's log and hands it to the
// user's connections, in one step.
func (b *Broker) apply(p *Pending, st replay.Standing) {
	sh := b.shard(p.user)
	sh.mu.Lock()
	r := Receipt{ID: p.event.ID, Cursor: replay.Cursor{Epoch: st.Epoch, Seq: st.Head}}
	var soon *flushers
	if p.waits {
		soon = &p.soon
	}
	r.Delivered = sh.applySoonLocked(p.user, p.event, st, nil, soon)
	sh.settleLocked(p)
	sh.rememberLocked(p, r)
	sh.mu.Unlock()
	p.receipt = r
	close(p.done)
}

// applyLocked appends an event that lies where st says, tells the ledger's readers,
// and hands it over in f, or in a frame of its own.
func (sh *shard) applyLocked(name string, ev *replay.Event, st replay.Standing, f *Frame) (delivered int) {
	return sh.applySoonLocked(name, ev, st, f, nil)
}

// applySoonLocked is to applyLocked what handOverSoonLocked is to handOverLocked.
func (sh *shard) applySoonLocked(name string, ev *replay.Event, st replay.Standing, f *Frame, soon *flushers) (delivered int) {
	b := sh.broker
	u := sh.users[name]
	if u == nil {
		b.store.AppendAt(name, ev, st.At)
		b.committer.ledger.Note(name, st)
		return 0
	}
	u.log.AppendAt(ev, st.At)
	b.committer.ledger.Note(name, st)
	if f == nil && u.conns > 1 { // alone, a connection encodes straight into its write
		f = &Frame{Event: ev}
	}
	return sh.handOverSoonLocked(u, st.Head, ev, f, soon)
}
