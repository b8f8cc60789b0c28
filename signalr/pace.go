package signalr

import (
	"time"

	"hubline/internal/ratelimit"
)

// keepPace holds a message back until its time has come. Nothing is read from the
// client meanwhile: its silence is our doing, and its calls come late but in their
// order, where a refusal would lose them.
func (s *Session) keepPace(now time.Time) {
	wait := s.pace.Take(ratelimit.Rate{Count: s.hub.cfg.MaxMessages, Per: s.hub.cfg.MessageWindow}, now)
	if wait <= 0 {
		return
	}
	s.hub.counters.delayed.Add(1)
	s.mu.Lock()
	s.flags.Or(flagBusy)
	s.awaitTimeLocked(s.lostLocked, wait)
	s.heard.Store(time.Now().UnixNano())
	s.flags.And(^uint32(flagBusy))
	s.mu.Unlock()
}
