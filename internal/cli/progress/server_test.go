package progress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// turn is how the server treats one try.
type turn struct {
	err     error         // nobody answers
	lost    bool          // the event is taken, but the answer is lost
	status  int           // it is refused
	after   time.Duration // with Retry-After, if > 0
	answers time.Duration // how long the answer takes
}

var (
	errAway = errors.New("nobody answers")
	away    = turn{err: errAway}
)

// server plays the backend API. It knows events by their ids.
type server struct {
	mu    sync.Mutex
	turns []turn // of the next tries; then always
	then  turn
	tries []time.Time
	ids   map[string]string // the body of each event that was taken
	log   []published
	wrong []string // same id, other body
}

type published struct {
	ID     string
	Type   string
	Device string
	Data   data
	at     time.Time
}

func (s *server) send(ctx context.Context, body []byte) (duplicate bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries = append(s.tries, time.Now())
	now := s.then
	if len(s.turns) > 0 {
		now, s.turns = s.turns[0], s.turns[1:]
	}
	if now.answers > 0 {
		s.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(now.answers):
		}
		s.mu.Lock()
	}
	switch {
	case ctx.Err() != nil:
		return false, fmt.Errorf("post: %w", ctx.Err())
	case now.err != nil:
		return false, now.err
	case now.status != 0:
		refused := &Refused{Err: fmt.Errorf("status %d", now.status), Status: now.status, RetryAfter: -1}
		if now.after > 0 {
			refused.RetryAfter = now.after
		}
		return false, refused
	}
	p := published{at: time.Now()}
	if err := json.Unmarshal(body, &p); err != nil {
		return false, err
	}
	if before, ok := s.ids[p.ID]; ok {
		if before != string(body) {
			s.wrong = append(s.wrong, p.ID)
		}
		duplicate = true
	} else {
		s.ids[p.ID] = string(body)
		s.log = append(s.log, p)
	}
	if now.lost {
		return false, errors.New("the answer is lost")
	}
	return duplicate, nil
}

// steps are the events in short: the step and the percentage.
func (s *server) steps() (steps []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.log {
		step := p.Data.Step
		if p.Data.Percent != nil {
			step += fmt.Sprintf(" %v", *p.Data.Percent)
		}
		steps = append(steps, step)
	}
	return steps
}

func newServer(turns ...turn) *server { return &server{turns: turns, ids: map[string]string{}} }

// tried returns when the server was asked.
func (s *server) tried() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tries)
}

// becomes changes how the server treats what is not planned.
func (s *server) becomes(then turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.then = then
}
