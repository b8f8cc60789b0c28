package transports

import (
	"context"
	"time"
)

// Shutdown ends all connections in order, spread evenly over the given time so
// that their clients do not come back all at once, and waits for them. What is
// left when ctx ends is cut. New connections must have been stopped before.
func (s *Server) Shutdown(ctx context.Context, spread time.Duration) {
	all := s.Connections()
	if n := len(all); n > 0 {
		s.closeSpread(ctx, all, spread/time.Duration(n))
	}
	done := make(chan struct{})
	s.stopWheel()
	close(s.pool.done)
	go func() { // ends when the last reader has: every socket is closed below
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		for _, c := range s.Connections() {
			c.Abort(ReasonDrain)
		}
		<-done
	}
	s.writers.Close()
}

// closeSpread closes one connection after the other, step apart.
func (s *Server) closeSpread(ctx context.Context, all []*Connection, step time.Duration) {
	// A timer is not finer than about a millisecond: close as many a step.
	const tick = 5 * time.Millisecond
	per := 1
	if step < tick {
		per = int(tick/max(step, time.Microsecond)) + 1
	}
	t := time.NewTicker(max(step, tick))
	defer t.Stop()
	for i, c := range all {
		c.Leave(ReasonDrain)
		if (i+1)%per != 0 || i == len(all)-1 {
			continue
		}
		select {
		case <-ctx.Done():
			per = len(all) + 1 // no time left: all the others now
		case <-t.C:
		}
	}
}
