package storm

import (
	"context"
	"time"

	"hubline/test/internal/harness"
)

// lives ends the server at moments drawn at random, in the middle of its start too,
// until it has lived as often as the configuration says, or for as long. Publishing
// goes on until then.
func (s *storm) lives(ctx context.Context) {
	defer s.rest()
	rng := s.draw("lives")
	k := s.newKeeper()
	began := s.clock.now()
	kills, stops := 0, 0
	for kills < s.cfg.Lives && ctx.Err() == nil {
		if s.cfg.Within > 0 && s.clock.now()-began > s.cfg.Within {
			break
		}
		if rng.IntN(2) == 0 {
			k.move(ctx)
		}
		// Seldom long enough for a checkpoint, or for cursors to be saved.
		s.waitPublished(ctx, rng.IntN(60))
		down := make(chan struct{})
		s.mu.Lock()
		s.up = down
		s.mu.Unlock()
		if k.orderly = rng.IntN(12) == 0; k.orderly {
			harness.Client.CloseIdleConnections() // they would hold it up
			s.server.Stop()
			stops++
		} else {
			s.server.Kill()
			kills++
		}
		for rng.IntN(4) == 0 && kills < s.cfg.Lives {
			s.server.RestartAndKill(time.Duration(rng.Int64N(int64(100 * time.Millisecond))))
			kills++
		}
		s.server.Restart()
		k.look()
		close(down)
	}
	s.t.Logf("killed %d times, stopped in order %d times, in %v", kills, stops, s.clock.now()-began)
	if kills == 0 {
		s.t.Error("there was no time to kill the server once")
	}
}

// rest ends publishing.
func (s *storm) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enough = true
}

func (s *storm) hasEnough() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enough
}

// ends reports whether the server ends in the middle of the run.
func (c *Config) ends() bool { return c.Restarts > 0 || c.Lives > 0 }

// again calls a request until it is answered, if the server ends and is meant to
// recognise what is repeated.
func (p *publisher) again(ctx context.Context, request func() error) error {
	err := request()
	for err != nil && p.cfg.Lives > 0 && ctx.Err() == nil {
		p.running(ctx)
		err = request()
	}
	return err
}
