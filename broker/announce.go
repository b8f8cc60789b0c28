package broker

import (
	"hubline/replay"
	"hubline/replay/ledger"
)

// announceUsers is how many users a commit of a broadcast puts it into: others who
// publish meanwhile wait for no more than that.
const announceUsers = 1024

// announcement is a broadcast on its way to the disk.
type announcement struct {
	frame   *Frame
	receipt BroadcastReceipt
	users   []string // entered and not yet written
}

// announce writes a broadcast: the event once, and then, for everybody who is known
// or connected now, that it is the next of theirs. Its keys come last: when the
// process ends in the middle, the publisher, who has no answer, publishes it again,
// and nobody goes without.
func (c *committer) announce(p *Pending) {
	a := p.toAll
	body, err := c.ledger.Append([]ledger.Entry{{Event: p.event}})
	if err == nil {
		err = c.announceTo(a, body)
	}
	if keys := keysOf(p); err == nil && len(keys) > 0 {
		_, err = c.ledger.Append([]ledger.Entry{{Event: p.event, Body: body, Keys: keys}})
	}
	if err != nil {
		c.broker.fail(p, err)
		return
	}
	close(p.done)
}

// announceTo enters it for those who are connected first, since they wait.
func (c *committer) announceTo(a *announcement, body uint64) (err error) {
	b := c.broker
	reached := make(map[string]struct{})
	for i := range b.shards {
		sh := &b.shards[i]
		sh.mu.Lock()
		for name := range sh.users {
			reached[name] = struct{}{}
		}
		sh.mu.Unlock()
	}
	enter := func(user string) bool {
		c.enter(user, a.frame.Event, body, nil)
		if a.users = append(a.users, user); len(a.users) == announceUsers {
			err = c.announceFlush(a)
		}
		return err == nil
	}
	for name := range reached {
		if !enter(name) {
			return err
		}
	}
	c.ledger.Users(func(user string, _ replay.Standing) bool {
		if _, ok := reached[user]; ok {
			return true
		}
		return enter(user)
	})
	if err != nil {
		return err
	}
	return c.announceFlush(a)
}

// announceFlush writes what was entered, hands it over, and lets those publish who
// have come meanwhile.
func (c *committer) announceFlush(a *announcement) error {
	if len(a.users) == 0 {
		return nil
	}
	first, err := c.flush()
	if err == nil {
		for i, user := range a.users {
			sh := c.broker.shard(user)
			sh.mu.Lock()
			a.receipt.Delivered += sh.applyLocked(user, a.frame.Event, c.standingOf(i, first), a.frame)
			sh.mu.Unlock()
		}
		a.receipt.Users += len(a.users)
	}
	c.forget()
	clear(a.users)
	a.users = a.users[:0]
	if err == nil {
		others, _ := c.take(nil)
		c.commit(others) // there is one broadcast at a time
	}
	return err
}

// broadcastDurably writes and hands over a broadcast that is no repeat. One is under
// way at a time.
func (b *Broker) broadcastDurably(ev *replay.Event, key, id Key) (BroadcastReceipt, error) {
	a := &announcement{frame: &Frame{Event: ev}, receipt: BroadcastReceipt{ID: ev.ID}}
	p := &Pending{event: ev, key: key, id: id, toAll: a, done: make(chan struct{})}
	if err := b.committer.enqueue(p); err != nil {
		return BroadcastReceipt{}, err
	}
	_, err := p.Wait()
	return a.receipt, err
}
