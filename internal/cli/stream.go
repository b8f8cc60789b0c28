package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Bounds of one batch: far below the server's own limits, large enough for the
// cost of a request not to matter.
const (
	chunkItems = 500
	chunkBytes = 1 << 20
)

// item is one event of a stream on its way to the server, or a line that is
// none: it goes the same way, so that what is reported keeps the lines' order.
type item struct {
	line int
	body []byte
	err  error // why the line cannot be sent
}

// stream publishes the lines of standard input.
func (c publishCommand) stream(ctx context.Context, env environment, client *client) error {
	to := target{}
	switch {
	case c.User != "":
		to = target{"user", string(appendText(nil, c.User))}
	case c.Channel != "":
		to = target{"channel", string(appendText(nil, c.Channel))}
	case c.Broadcast:
		to = target{"broadcast", "true"}
	}
	report := newReport(env, c.JSON)
	sender := &sender{client: client, report: report}
	// Both end with the stream, or when ctx ends; a read that is blocked on a
	// terminal then ends with the process.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	items := make(chan item)
	readErr := make(chan error, 1)
	go func() { readErr <- readItems(ctx, env.stdin, to, items) }()
	chunks := make(chan []item)
	go assemble(ctx, items, chunks)

	for chunk := range chunks {
		if err := sender.send(ctx, chunk); err != nil && ctx.Err() == nil {
			return errors.Join(err, report.summary())
		}
	}
	if ctx.Err() != nil { // what was read has not all been sent
		return errors.Join(errors.New("interrupted"), report.summary())
	}
	return errors.Join(<-readErr, report.summary())
}

// readItems turns lines into items until the stream ends.
func readItems(ctx context.Context, r io.Reader, to target, items chan<- item) error {
	defer close(items)
	lines := newLineReader(r)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return fmt.Errorf("read standard input: %w", err)
		}
		var body []byte
		if err == nil {
			body, err = batchItem(line, to)
		}
		select {
		case items <- item{lines.number, body, err}:
		case <-ctx.Done():
			return nil
		}
	}
}

// assemble gathers items into chunks for as long as the receiver is busy, so
// that a slow stream is sent event by event and a fast one in large batches. It
// holds at most one chunk.
func assemble(ctx context.Context, items <-chan item, chunks chan<- []item) {
	defer close(chunks)
	var chunk []item
	size := 0
	for items != nil || len(chunk) > 0 {
		in, out := items, chunks
		if len(chunk) == 0 {
			out = nil
		}
		if len(chunk) == chunkItems || size >= chunkBytes {
			in = nil
		}
		select {
		case next, ok := <-in:
			if !ok {
				items = nil
				continue
			}
			chunk = append(chunk, next)
			size += len(next.body)
		case out <- chunk:
			chunk, size = nil, 0
		case <-ctx.Done():
			return
		}
	}
}
