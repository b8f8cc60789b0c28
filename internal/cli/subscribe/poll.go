package subscribe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"hubline/internal/cli/eventstream"
)

const (
	// pollLimit is how many events one answer may hold.
	pollLimit = 100
	// pollFrame is how many bytes stand around the events of an answer, at most.
	pollFrame = 4 << 10
	// answerGrace is what a poll may take beyond the wait it asked for.
	answerGrace = 20 * time.Second
)

// pollAnswer is the body of an answer to a long poll.
type pollAnswer struct {
	Events []json.RawMessage `json:"events"`
	Cursor string            `json:"cursor"`
	Gap    *Gap              `json:"gap"`
}

// followPoll polls until one poll fails and returns why.
func (s *subscriber) followPoll(ctx context.Context, token string) error {
	limit := pollLimit
	for {
		wait := s.cfg.PollWait
		if !s.connected {
			// The first answer comes at once: with "latest" it brings the
			// position from which nothing will be missed any more.
			wait = 0
		}
		answer, tooLarge, err := s.poll(ctx, token, wait, limit)
		if tooLarge && limit > 1 {
			limit = 1 // an event that is too large alone stays an error
			continue
		}
		if err != nil {
			return err
		}
		s.accepted()
		if answer.Gap != nil {
			s.gap(*answer.Gap)
		}
		for _, event := range answer.Events {
			if len(event) > s.cfg.MaxEventBytes {
				return eventstream.ErrTooLong
			}
			if err := s.message(event); err != nil {
				return err
			}
		}
		s.position.keep(answer.Cursor)
	}
}

// poll sends one request and reads the whole answer.
func (s *subscriber) poll(ctx context.Context, token string, wait time.Duration, limit int) (_ pollAnswer, tooLarge bool, _ error) {
	ctx, dog, stop := newWatchdog(ctx, wait+answerGrace)
	defer stop()
	u := s.endpoint()
	query := u.Query()
	query.Set("wait", strconv.Itoa(int(wait/time.Second)))
	query.Set("limit", strconv.Itoa(limit))
	u.RawQuery = query.Encode()
	resp, err := s.get(ctx, u, token, "application/json")
	if err != nil {
		return pollAnswer{}, false, cause(ctx, err)
	}
	defer resp.Body.Close()
	most := s.cfg.MaxEventBytes + pollFrame
	if limit > 1 {
		most = max(most, s.cfg.MaxAnswerBytes)
	}
	text, err := io.ReadAll(io.LimitReader(dog.reader(resp.Body), int64(most)+1))
	if err != nil {
		return pollAnswer{}, false, cause(ctx, err)
	}
	if len(text) > most {
		return pollAnswer{}, true, fmt.Errorf("%w: more than %d bytes", eventstream.ErrTooLong, most)
	}
	var answer pollAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		return pollAnswer{}, false, fmt.Errorf("decode poll: %w", err)
	}
	if answer.Cursor == "" {
		return pollAnswer{}, false, fmt.Errorf("the answer to a poll has no cursor; is --server right?")
	}
	return answer, false, nil
}
