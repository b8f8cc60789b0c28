package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxTries is how many requests in a row may fail to publish anything. With
	// the pauses between, that is about a minute and a half of an absent server.
	maxTries = 12
	// maxAskedPause bounds the pause that a server may ask for.
	maxAskedPause = time.Minute
)

// errWrongAnswer ends a stream: whoever answers like that may have done anything.
var errWrongAnswer = errors.New("the answer is not that of /api/v1/events:batch; is --server right?")

// sender sends the chunks of a stream one after the other, so that the events
// of a user keep their order.
type sender struct {
	client *client
	report *report
}

// send publishes the items, in however many requests that takes. It returns an
// error when going on with the stream makes no sense. An item that the server
// refuses is reported, and the others go on.
func (s *sender) send(ctx context.Context, items []item) error {
	pauses := backoff.ExponentialBackOff{
		InitialInterval: 250 * time.Millisecond, MaxInterval: 15 * time.Second, Multiplier: 2, RandomizationFactor: 1,
	}
	for tries := 0; ; {
		for len(items) > 0 && items[0].err != nil {
			s.report.fail(items[0].line, items[0].err)
			items = items[1:]
		}
		if len(items) == 0 {
			return nil
		}
		rest, err := s.request(ctx, items)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errWrongAnswer) {
			return fmt.Errorf("publish: %w", err)
		}
		asked := time.Duration(-1)
		if problem, ok := errors.AsType[*apiError](err); ok {
			switch {
			case problem.Status == http.StatusRequestEntityTooLarge:
				return s.sendHalves(ctx, items, err)
			case !problem.temporary():
				return fmt.Errorf("publish: %w", err)
			}
			asked = problem.retryAfter
		}
		if len(rest) < len(items) {
			tries = 0
			pauses.Reset()
		}
		items = rest
		s.report.draw("")
		if err == nil {
			continue
		}
		if tries++; tries == maxTries {
			return fmt.Errorf("publish: given up after %d tries: %w", tries, err)
		}
		s.report.draw(fmt.Sprintf("trying again: %v", err))
		pause := pauses.NextBackOff()
		if asked >= 0 {
			pause = min(asked, maxAskedPause)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// sendHalves is for a request that was too large as a whole.
func (s *sender) sendHalves(ctx context.Context, items []item, refusal error) error {
	if len(items) == 1 {
		s.report.fail(items[0].line, refusal)
		return nil
	}
	half := len(items) / 2
	if err := s.send(ctx, items[:half]); err != nil {
		return err
	}
	return s.send(ctx, items[half:])
}

// batchResult is the answer to one item: a receipt, several, or an error.
type batchResult struct {
	Duplicate bool `json:"duplicate"`
	Receipts  []struct {
		Duplicate bool      `json:"duplicate"`
		Error     *apiError `json:"error"`
	} `json:"receipts"`
	Error *apiError `json:"error"`
}

// request sends the items once, reports what became of them, and returns those
// that are to be sent again, with the reason if it is not only that the server
// left them for the next request.
func (s *sender) request(ctx context.Context, items []item) (rest []item, err error) {
	var body bytes.Buffer
	sent := 0
	for _, item := range items {
		if item.err == nil {
			body.Write(item.body)
			body.WriteByte('\n')
			sent++
		}
	}
	answer, err := s.client.post(ctx, "/api/v1/events:batch", "application/x-ndjson", body.Bytes(), nil)
	if err != nil {
		return items, err
	}
	var results [][]byte
	for line := range bytes.Lines(answer) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			results = append(results, line)
		}
	}
	if len(results) == 0 {
		return items, errors.New("the server answered without a result")
	}
	if len(results) > sent {
		return items, errWrongAnswer
	}
	answered := 0
	for i, item := range items {
		if item.err != nil {
			s.report.fail(item.line, item.err)
			continue
		}
		if answered == len(results) { // left for the next request
			return append(rest, items[i:]...), err
		}
		line := results[answered]
		answered++
		var result batchResult
		if line[0] != '{' || json.Unmarshal(line, &result) != nil {
			return append(rest, items[i:]...), errWrongAnswer
		}
		problem := result.problem()
		switch {
		case problem == nil:
			s.report.done(item.line, result.Duplicate, line)
		case problem.Status == http.StatusRequestEntityTooLarge && answered > 1 && answered == len(results):
			// Perhaps it is not this item but the request that was too large, and
			// the server stopped here: the item opens the next request.
			return append(rest, items[i:]...), err
		case problem.temporary():
			problem.retryAfter = -1
			rest, err = append(rest, item), problem
		default:
			s.report.fail(item.line, problem)
		}
	}
	return rest, err
}

// problem returns the first error in a result. An item for several users is
// sent again as a whole; those who have the event already are not sent it twice.
func (r batchResult) problem() *apiError {
	if r.Error != nil {
		return r.Error
	}
	for _, receipt := range r.Receipts {
		if receipt.Error != nil {
			return receipt.Error
		}
	}
	return nil
}

// sleep waits, or returns ctx's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
