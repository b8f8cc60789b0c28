package storm

import (
	"context"
	"time"

	"hubline/test/internal/check"
	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// stopwatch is a clock that all participants share.
type stopwatch struct{}

var zero = time.Now()

func (stopwatch) now() time.Duration { return time.Since(zero) }

// record notes an acknowledged publish to one user.
func (s *storm) record(user string, e harness.Event, r harness.Receipt, start time.Duration) {
	end := s.clock.now()
	c, err := client.ParseCursor(r.Cursor)
	if err != nil || c.Seq != r.Seq {
		s.t.Errorf("receipt %+v: %v", r, err)
	}
	if e.ID != "" && e.ID != r.ID {
		s.t.Errorf("receipt %+v is for another event than %s", r, e.ID)
	}
	s.add(check.Event{User: user, ID: r.ID, Cursor: c, Start: start, End: end}, e)
	if e.Type == endType {
		s.mu.Lock()
		s.ends[user] = c
		s.mu.Unlock()
	}
}

// recordLoose notes a publish whose seq is not known: a broadcast (no user), or one
// that was never answered.
func (s *storm) recordLoose(user, id string, e harness.Event) {
	s.add(check.Event{User: user, ID: id}, e)
}

func (s *storm) add(c check.Event, e harness.Event) {
	c.Type, c.Device, c.ExceptDevice, c.Data = e.Type, e.Device, e.ExceptDevice, string(e.Data)
	c.TTL = e.TTLSeconds > 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, c)
	s.published++
	close(s.progress)
	s.progress = make(chan struct{})
}

// waitPublished waits until n more events are published, or the storm is over.
func (s *storm) waitPublished(ctx context.Context, n int) {
	s.mu.Lock()
	goal := s.published + n
	s.mu.Unlock()
	s.waitUntil(ctx, func() bool { return s.published >= goal || s.over })
}

// waitUntil waits for a condition on what s.mu guards; s.progress tells of changes.
func (s *storm) waitUntil(ctx context.Context, ok func() bool) {
	for {
		s.mu.Lock()
		done, changed := ok(), s.progress
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// ended tells where the user's log ends, once nothing is published any more.
func (s *storm) ended(user string) (client.Cursor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.ends[user]
	return c, ok && s.over
}

func (s *storm) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// running waits until the server runs. It is called after an error of the network.
func (s *storm) running(ctx context.Context) {
	s.mu.Lock()
	up := s.up
	s.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
	}
}

// restart stops or kills the server while everybody is busy, at moments spread over
// the run.
func (s *storm) restart(ctx context.Context) {
	rng := s.draw("restarts")
	for i := range s.cfg.Restarts {
		at := (i + 1) * s.cfg.Events / (s.cfg.Restarts + 1)
		s.waitUntil(ctx, func() bool { return s.published >= at })
		down := make(chan struct{})
		s.mu.Lock()
		s.up = down
		s.mu.Unlock()
		if s.cfg.Kills || rng.IntN(2) == 0 {
			s.server.Kill()
		}
		s.server.Restart()
		close(down)
	}
}
