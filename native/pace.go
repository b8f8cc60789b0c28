package native

import "time"

// keepPace holds a message back until its time has come. Nothing is read from the
// client meanwhile, so that it is slowed by its own socket and loses nothing, where
// closing it would have it come back and begin with all its messages anew. Its
// silence is our doing.
func (s *Session) keepPace(now time.Time) {
	wait := s.pace.Take(s.cfg.MessageRate, now)
	if wait <= 0 {
		return
	}
	if s.cfg.Delayed != nil {
		s.cfg.Delayed.Add(1)
	}
	s.heard.Store(now.Add(wait).UnixNano())
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	if s.halt == nil {
		s.halt = make(chan struct{})
	}
	halt := s.halt
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-halt:
	}
}

// Interrupt implements transports.Interrupter.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && s.halt != nil {
		close(s.halt)
	}
	s.over = true
}
