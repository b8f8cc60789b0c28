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
	b.broadcastMu.Lock()
	defer b.broadcastMu.Unlock()
	r, ok, err := b.broadcasts.find("", key)
	if !ok && err == nil {
		if r, ok, err = b.broadcasts.find("", id); ok {
			b.broadcasts.remember("", key, r)
		}
	}
	switch {
	case err != nil:
		return BroadcastReceipt{}, err
	case ok:
		r.Duplicate = true
		b.count(func(c *counters) { c.duplicates++ })
		return r, nil
	}
	r = BroadcastReceipt{ID: ev.ID}
	f := &Frame{Event: ev}
	for i := range b.shards {
		b.broadcastToShard(i, f, &r)
	}
	b.broadcasts.remember("", key, r)
	b.broadcasts.remember("", id, r)
	b.count(func(c *counters) { c.published++ })
	return r, nil
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
