package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// Who sends a request byte by byte is cut, and nobody else notices.
func TestSlowLorisIsCut(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--read-header-timeout", "1s", "--body-timeout", "1s")
	headers := dialRaw(t, s)
	fmt.Fprintf(headers, "GET /events HTTP/1.1\r\nHost: %s\r\nX-Slow: ", s.Addr)
	body := dialRaw(t, s)
	fmt.Fprintf(body, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{\"type\":", harness.EventsPath("alice"), s.Addr, s.APIKey)
	lines := dialRaw(t, s)
	fmt.Fprintf(lines, "POST /api/v1/events:batch HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100\r\n\r\n{", s.Addr, s.APIKey)
	idle := dialRaw(t, s) // says nothing at all
	began := time.Now()
	for name, c := range map[string]io.Reader{"headers": headers, "body": body, "lines": lines, "silence": idle} {
		answer, err := io.ReadAll(c)
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
		if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) {
			t.Errorf("%s: answered with %.100q", name, answer)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to cut them", took)
	}
	if r := s.Publish("alice", "t", "1"); r.Seq != 1 {
		t.Errorf("seq = %d", r.Seq)
	}
}

// Who asks again and again and never reads an answer is cut, token or not.
func TestAClientThatNeverReadsIsCut(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--send-timeout", "1s")
	small := s.Publish("alice", "t", "1")
	requests := map[string]string{
		"description": fmt.Sprintf("GET /api/openapi.yaml HTTP/1.1\r\nHost: %s\r\n\r\n", s.Addr),
		"health":      fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", s.Addr),
		"refusals":    fmt.Sprintf("GET /events HTTP/1.1\r\nHost: %s\r\n\r\n", s.Addr),
		"history": fmt.Sprintf("GET %s?since=0 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
			harness.EventsPath("alice"), s.Addr, s.APIKey),
		"polls": fmt.Sprintf("GET /events?since=0&wait=1 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", s.Addr, s.Token("alice")),
	}
	var wg sync.WaitGroup
	for name, request := range requests {
		c := dialRaw(t, s)
		wg.Go(func() {
			many := []byte(strings.Repeat(request, 100))
			for {
				if _, err := c.Write(many); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: nobody ends the connection", name)
					return
				} else if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if r := s.Publish("alice", "t", "1"); r.Seq != small.Seq+1 {
		t.Errorf("seq = %d", r.Seq)
	}
}

// Sockets that never become connections are bounded as well, and those who have
// a connection keep it.
func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-connections", "1", "--read-header-timeout", "1h")
	c := connect(t, s, "sse", client.Options{Token: s.Token("alice"), Since: "0"})
	c.wantReady()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	const most = 1001
	for len(open) < most+100 {
		open = append(open, dialRaw(t, s))
	}
	// The last ones are told by the end of their socket, the first are not.
	last := open[len(open)-1]
	if _, err := last.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a socket over the bound: %v", err)
	}
	first := open[0]
	fmt.Fprintf(first, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 12\r\n\r\n{\"type\":\"t\"}",
		harness.EventsPath("alice"), s.Addr, s.APIKey)
	if m := c.want(client.Event); m.Cursor.Seq != 1 {
		t.Errorf("got %s", m.Cursor)
	}
	for _, c := range open {
		c.Close()
	}
	open = nil
	for end := time.Now().Add(harness.Patience()); ; { // there is room again
		resp, err := harness.Client.Get(s.URL + "/metrics")
		if err == nil {
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !bytes.Contains(text, []byte("hubline_sockets_rejected_total 1")) {
				t.Errorf("no refusals are counted: %s", text)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := dialRaw(t, s)
	_, _ = fmt.Fprintf(c, "GET /events HTTP/1.1\r\nHost: %s\r\nX-Big: %s\r\n\r\n", s.Addr, strings.Repeat("x", 2<<20))
	answer, _ := io.ReadAll(c)
	if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.1 431")) {
		t.Errorf("answered with %.100q", answer)
	}
	if a := s.Do(http.MethodGet, "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("healthz = %d", a.Status)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flag string
		want int
		kind string
	}{
		{"--max-connections-per-user", http.StatusTooManyRequests, "too-many-connections"},
		{"--max-connections", http.StatusServiceUnavailable, "full"},
		{"--max-connections-per-ip", http.StatusTooManyRequests, "too-many-connections"},
	} {
		t.Run(tt.flag, func(t *testing.T) {
			s := harness.Start(t, tt.flag, "3")
			token := s.Token("alice")
			var open []*conn
			for _, transport := range []string{"sse", "ws", "ws"} {
				c := connect(t, s, transport, client.Options{Token: token, Since: "0"})
				c.wantReady()
				open = append(open, c)
			}
			for _, transport := range transports {
				r := refusal(t, s, transport, client.Options{Token: token})
				wantProblem(t, r.Status, r.Header, r.Body, tt.want, tt.kind)
				if r.Header.Get("Retry-After") == "" {
					t.Errorf("%s: no Retry-After", transport)
				}
			}
			open[0].wantPlace(t, s, token)
		})
	}
}

// wantPlace leaves and waits until its place can be taken.
func (c *conn) wantPlace(t *testing.T, s *harness.Server, token string) {
	t.Helper()
	c.Close()
	for end := time.Now().Add(harness.Patience()); ; {
		again, err := tryConnect(t, s, "sse", client.Options{Token: token})
		if err == nil {
			again.wantReady()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the place of a client that left stays taken: %v", err)
		}
	}
}

// memory is the resident set of the server, in bytes.
func memory(t *testing.T, s *harness.Server) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A client that stops reading delays neither the publisher nor the others, costs no
// more than its bounds, and is sent away in the end.
func TestAStalledReaderDelaysNobody(t *testing.T) {
	s := harness.Start(t, "--send-timeout", "2s")
	token := s.Token("alice")
	stalled := []*conn{
		connect(t, s, "ws", client.Options{Token: token, Since: "0"}),
		connect(t, s, "sse", client.Options{Token: token, Since: "0"}),
	}
	for _, c := range stalled {
		c.wantReady() // and nothing more is read
	}
	lively := map[string]*conn{}
	for _, transport := range []string{"ws", "sse"} {
		lively[transport] = connect(t, s, transport, client.Options{Token: token, Since: "0"})
		lively[transport].wantReady()
	}
	const events, size = 1000, 50 << 10 // 50 MB
	var slowest time.Duration
	var wg sync.WaitGroup
	reading, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	for _, c := range lively {
		wg.Go(func() { c.readAllUntil(reading, t, events) })
	}
	body := harness.Event{Type: "t", Data: []byte(`"` + strings.Repeat("x", size) + `"`)}
	before := memory(t, s)
	for range events {
		began := time.Now()
		if _, err := s.TryPublish(t.Context(), "alice", body); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
	}
	defer time.AfterFunc(harness.Patience(), giveUp).Stop()
	wg.Wait()
	if slowest > time.Second && !harness.Race() {
		t.Errorf("the slowest publish took %v", slowest)
	}
	grown := memory(t, s) - before
	t.Logf("slowest publish %v, memory grown by %d KiB", slowest, grown>>10)
	if limit := 100 << 20; grown > limit && !harness.Race() {
		t.Errorf("the server grew by %d bytes, want less than %d", grown, limit)
	}
	await(t, s, 5) // past the send timeout, still without reading
	for _, c := range stalled {
		c.wantSentAway(t)
	}
}

// readAll reads events, past gaps that come of the log's own bounds, until the last.
// It runs beside the test's goroutine.
func (c *conn) readAll(t *testing.T, last uint64) {
	ctx, cancel := c.deadline()
	defer cancel()
	c.readAllUntil(ctx, t, last)
}

// readAllUntil is readAll until a context ends.
func (c *conn) readAllUntil(ctx context.Context, t *testing.T, last uint64) {
	at := uint64(0)
	for at < last {
		m, err := c.Next(ctx)
		switch {
		case err != nil:
			t.Errorf("%s after %d events: %v", c.transport, at, err)
			return
		case m.Kind == client.Gap && m.Gap.From == at+1:
			at = m.Gap.To
		case m.Kind == client.Event && m.Cursor.Seq == at+1:
			at++
		case m.Kind == client.Event || m.Kind == client.Gap:
			t.Errorf("%s after seq %d: %s %s %+v", c.transport, at, m.Kind, m.Cursor, m.Gap)
			return
		}
	}
}

// wantSentAway reads what is left and wants the server to have ended it before the
// newest event.
func (c *conn) wantSentAway(t *testing.T) {
	t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	for {
		if _, err := c.Next(ctx); err != nil {
			if ctx.Err() != nil {
				t.Errorf("%s: the stalled connection was never ended", c.transport)
			}
			return
		}
	}
}

// A replay of more than the outbox holds arrives complete, also while others go on
// publishing.
func TestALongReplayArrivesComplete(t *testing.T) {
	const history, live = 20_000, 500
	s := harness.Start(t, "--log-events", "30000", "--log-bytes", "64MiB")
	s.PublishSized("alice", "t", history, "some text to make the events as long as events are")
	token := s.Token("alice")
	var wg sync.WaitGroup
	for _, transport := range transports {
		c := connect(t, s, transport, client.Options{Token: token, Since: "0", Query: pollOnly(transport, "limit", "1000")})
		wg.Go(func() { c.readAll(t, history+live) })
	}
	for range live {
		s.Publish("alice", "t", "1")
	}
	wg.Wait()
}
