package broker

import "hubline/replay"

// Rewind has the connection read from since once more, in one step with the
// look at the log. It never goes forward: where since is ahead of what the
// connection was handed, what waits still comes. Events may thereby be handed
// over again, and be followed by earlier ones. After Close it changes nothing.
func (s *Subscription) Rewind(since replay.Since) Welcome {
	sh := s.u.shard
	if since.Kind == replay.SinceDevice {
		since = replay.Since{}
		if c, ok := sh.broker.devices.find(s.u.name, s.device); ok && s.device != "" {
			since = replay.Since{Kind: replay.SinceCursor, Cursor: c}
		}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // the log is no longer pinned
		return Welcome{Epoch: s.u.epoch, Start: s.pos, Head: s.pos}
	}
	sv := s.u.log.Survey(since, s.wants)
	if !s.behind && s.queue.count == 0 {
		s.pos = sv.Head
	}
	if sv.Start < s.pos {
		s.queue.clear()
		s.pos, s.behind = sv.Start, true
	}
	if sv.Lost != nil {
		sh.counters.gaps++
	}
	sh.counters.replayed += uint64(sv.Matching) //nolint:gosec // a count
	return Welcome{
		Epoch: sv.Epoch, Start: s.pos, Head: sv.Head, Oldest: sv.Oldest,
		Replayed: sv.Matching, Recovered: sv.Recovered, Gap: sv.Lost, Resume: resume(&sv, since.Cursor),
	}
}
