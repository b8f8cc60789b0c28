package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// SSE is an open event stream.
type SSE struct {
	Header http.Header // of the response

	parser *SSEParser
	body   io.Closer
	sock   socket
	end    context.CancelFunc
}

// DialSSE opens an event stream. It returns *Refused for any status but 200.
func DialSSE(ctx context.Context, o Options) (*SSE, error) {
	s := &SSE{}
	// The request lives as long as the stream, not as long as the dialling.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	r, err := http.NewRequestWithContext(life, http.MethodGet, o.target(), nil)
	if err != nil {
		end()
		return nil, err
	}
	r.Header = o.headers()
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/event-stream")
	}
	resp, err := o.httpClient(&s.sock).Do(r)
	if err != nil {
		end()
		return nil, err
	}
	stop()
	if resp.StatusCode != http.StatusOK {
		defer end()
		return nil, refused(resp)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		end()
		return nil, fmt.Errorf("%w: content type is %q", ErrProtocol, got)
	}
	s.Header, s.parser, s.body, s.end = resp.Header, NewSSEParser(resp.Body), resp.Body, end
	return s, nil
}

func refused(resp *http.Response) *Refused {
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return &Refused{Status: resp.StatusCode, Header: resp.Header, Body: b}
}

// Next implements Stream.
func (s *SSE) Next(ctx context.Context) (Message, error) {
	stop := context.AfterFunc(ctx, s.end)
	defer stop()
	m, err := s.parser.Next()
	if errors.Is(err, io.EOF) {
		err = ErrClosed
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return m, err
}

// Close implements Stream.
func (s *SSE) Close() {
	s.end()
	s.body.Close()
}

// Abort implements Stream.
func (s *SSE) Abort() {
	s.sock.reset()
	s.end()
}
