package broker

import (
	"hubline/replay"
)

// BroadcastReceipt answers a broadcast.
type BroadcastReceipt struct {
	ID        string
	Users     int // users whose log it was put into
	Delivered int // connections it was handed to
	Duplicate bool
}

// Broadcast puts ev into the log of every user with a log or a connection:
// exactly once, and in order with that user's other events. Broadcasts wait
// for one another, so all users see them in the same order, and a repeat that
// overtakes the first one's answer waits for it. It works through the shards
// one after the other and holds up no other publisher for longer than a shard
// takes.
//
// Key and id are as in Publish, but compared with other broadcasts' only, and
// for as long as they are remembered. It returns ErrConflict or ErrDraining.
func (b *Broker) Broadcast(ev *replay.Event, key Key) (BroadcastReceipt, error) {
	if b.draining.Load() {
		return BroadcastReceipt{}, ErrDraining
	}
	id := idKey(ev)
	b.broadcasting <- struct{}{}
	defer func() { <-b.broadcasting }()
	if r, ok, err := b.repeatedBroadcast(key, id); ok || err != nil {
		return r, err
	}
	r := BroadcastReceipt{ID: ev.ID}
	if b.committer != nil {
		var err error
		if r, err = b.broadcastDurably(ev, key, id); err != nil {
			return BroadcastReceipt{}, err
		}
	} else {
		f := &Frame{Event: ev}
		for i := range b.shards {
			b.broadcastToShard(i, f, &r)
		}
	}
	b.broadcastMu.Lock()
	b.broadcasts.remember("", key, r)
	b.broadcasts.remember("", id, r)
	b.broadcastMu.Unlock()
	b.count(func(c *counters) { c.published++ })
	return r, nil
}

// repeatedBroadcast answers a broadcast whose key or id was used before: from the
// remembered receipts, else from the ledger, which does not know how many there were.
func (b *Broker) repeatedBroadcast(key, id Key) (r BroadcastReceipt, ok bool, err error) {
	b.broadcastMu.Lock()
	r, ok, err = b.broadcasts.find("", key)
	if !ok && err == nil {
		if r, ok, err = b.broadcasts.find("", id); ok {
			b.broadcasts.remember("", key, r)
		}
	}
	b.broadcastMu.Unlock()
	for _, k := range [...]Key{key, id} {
		if ok || err != nil || b.committer == nil || k.Name == "" {
			continue
		}
		rec, known := b.committer.ledger.FindKey("", k.Name)
		switch {
		case known && rec.Digest != k.Digest:
			err = ErrConflict
		case known:
			r, ok = BroadcastReceipt{ID: rec.ID}, true
		}
	}
	if ok {
		r.Duplicate = true
		b.count(func(c *counters) { c.duplicates++ })
	}
	return r, ok, err
}

// broadcastToShard is one critical section: whoever joins or leaves does so
// before or after it, so every user is either among the connected ones or, with
// a log, among the rest.
func (b *Broker) broadcastToShard(i int, f *Frame, r *BroadcastReceipt) {
	sh := &b.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, u := range sh.users {
		r.Delivered += sh.handOverLocked(u, u.log.Append(f.Event).Seq, f.Event, f)
	}
	r.Users += len(sh.users) + b.store.AppendToUnpinned(i, f.Event)
}

// count books what belongs to no user.
func (b *Broker) count(book func(*counters)) {
	sh := &b.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	book(&sh.counters)
}
