package broker

import (
	"hubline/replay"
)

// Subscribe joins a connection to its user's events. The look at the log and
// the joining are one step, so nothing can fall between. What is to be
// replayed is not copied: Next reads it from the log. The caller must Close
// the subscription. It returns ErrTooManyConnections or ErrDraining.
func (b *Broker) Subscribe(o Options) (*Subscription, Welcome, error) {
	if b.draining.Load() {
		return nil, Welcome{}, ErrDraining
	}
	if n := b.connections.Add(1); int(n) > b.cfg.MaxConnections {
		b.connections.Add(-1)
		b.counters.refused.Add(1)
		return nil, Welcome{}, ErrTooManyConnections
	}
	since := o.Since
	if since.Kind == replay.SinceDevice {
		since = b.devices.since(o.User, o.Device)
	}
	s := &Subscription{b: b, device: o.Device, match: o.Match, waker: o.Waker}

	sh := &b.shards[b.store.ShardOf(o.User)]
	sh.mu.Lock()
	u := sh.users[o.User]
	if u == nil {
		u = &user{name: o.User, shard: sh, log: b.store.Pin(o.User)}
		sh.users[o.User] = u
	}
	if u.conns >= b.cfg.MaxConnectionsPerUser {
		sh.mu.Unlock()
		b.connections.Add(-1)
		b.counters.refused.Add(1)
		return nil, Welcome{}, ErrTooManyConnections
	}
	sv := u.log.Survey(since, s.wants)
	s.u, s.pos, s.next = u, sv.Start, u.first
	s.behind = sv.Start < sv.Head
	if u.first != nil {
		u.first.prev = s
	}
	u.first = s
	u.conns++
	sh.mu.Unlock()

	if sv.Lost != nil {
		b.counters.gaps.Add(1)
	}
	b.counters.replayed.Add(uint64(sv.Matching)) //nolint:gosec // a count
	w := Welcome{
		Epoch: sv.Epoch, Start: sv.Start, Head: sv.Head, Oldest: sv.Oldest,
		Replayed: sv.Matching, Recovered: sv.Recovered, Gap: sv.Lost,
		Resume: replay.Cursor{Epoch: sv.Epoch, Seq: sv.Start},
	}
	if sv.Lost != nil {
		w.Resume = since.Cursor
		if w.Resume.Epoch == "" {
			w.Resume.Epoch = sv.Epoch
		}
	}
	return s, w, nil
}

// wants tells whether the event is for this connection.
func (s *Subscription) wants(ev *replay.Event) bool {
	if ev.Device != "" && ev.Device != s.device {
		return false
	}
	if ev.ExceptDevice != "" && ev.ExceptDevice == s.device {
		return false
	}
	return s.match == nil || s.match(ev)
}

// put queues an event; the shard's lock is held. It reports true when the
// queue was full and the subscription reads on from the log from now on.
func (s *Subscription) put(seq uint64, f *Frame) (lagged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed, s.behind: // the log has it
		return false
	case s.queue.count >= s.b.cfg.QueueEvents,
		s.queue.count > 0 && s.queue.bytes+f.Event.Size() > s.b.cfg.QueueBytes:
		s.queue.clear()
		s.behind = true
		return true
	}
	s.queue.push(item{seq: seq, frame: f})
	return false
}

// readBytes bounds what one Next reads from the log, so that a page of large
// events is not held in memory at once.
const readBytes = 64 << 10

// Next takes what waits, oldest first, as far as dst has room, and returns the
// filled part. An empty result means that nothing waits: the Waker will be
// called. Next must not be called concurrently with itself.
func (s *Subscription) Next(dst []Delivery) []Delivery {
	dst = dst[:0]
	s.mu.Lock()
	for s.queue.count > 0 && len(dst) < cap(dst) {
		it := s.queue.pop()
		s.pos = it.seq
		dst = append(dst, Delivery{Seq: it.seq, Event: it.frame.Event, Frame: it.frame})
	}
	behind := s.behind && !s.closed
	s.mu.Unlock()
	if behind && len(dst) == 0 {
		dst = s.read(dst)
	}
	return dst
}

// read takes a page from the log and, if that reached the head, makes the
// subscription live: both in one step under the shard's lock.
func (s *Subscription) read(dst []Delivery) []Delivery {
	var page [32]replay.Entry
	for {
		room := min(cap(dst), len(page))
		s.u.shard.mu.Lock()
		s.mu.Lock()
		entries, st := s.u.log.Read(s.pos, page[:0:room], readBytes)
		if n := len(entries); n > 0 {
			s.pos = entries[n-1].Seq
		}
		live := s.pos >= st.Head
		if live {
			s.behind = false
		}
		s.mu.Unlock()
		s.u.shard.mu.Unlock()

		for _, e := range entries {
			switch {
			case e.Lost != nil:
				dst = append(dst, Delivery{Seq: e.Seq, Gap: e.Lost})
			case s.wants(e.Event):
				dst = append(dst, Delivery{Seq: e.Seq, Event: e.Event})
			}
		}
		if len(dst) > 0 || live {
			return dst
		}
	}
}

// Waiting reports whether Next has something, or may have.
func (s *Subscription) Waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.count > 0 || s.behind && !s.closed
}

// Position is the cursor up to which the connection has been handed
// everything that concerns it: while nothing waits it moves with the log even
// when all new events are filtered out.
func (s *Subscription) Position() replay.Cursor {
	s.u.shard.mu.Lock()
	defer s.u.shard.mu.Unlock()
	st := s.u.log.State()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue.count == 0 && !s.behind {
		s.pos = st.Head
	}
	return replay.Cursor{Epoch: st.Epoch, Seq: s.pos}
}

// Acknowledge saves the cursor for the connection's device: the client has
// everything up to it. Without a device it does nothing. A cursor ahead of
// the log is ignored.
func (s *Subscription) Acknowledge(c replay.Cursor) {
	if s.device == "" {
		return
	}
	st := s.u.log.State()
	if c.Epoch == "" {
		c.Epoch = st.Epoch
	}
	if c.Epoch != st.Epoch || c.Seq > st.Head {
		return
	}
	s.b.devices.save(s.u.name, s.device, c)
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.queue.clear()
	s.mu.Unlock()
	if was {
		return
	}
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		s.u.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.u.conns--
	if s.u.conns == 0 {
		delete(sh.users, s.u.name)
		s.b.store.Unpin(s.u.log)
	}
	s.b.connections.Add(-1)
}
