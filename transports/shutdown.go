package transports

import (
	"context"
	"time"
)

// Shutdown ends all connections in order, spread evenly over the given time so
// that their clients do not come back all at once, and waits for them. What is
// left when ctx ends is cut, and waited for a little longer. Requests that
// attach meanwhile are told to leave at once. Only the first call counts; the
// others wait for it.
func (s *Server) Shutdown(ctx context.Context, spread time.Duration) {
	s.shutdown.Do(func() {
		s.phase.Store(phaseDraining)
		attached, waiting := s.list()
		for _, c := range waiting {
			c.endIf(ReasonDrain, c.unclaimedLocked)
		}
		closeSpread(ctx, attached, spread)
		s.conns.wait(ctx)
		s.cutAll() // also those who come from now on
		s.stopWheel()
		close(s.pool.done)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		if s.tasks.wait(last) { // else a session is stuck, and will be with the process
			s.writers.Close()
		}
	})
}

// cutAll ends what is left. A connection without a carrier belongs to a request
// that has not got so far; it finds the connection ended.
func (s *Server) cutAll() {
	s.phase.Store(phaseCut)
	for _, c := range s.Connections() {
		if c.Carrier() == nil {
			c.End(ReasonDrain)
		} else {
			c.Abort(ReasonDrain)
		}
	}
	last, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	s.conns.wait(last)
}

// spreadStep is how often connections are closed: timers are hardly finer.
const spreadStep = 5 * time.Millisecond

// closeSpread tells one connection after the other to leave, evenly over the
// time, and all that are left when ctx ends.
func closeSpread(ctx context.Context, all []*Connection, over time.Duration) {
	start := time.Now()
	t := time.NewTicker(spreadStep)
	defer t.Stop()
	for told := 0; ; {
		due := len(all)
		if passed := time.Since(start); passed < over && ctx.Err() == nil {
			due = 1 + int(float64(len(all))*float64(passed)/float64(over))
		}
		for ; told < min(due, len(all)); told++ {
			all[told].Leave(ReasonDrain)
		}
		if told == len(all) {
			return
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}
