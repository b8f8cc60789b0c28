package signalr

import (
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// awaitRoom waits until there is room for what a message would have us hold; no
// more is read from the client meanwhile, so its silence is our fault. It reports
// false when there is none and the message is dropped: the connection is over, or
// its socket is lost.
func (s *Session) awaitRoom(m *protocol.Message) bool {
	s.mu.Lock()
	if !s.roomLocked(m) {
		s.flags.Or(flagBusy)
		s.awaitTimeLocked(func() bool { return s.roomLocked(m) || s.lostLocked() }, s.patience(m.Type))
		s.heard.Store(time.Now().UnixNano())
		s.flags.And(^uint32(flagBusy))
	}
	taken := !s.over && s.roomLocked(m)
	slow := !taken && !s.over && !s.lostLocked()
	s.mu.Unlock()
	if slow {
		s.finish(&comeBack, transports.ReasonSlow)
	}
	return taken
}

// patience is how long a message may wait for room; 0: for ever.
func (s *Session) patience(t protocol.Type) time.Duration {
	if t == protocol.TypeInvocation || t == protocol.TypeStreamInvocation {
		return s.hub.cfg.MaxHold
	}
	return 0
}

func (s *Session) roomLocked(m *protocol.Message) bool {
	switch m.Type {
	case protocol.TypeInvocation, protocol.TypeStreamInvocation:
		return s.roomForCallLocked(weight(m))
	case protocol.TypeStreamItem:
		return s.roomForItemLocked(m.InvocationID, 1, len(m.Item))
	case protocol.TypeCompletion:
		return m.Error == "" || s.roomForItemLocked(m.InvocationID, 0, len(m.Error))
	}
	return true
}

// weight is how many bytes of an invocation are kept until its call is over. Names
// count like arguments: in other servers they were free (CVE-2026-26130).
func weight(m *protocol.Message) int {
	return len(m.InvocationID) + len(m.Target) + total(m.Arguments) + total(m.StreamIDs)
}

// total is the length of all parts.
func total[T ~[]byte | ~string](parts []T) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// roomForCallLocked reports whether a call that holds size bytes may wait. One
// always may, however large.
func (s *Session) roomForCallLocked(size int) bool {
	w, cfg := s.work, &s.hub.cfg
	return w == nil || len(w.queue) == 0 ||
		len(w.queue) < cfg.MaxQueuedCalls && w.queued+size <= cfg.MaxQueuedBytes
}

// roomForItemLocked reports whether n items more of a stream from the client, or an
// error text, may wait. All streams share one bound of bytes; but what nobody reads
// yet must not keep out the stream that the method wants first: there is as much
// again for streams of which nothing waits. One item may always wait.
func (s *Session) roomForItemLocked(id string, n, size int) bool {
	u := s.uploadLocked(id)
	if u == nil || u.ended {
		return true // it is dropped
	}
	bound := s.hub.cfg.MaxQueuedBytes
	if u.bytes == 0 {
		bound *= 2
	}
	used := s.work.uploaded
	return used == 0 || len(u.queue)+n <= s.hub.cfg.StreamBuffer && used+size <= bound
}
