package sse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// open2 opens a stream over HTTP/2.
func (g *rig) open2(ctx context.Context) (*http.Response, *dialect.Session) {
	g.t.Helper()
	srv := g.listen(true, true)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.ProtoMajor != 2 {
		g.t.Fatalf("the protocol is %s", resp.Proto)
	}
	return resp, xtest.Wait(g.t, g.opened, "the session")
}

func TestHTTP2(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.options.Retry = time.Second
	resp, d := g.open2(t.Context())
	h := resp.Header.Clone()
	h.Del("Date")
	want := http.Header{
		"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache, no-store, no-transform"}, "Pragma": {"no-cache"},
		"Content-Encoding": {"identity"}, "X-Accel-Buffering": {"no"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	r := bufio.NewReader(resp.Body)
	expect := func(text string) {
		t.Helper()
		b := make([]byte, len(text))
		if n, err := io.ReadFull(r, b); err != nil || string(b) != text {
			t.Fatalf("got %q, %v; want %q", b[:n], err, text)
		}
	}
	expect(":\n\nretry: 1000\n\n")
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 2000 {
			d.Push(fmt.Sprint(i))
		}
	})
	for i := range 2000 {
		expect(fmt.Sprintf("data: %d\n\n", i))
	}
	all.Wait()
	big := strings.Repeat("x", 300_000)
	d.Push(big, big, "end")
	d.Conn.Close(transports.ReasonDrain)
	expect("data: " + big + "\n\ndata: " + big + "\n\ndata: end\n\n")
	if b, err := io.ReadAll(r); len(b) > 0 || err != nil {
		t.Errorf("after the end: %q, %v", b, err)
	}
	ended(t, d, transports.ReasonDrain)
}

func TestHTTP2ClientGoes(t *testing.T) {
	g := newRig(t, transports.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	_, d := g.open2(ctx)
	cancel()
	ended(t, d, transports.ReasonClientClosed)
}

// stall fills the windows of a client that reads nothing.
func stall(d *dialect.Session) {
	big := strings.Repeat("x", 1<<20)
	for range 20 {
		d.Push(big)
	}
}

func TestHTTP2SlowClient(t *testing.T) {
	g := newRig(t, transports.Config{SendTimeout: 100 * time.Millisecond})
	_, d := g.open2(t.Context())
	stall(d)
	ended(t, d, transports.ReasonSlow)
}

// Abort does not wait for a write that is stuck.
func TestHTTP2Abort(t *testing.T) {
	g := newRig(t, transports.Config{SendTimeout: time.Hour})
	_, d := g.open2(t.Context())
	d.Conn.Abort(transports.ReasonRevoked)
	ended(t, d, transports.ReasonRevoked)

	stuck := make(chan struct{}, 100)
	g.prepare = func(d *dialect.Session) { d.OnFill = func() { stuck <- struct{}{} } }
	_, d = g.open2(t.Context())
	stall(d)
	for d.Waiting() > 16 { // the fourth MiB does not fit into the client's window any more
		xtest.Wait(t, stuck, "a filling")
	}
	d.Conn.Abort(transports.ReasonRevoked)
	d.Conn.Abort(transports.ReasonLost)
	ended(t, d, transports.ReasonRevoked)
}

// sluggish is a response whose every write takes a second.
type sluggish struct{ *httptest.ResponseRecorder }

func (s sluggish) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.ResponseRecorder.Write(p)
}

// Close is bounded although there is always more.
func TestHTTP2EndsThoughThereIsAlwaysMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, transports.Config{})
		big := strings.Repeat("x", 1<<16)
		g.prepare = func(d *dialect.Session) {
			d.OnFill = func() { d.Push(big, big) }
			d.Push(big, big)
			d.Conn.Close(transports.ReasonDrain)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.ProtoMajor = 2
		began := time.Now()
		g.ServeHTTP(sluggish{httptest.NewRecorder()}, r)
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("the stream ended after %v, want 5 s", got)
		}
		ended(t, <-g.opened, transports.ReasonDrain)
	})
}

// The body of a GET is skipped, and not taken for anything else.
func TestGETWithABody(t *testing.T) {
	g := newRig(t, transports.Config{})
	s := g.dial(g.listen(false, false), "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
	resp, err := http.ReadResponse(s.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.d.Push("a")
	b := make([]byte, len(":\n\ndata: a\n\n"))
	if _, err := io.ReadFull(resp.Body, b); string(b) != ":\n\ndata: a\n\n" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	_ = s.Close()
	ended(t, s.d, transports.ReasonClientClosed)
}

// A session that panics ends with its request.
func TestHTTP2SessionPanics(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = func(d *dialect.Session) { d.OnFill = func() { panic("broken") } }
	srv := g.listen(true, true)
	if resp, err := srv.Client().Get(srv.URL); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	ended(t, xtest.Wait(t, g.opened, "the session"), transports.ReasonInternal)
}

func TestShutdown(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		g := newRig(t, transports.Config{})
		g.prepare = func(d *dialect.Session) { d.Goodbye = "goodbye" }
		srv := g.listen(http2, http2)
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		g.server.Shutdown(t.Context(), 0)
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(b) != ":\n\ndata: goodbye\n\n" || err != nil {
			t.Errorf("HTTP/%d: client got %q, %v", resp.ProtoMajor, b, err)
		}
		ended(t, xtest.Wait(t, g.opened, "the session"), transports.ReasonDrain)
	}
}
