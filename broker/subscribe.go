package broker

import (
	"math"

	"hubline/replay"
)

// Subscribe joins a connection to its user's events. The look at the log and
// the joining are one step, so nothing can fall between. What is to be
// replayed is not copied: Next reads it from the log. The caller must Close
// the subscription. It returns ErrTooManyConnections, ErrFull or ErrDraining.
func (b *Broker) Subscribe(o Options) (*Subscription, Welcome, error) {
	if b.draining.Load() {
		return nil, Welcome{}, ErrDraining
	}
	if n := b.connections.Add(1); n > int64(b.cfg.MaxConnections) {
		return nil, Welcome{}, b.refuse(ErrFull)
	}
	since, lost := o.Since, false
	if since.Kind == replay.SinceDevice {
		since = replay.Since{}
		c, ok := b.devices.find(o.User, o.Device)
		if lost = !ok || o.Device == ""; !lost {
			since = replay.Since{Kind: replay.SinceCursor, Cursor: c}
		}
	}
	s := &Subscription{device: o.Device, match: o.Match, waker: o.Waker, notices: o.Notices, room: int32(min(max(0, o.Room), math.MaxInt32))} //nolint:gosec // within bounds
	sv, ok := b.join(s, o.User, since)
	if !ok {
		return nil, Welcome{}, b.refuse(ErrTooManyConnections)
	}
	return s, Welcome{
		Epoch: sv.Epoch, Start: sv.Start, Head: sv.Head, Oldest: sv.Oldest,
		Replayed: sv.Matching, Recovered: sv.Recovered && !lost, Gap: sv.Lost,
		Resume: resume(&sv, since.Cursor),
	}, nil
}

// refuse takes back the place that Subscribe has reserved.
func (b *Broker) refuse(why error) error {
	b.connections.Add(-1)
	b.refused.Add(1)
	return why
}

// resume is Welcome.Resume for a client that asked with the given cursor. One
// that is ahead must not be kept even for a moment: events are about to be
// numbered up to it, which it would then claim to have.
func resume(sv *replay.Survey, asked replay.Cursor) replay.Cursor {
	if sv.Lost == nil || sv.Lost.Reason == replay.Ahead {
		return replay.Cursor{Epoch: sv.Epoch, Seq: sv.Start}
	}
	if asked.Epoch == "" {
		asked.Epoch = sv.Epoch
	}
	return asked
}

// join is the one step. It reports false when the user has too many.
func (b *Broker) join(s *Subscription, name string, since replay.Since) (sv replay.Survey, ok bool) {
	sh := b.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	u := sh.users[name]
	if u != nil && u.conns >= b.cfg.MaxConnectionsPerUser {
		return sv, false
	}
	if u == nil {
		log := b.store.Pin(name)
		u = &user{name: name, epoch: log.State().Epoch, shard: sh, log: log}
		sh.users[name] = u
	}
	sv = u.log.Survey(since, s.wants)
	s.u, s.next = u, u.first
	s.pos, s.behind = sv.Start, sv.Start < sv.Head
	if u.first != nil {
		u.first.prev = s
	}
	u.first = s
	if u.conns++; u.conns == 1 {
		sh.arrivedLocked(u)
	}
	if sv.Lost != nil {
		sh.counters.gaps++
	}
	sh.counters.replayed += uint64(sv.Matching) //nolint:gosec // a count
	return sv, true
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

// Close ends the subscription; what still waits stays in the log alone. It may
// be called more than once.
func (s *Subscription) Close() {
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !s.end() {
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
	s.next, s.prev = nil, nil // a closed one must not keep its neighbours
	sh.goneLocked(s.u.name, s.device)
	s.u.conns--
	if s.u.conns == 0 {
		delete(sh.users, s.u.name)
		s.u.gone()
		sh.departedLocked(s.u.name)
		sh.broker.store.Unpin(s.u.log)
	}
	sh.broker.connections.Add(-1)
}

// end reports false if it was called before.
func (s *Subscription) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	s.queue.clear()
	s.beside = nil
	return true
}
