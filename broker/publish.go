package broker

import (
	"hubline/replay"
)

// Receipt answers one publish.
type Receipt struct {
	ID        string
	Cursor    replay.Cursor
	Delivered int  // connections it was handed to
	Duplicate bool // an earlier publish with the same key or id is answered again
}

// Key makes a publish idempotent. The zero Key does not.
type Key struct {
	// Name is the publisher's key, unique per user.
	Name string
	// Digest of the content: the same key with another digest is ErrConflict.
	Digest [16]byte
}

// Publish puts ev into user's log and hands it to the user's connections. ev
// must not be changed afterwards. With a key, or with an id that the publisher
// chose, a repeated publish returns the first one's receipt with Duplicate set
// and sends nothing. It returns ErrConflict or ErrDraining.
func (b *Broker) Publish(user string, ev *replay.Event, key Key) (Receipt, error) {
	if b.draining.Load() {
		return Receipt{}, ErrDraining
	}
	i := b.store.ShardOf(user)
	sh := &b.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if key.Name != "" {
		if r, ok, err := b.keys[i].find(user, key); ok || err != nil {
			if ok {
				b.counters.duplicates.Add(1)
			}
			return r, err
		}
	}
	if ev.IDGiven {
		if r, ok, err := b.findIDLocked(i, user, ev); ok || err != nil {
			if ok {
				b.counters.duplicates.Add(1)
			}
			return r, err
		}
	}
	r := Receipt{ID: ev.ID}
	if u := sh.users[user]; u != nil {
		r.Cursor = u.log.Append(ev)
		r.Delivered = b.handOver(u, r.Cursor.Seq, &Frame{Event: ev})
	} else {
		r.Cursor = b.store.Append(user, ev)
	}
	if key.Name != "" {
		b.keys[i].remember(user, key, r)
	}
	if ev.IDGiven {
		b.keys[i].remember(user, idKey(ev), r)
	}
	b.counters.published.Add(1)
	b.counters.delivered.Add(uint64(r.Delivered)) //nolint:gosec // a count
	return r, nil
}

// findIDLocked answers a repeated event id: from the remembered receipts, else
// from the log itself, which forgets how many connections there were.
func (b *Broker) findIDLocked(shard int, user string, ev *replay.Event) (Receipt, bool, error) {
	if r, ok, err := b.keys[shard].find(user, idKey(ev)); ok || err != nil {
		return r, ok, err
	}
	cur, old, ok := b.store.Find(user, ev.ID)
	if !ok {
		return Receipt{}, false, nil
	}
	if contentDigest(old) != contentDigest(ev) {
		return Receipt{}, false, ErrConflict
	}
	return Receipt{ID: ev.ID, Cursor: cur, Duplicate: true}, true, nil
}

// BroadcastReceipt answers a broadcast.
type BroadcastReceipt struct {
	ID        string
	Users     int
	Delivered int
	Duplicate bool
}

// Broadcast puts ev into the log of every user with a log or a connection. It
// works through the shards one after the other: each user gets the event
// exactly once and in order with that user's other events, but two broadcasts
// at the same time may reach two users in different order.
func (b *Broker) Broadcast(ev *replay.Event, key Key) (BroadcastReceipt, error) {
	if b.draining.Load() {
		return BroadcastReceipt{}, ErrDraining
	}
	if ev.IDGiven && key.Name == "" {
		key = idKey(ev)
	}
	if key.Name != "" {
		sh := &b.shards[0]
		sh.mu.Lock()
		r, ok, err := b.keys[0].find(broadcastScope, key)
		if !ok && err == nil {
			// Claimed before the work, so that a concurrent repeat is one too.
			b.keys[0].remember(broadcastScope, key, Receipt{ID: ev.ID})
		}
		sh.mu.Unlock()
		if ok || err != nil {
			return BroadcastReceipt{ID: r.ID, Users: int(r.Cursor.Seq), Delivered: r.Delivered, Duplicate: ok}, err //nolint:gosec // stored from an int below
		}
	}
	out := BroadcastReceipt{ID: ev.ID}
	f := &Frame{Event: ev}
	for i := range b.shards {
		sh := &b.shards[i]
		sh.mu.Lock()
		for _, u := range sh.users {
			out.Delivered += b.handOver(u, u.log.Append(ev).Seq, f)
		}
		out.Users += len(sh.users) + b.store.AppendToUnpinned(i, ev)
		sh.mu.Unlock()
	}
	if key.Name != "" {
		sh := &b.shards[0]
		sh.mu.Lock()
		// The cursor's seq carries the number of users.
		b.keys[0].remember(broadcastScope, key, Receipt{ID: ev.ID, Cursor: replay.Cursor{Seq: uint64(out.Users)}, Delivered: out.Delivered}) //nolint:gosec // a count
		sh.mu.Unlock()
	}
	b.counters.published.Add(1)
	b.counters.delivered.Add(uint64(out.Delivered)) //nolint:gosec // a count
	return out, nil
}

// handOver gives the frame to every connection of u that wants it. The shard's
// lock is held.
func (b *Broker) handOver(u *user, seq uint64, f *Frame) (delivered int) {
	for s := u.first; s != nil; s = s.next {
		if !s.wants(f.Event) {
			continue
		}
		if lagged := s.put(seq, f); lagged {
			b.counters.lagged.Add(1)
		}
		s.waker.Wake()
		delivered++
	}
	return delivered
}
