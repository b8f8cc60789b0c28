package broker

import (
	"hubline/replay"
)

// Receipt answers one publish.
type Receipt struct {
	ID        string
	Cursor    replay.Cursor
	Delivered int  // connections it was handed to
	Members   int  // of the channel, if it was published to one; the Cursor is zero then
	Duplicate bool // an earlier publish with the same key or id is answered again
}

// Publish puts ev into user's log and hands it to the user's connections. ev
// must not be changed afterwards. With a key, or with an id that the publisher
// chose, a repeated publish returns the first one's receipt with Duplicate set
// and sends nothing. When the receipt has been forgotten but the log still has
// the id, Delivered is unknown and 0. With a Ledger it waits until the event is on
// disk. It returns ErrConflict or ErrDraining and, with a Ledger, ErrNoSpace, ErrLog
// or ErrBusy.
//
// It may call the Flush of the user's connections, and must therefore be called with
// no lock held that this takes.
func (b *Broker) Publish(user string, ev *replay.Event, key Key) (Receipt, error) {
	if b.committer != nil {
		p := b.submit(&Pending{user: user, event: ev, key: key, id: idKey(ev), waits: true})
		r, err := p.Wait()
		p.soon.flush()
		return r, err
	}
	var soon flushers
	r, err := b.publish(user, ev, key, &soon)
	soon.flush()
	return r, err
}

// PublishInBatch is Publish for a caller who publishes more right behind: the
// connections are left to the writers, for whom the events gather.
func (b *Broker) PublishInBatch(user string, ev *replay.Event, key Key) (Receipt, error) {
	if b.committer != nil {
		return b.Submit(user, ev, key).Wait()
	}
	return b.publish(user, ev, key, nil)
}

// publish is Publish without a ledger. The caller flushes what is in soon.
func (b *Broker) publish(user string, ev *replay.Event, key Key, soon *flushers) (Receipt, error) {
	if b.draining.Load() {
		return Receipt{}, ErrDraining
	}
	id := idKey(ev)
	sh := b.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if key.Name != "" || id.Name != "" {
		if r, ok, err := b.repeatedLocked(sh, user, ev, key, id); ok || err != nil {
			return r, err
		}
	}
	r := Receipt{ID: ev.ID}
	if u := sh.users[user]; u != nil {
		r.Cursor = u.log.Append(ev)
		var f *Frame
		if u.conns > 1 { // alone, a connection encodes straight into its write
			f = &Frame{Event: ev}
		}
		r.Delivered = sh.handOverSoonLocked(u, r.Cursor.Seq, ev, f, soon)
	} else {
		r.Cursor = b.store.Append(user, ev)
	}
	sh.keys.remember(user, key, r)
	sh.keys.remember(user, id, r)
	sh.counters.published++
	return r, nil
}

// repeatedLocked answers a publish whose key or id was used before: from the
// remembered receipts, else from the log, which knows ids only.
func (b *Broker) repeatedLocked(sh *shard, user string, ev *replay.Event, key, id Key) (r Receipt, ok bool, err error) {
	r, ok, err = b.findKeyLocked(sh, user, key)
	if !ok && err == nil {
		if r, ok, err = b.findKeyLocked(sh, user, id); !ok && err == nil && id.Name != "" && b.committer == nil {
			r, ok, err = b.findInLog(user, ev)
		}
		if ok {
			sh.keys.remember(user, key, r) // it names this event from now on
		}
	}
	if ok {
		r.Duplicate = true
		sh.counters.duplicates++
	}
	return r, ok, err
}

// findKeyLocked looks for a key among those remembered, then in the ledger, which
// knows nothing of how many connections there were.
func (b *Broker) findKeyLocked(sh *shard, user string, key Key) (r Receipt, ok bool, err error) {
	r, ok, err = sh.keys.find(user, key)
	if ok || err != nil || key.Name == "" || b.committer == nil {
		return r, ok, err
	}
	rec, ok := b.committer.ledger.FindKey(ledgerKey(user, key.Name))
	switch {
	case !ok:
		return r, false, nil
	case rec.Digest != key.Digest:
		return r, false, ErrConflict
	}
	r = Receipt{ID: rec.ID, Cursor: rec.Cursor}
	if isChannelOwner(user) {
		r.Cursor, r.Members = replay.Cursor{}, rec.Delivered
	}
	return r, true, nil
}

func (b *Broker) findInLog(user string, ev *replay.Event) (r Receipt, ok bool, err error) {
	cur, old, ok := b.store.Find(user, ev.ID)
	if ok && !sameContent(old, ev) {
		return r, false, ErrConflict
	}
	return Receipt{ID: ev.ID, Cursor: cur}, ok, nil
}

// handOverLocked gives the event to every connection of u that wants it, in the
// frame that they share, if there is one.
func (sh *shard) handOverLocked(u *user, seq uint64, ev *replay.Event, f *Frame) (delivered int) {
	return sh.handOverSoonLocked(u, seq, ev, f, nil)
}

// handOverSoonLocked is handOverLocked, but that those whom soon takes are not woken:
// they are flushed when the lock has been released.
func (sh *shard) handOverSoonLocked(u *user, seq uint64, ev *replay.Event, f *Frame, soon *flushers) (delivered int) {
	for s := u.first; s != nil; s = s.next {
		if !s.wants(ev) {
			continue
		}
		if s.put(item{seq: seq, event: ev, frame: f}, &sh.broker.cfg) {
			sh.counters.lagged++
		}
		if !soon.take(u, s) {
			s.waker.Wake()
		}
		delivered++
	}
	sh.counters.delivered += uint64(delivered) //nolint:gosec // a count
	return delivered
}
