package broker

import (
	"slices"

	"hubline/replay/ledger"
)

func (b *Broker) change(c *membership) (changed bool, err error) {
	if b.draining.Load() {
		return false, ErrDraining
	}
	if b.committer == nil {
		return b.changeInMemory(c)
	}
	p := &Pending{change: c, done: make(chan struct{})}
	if err := b.committer.enqueue(p); err != nil {
		return false, err
	}
	_, err = p.Wait()
	return c.changed && err == nil, err
}

// changeInMemory is change without a ledger. The user's lock is held for both, so that
// changes of a membership are announced in their order.
func (b *Broker) changeInMemory(c *membership) (changed bool, err error) {
	sh := b.shard(c.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b.roster.mu.Lock()
	changed, err = b.roster.changeLocked(c, b.rosterBounds())
	b.roster.mu.Unlock()
	if changed && IsPresence(c.channel) {
		sh.seatLocked(c.channel, c.user, c.in)
	}
	return changed, err
}

// seat follows changes that are on disk, or were undone.
func (b *Broker) seat(changes []*membership) {
	for _, c := range changes {
		if !IsPresence(c.channel) {
			continue
		}
		sh := b.shard(c.user)
		sh.mu.Lock()
		sh.seatLocked(c.channel, c.user, c.in)
		sh.mu.Unlock()
	}
}

// enrol makes the membership changes of a commit, in order, and has them written, with
// what else is to hold.
// What the disk refuses is undone; nobody publishes meanwhile, since that is the
// committer's own work.
func (c *committer) enrol(changes []*Pending) {
	r := c.broker.roster
	bounds := c.broker.rosterBounds()
	var done []*membership
	var facts []ledger.Fact
	r.mu.Lock()
	for _, p := range changes {
		if facts = append(facts, p.facts...); p.change == nil {
			continue
		}
		p.change.changed, p.err = r.changeLocked(p.change, bounds)
		if p.change.changed {
			done = append(done, p.change)
			facts = append(facts, p.change.fact())
		}
	}
	r.mu.Unlock()
	if len(facts) == 0 {
		settleAll(changes, nil)
		return
	}
	err := c.ledger.SaveFacts(facts)
	if err != nil {
		undone := make([]*membership, 0, len(done))
		r.mu.Lock()
		for _, m := range slices.Backward(done) {
			undo := *m
			undo.in = !m.in
			_, _ = r.changeLocked(&undo, noBounds) // there was room a moment ago, or more than there may be
			undone = append(undone, &undo)
		}
		r.mu.Unlock()
		done = undone // for those who have arrived meanwhile
	}
	c.broker.seat(done)
	settleAll(changes, err)
}

// settleAll answers, with err or with the error that each has.
func settleAll(list []*Pending, err error) {
	for _, p := range list {
		if p.err == nil {
			p.err = err
		}
		close(p.done)
	}
}
