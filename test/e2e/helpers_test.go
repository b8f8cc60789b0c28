package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// transports are the native ones.
var transports = []string{"sse", "ws", "poll"}

// conn is a stream with a test's manners: what does not happen in time, or not as
// expected, fails the test.
type conn struct {
	client.Stream

	t         *testing.T
	transport string
}

// connect opens a stream as the options say and closes it when the test ends.
func connect(t *testing.T, s *harness.Server, transport string, o client.Options) *conn {
	t.Helper()
	c, err := tryConnect(t, s, transport, o)
	if err != nil {
		t.Fatalf("%s: %v", transport, err)
	}
	return c
}

func tryConnect(t *testing.T, s *harness.Server, transport string, o client.Options) (*conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience())
	defer cancel()
	if o.URL == "" {
		o.URL = s.URL
	}
	c := &conn{t: t, transport: transport}
	switch transport {
	case "sse":
		stream, err := client.DialSSE(ctx, o)
		if err != nil {
			return nil, err
		}
		c.Stream = stream
	case "ws":
		stream, err := client.DialWS(ctx, o)
		if err != nil {
			return nil, err
		}
		c.Stream = stream
	case "poll":
		c.Stream = client.NewPoller(o)
	}
	t.Cleanup(c.Close)
	return c, nil
}

// refusal returns the answer to an attempt that must be refused.
func refusal(t *testing.T, s *harness.Server, transport string, o client.Options) *client.Refused {
	t.Helper()
	if transport == "poll" && o.Query.Get("wait") == "" {
		q := url.Values{"wait": {"0"}}
		maps.Copy(q, o.Query)
		o.Query = q
	}
	c, err := tryConnect(t, s, transport, o)
	if err == nil && transport == "poll" {
		_, err = c.Next(t.Context())
	}
	if r, ok := errors.AsType[*client.Refused](err); ok {
		return r
	}
	t.Fatalf("%s: was not refused: %v", transport, err)
	return nil
}

// deadline bounds one wait, whatever keep-alives come meanwhile.
func (c *conn) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.t.Context(), harness.Patience())
}

// next returns the next message, past comments and retry times.
func (c *conn) next() client.Message {
	c.t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	return c.pass(ctx, client.Comment, client.Retry)
}

// any returns the next message of any kind.
func (c *conn) any() client.Message {
	c.t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	return c.pass(ctx)
}

// pass returns the next message that is of none of the kinds.
func (c *conn) pass(ctx context.Context, kinds ...client.Kind) client.Message {
	c.t.Helper()
	for {
		m, err := c.Next(ctx)
		if err != nil {
			c.t.Fatalf("%s: %v", c.transport, err)
		}
		if !slices.Contains(kinds, m.Kind) {
			return m
		}
	}
}

// want returns the next message, which must be of the kind. On a poll, cursors that
// stand behind every answer are passed over, unless they are wanted.
func (c *conn) want(kind client.Kind) client.Message {
	c.t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	skipped := []client.Kind{client.Comment, client.Retry}
	if c.transport == "poll" && kind != client.Move {
		skipped = append(skipped, client.Move)
	}
	m := c.pass(ctx, skipped...)
	if m.Kind != kind {
		c.t.Fatalf("%s: got %s %s %s, want %s", c.transport, m.Kind, m.Cursor, m.Raw, kind)
	}
	return m
}

// wantEvent takes the next message, which must be the event of the receipt.
func (c *conn) wantEvent(r harness.Receipt) client.Message {
	c.t.Helper()
	m := c.want(client.Event)
	if m.ID != r.ID || m.Cursor.String() != r.Cursor {
		c.t.Fatalf("%s: got event %s %s, want %s %s", c.transport, m.Cursor, m.ID, r.Cursor, r.ID)
	}
	return m
}

// wantSeqs takes events with the seqs from first to last.
func (c *conn) wantSeqs(first, last uint64) {
	c.t.Helper()
	for seq := first; seq <= last; seq++ {
		if m := c.want(client.Event); m.Cursor.Seq != seq {
			c.t.Fatalf("%s: got event %s, want seq %d", c.transport, m.Cursor, seq)
		}
	}
}

// wantReady takes hubline.ready. A poll has none.
func (c *conn) wantReady() client.Welcome {
	c.t.Helper()
	return c.want(client.Ready).Ready
}

// wantEnd reads to the end of the stream and returns the close code of a WebSocket.
func (c *conn) wantEnd() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	for {
		m, err := c.Next(ctx)
		switch {
		case errors.Is(err, client.ErrClosed):
			return -1
		case err != nil && websocket.CloseStatus(err) != -1:
			return websocket.CloseStatus(err)
		case err != nil:
			c.t.Fatalf("%s: the stream did not end in order: %v", c.transport, err)
		case m.Kind == client.Event:
			c.t.Fatalf("%s: got event %s, want the end", c.transport, m.Cursor)
		}
	}
}

// wantProblem checks an error answer: its status, its media type, and that it says
// what is wrong.
func wantProblem(t *testing.T, status int, header http.Header, body []byte, want int, kind string) {
	t.Helper()
	var p struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}
	err := json.Unmarshal(body, &p)
	switch {
	case status != want:
		t.Errorf("status = %d, want %d: %s", status, want, body)
	case header.Get("Content-Type") != "application/problem+json":
		t.Errorf("content type = %q", header.Get("Content-Type"))
	case err != nil, p.Status != want, p.Title == "", p.Detail == "":
		t.Errorf("not a whole problem: %v %s", err, body)
	case kind != "" && !strings.HasSuffix(p.Type, kind):
		t.Errorf("type = %q, want one that ends in %q", p.Type, kind)
	}
}

// await waits for some seconds of the server's time: a long poll that
// nothing happens to ends by itself. It is a clock that needs no sleep.
func await(t *testing.T, s *harness.Server, seconds float64) {
	t.Helper()
	p := client.NewPoller(client.Options{URL: s.URL, Token: s.Token("clock"), Query: url.Values{"wait": {fmt.Sprint(seconds)}}})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience())
	defer cancel()
	if _, err := p.Poll(ctx); err != nil {
		t.Fatal(err)
	}
}

// eachTransport runs a test for every native transport.
func eachTransport(t *testing.T, test func(t *testing.T, transport string)) {
	t.Helper()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) { test(t, transport) })
	}
}

// query is a shorthand.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

// pollOnly is a query for long polls: on other URLs wait would make them one.
func pollOnly(transport string, pairs ...string) url.Values {
	if transport != "poll" {
		return nil
	}
	return query(pairs...)
}
