package sse

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

func TestIsRequest(t *testing.T) {
	for _, tt := range []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{"*/*"}, false},
		{[]string{"text/event-stream"}, true},
		{[]string{"Text/Event-Stream"}, true},
		{[]string{"text/html, text/event-stream ,*/*"}, true},
		{[]string{"text/html", "text/event-stream"}, true},
		{[]string{"text/event-stream;q=1"}, false},
		{[]string{"text/event-streams"}, false},
	} {
		if got := IsRequest(&http.Request{Header: http.Header{"Accept": tt.accept}}); got != tt.want {
			t.Errorf("%q: %v", tt.accept, got)
		}
	}
}

func TestHeaderAndFirstBytes(t *testing.T) {
	native := http.Header{
		"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache, no-store, no-transform"}, "Pragma": {"no-cache"},
		"Content-Encoding": {"identity"}, "X-Accel-Buffering": {"no"}, "Connection": {"close"},
	}
	hub := native.Clone()
	hub.Set("Cache-Control", "no-cache,no-store")
	withCORS := native.Clone()
	withCORS["Access-Control-Allow-Origin"] = []string{"https://a.example"}
	withCORS["Vary"] = []string{"Origin", "Accept"}
	withCORS["X-Forged"] = []string{"a  Set-Cookie: b"}
	tests := []struct {
		name    string
		request string
		options Options
		set     http.Header
		header  http.Header
		first   string
	}{
		{"native", get, Options{}, nil, native, ":\n\n"},
		{"native with retry", get, Options{Retry: 2500 * time.Millisecond}, nil, native, ":\n\nretry: 2500\n\n"},
		{"padded", get, Options{Pad: true, Retry: time.Second}, nil, native, ":" + strings.Repeat(" ", 2045) + "\n\nretry: 1000\n\n"},
		{"hub", get, Options{Hub: true, Pad: true, Retry: time.Second}, nil, hub, ":\r\n"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", Options{}, nil, native, ":\n\n"},
		{"HTTP/1.0, keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Options{Hub: true}, nil, hub, ":\r\n"},
		{
			"with the header of others", get,
			Options{},
			http.Header{
				"Access-Control-Allow-Origin": {"https://a.example"}, "Vary": {"Origin", "Accept"},
				"Content-Type": {"text/html"}, "X-Forged": {"a\r\nSet-Cookie: b"},
			},
			withCORS, ":\n\n",
		},
	}
	for _, tt := range tests {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " TLS ", secure), func(t *testing.T) {
				g := newRig(t, transports.Config{})
				g.options, g.header = tt.options, tt.set
				s := g.dial(g.listen(secure, false), tt.request)
				h := s.head()
				if date, err := http.ParseTime(h.Get("Date")); err != nil || time.Since(date) > time.Minute {
					t.Errorf("date is %q", h.Get("Date"))
				}
				h.Del("Date")
				if diff := cmp.Diff(tt.header, h); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
				s.want(tt.first)
				s.d.Put(dialect.Message{ID: "k-1", Name: "n", Text: "a"})
				if tt.options.Hub {
					s.want("data: a\r\n\r\n")
				} else {
					s.want("id: k-1\nevent: n\ndata: a\n\n")
				}
			})
		}
	}
}

func TestStreamEndsInOrder(t *testing.T) {
	for _, secure := range []bool{false, true} {
		g := newRig(t, transports.Config{})
		s := g.dial(g.listen(secure, false), get)
		s.head()
		s.want(":\n\n")
		s.d.Push("a", "b")
		s.d.Conn.Close(transports.ReasonDrain)
		b, err := io.ReadAll(s.r) // TLS would report an end without goodbye
		if string(b) != "data: a\n\ndata: b\n\n" || err != nil {
			t.Errorf("TLS %v: client got %q, %v", secure, b, err)
		}
		ended(t, s.d, transports.ReasonDrain)
	}
}

func TestClientGoes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		g := newRig(t, transports.Config{})
		srv := g.listen(secure, false)
		s := g.dial(srv, get)
		s.head()
		_ = s.Close()
		ended(t, s.d, transports.ReasonClientClosed)
		if secure {
			continue
		}
		s = g.dial(srv, get)
		s.head()
		_ = s.Conn.(*net.TCPConn).SetLinger(0)
		_ = s.Close()
		ended(t, s.d, transports.ReasonLost)
	}
}

// What a client sends behind its request is dropped, and bounded.
func TestUpstreamIsBounded(t *testing.T) {
	g := newRig(t, transports.Config{})
	s := g.dial(g.listen(false, false), get)
	s.head()
	s.want(":\n\n")
	s.write(strings.Repeat("x", maxUpstream-1))
	s.d.Push("a")
	s.want("data: a\n\n")
	s.write("x")
	ended(t, s.d, transports.ReasonTooLarge)
}

func TestSlowClient(t *testing.T) {
	g := newRig(t, transports.Config{SendTimeout: 50 * time.Millisecond})
	s := g.dial(g.listen(false, false), get)
	for range 20 {
		s.d.Push(strings.Repeat("x", 1<<20))
	}
	ended(t, s.d, transports.ReasonSlow)
}

func TestAbort(t *testing.T) {
	g := newRig(t, transports.Config{})
	s := g.dial(g.listen(false, false), get)
	s.head()
	s.want(":\n\n")
	s.d.Conn.Abort(transports.ReasonRevoked)
	if b, _ := io.ReadAll(s.r); len(b) > 0 {
		t.Errorf("client got %q", b)
	}
	ended(t, s.d, transports.ReasonRevoked)
}

// A connection that was ended before the stream began ends right behind its head.
func TestEndBeforeTheStream(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = func(d *dialect.Session) {
		d.Push("goodbye")
		d.Conn.Close(transports.ReasonHandshake)
	}
	for _, http2 := range []bool{false, true} {
		srv := g.listen(http2, http2)
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(b) != ":\n\ndata: goodbye\n\n" || err != nil {
			t.Errorf("HTTP/%d: client got %q, %v", resp.ProtoMajor, b, err)
		}
		ended(t, xtest.Wait(t, g.opened, "the session"), transports.ReasonHandshake)
	}
}

// An idle stream is a goroutine on the smallest stack and a few structures.
func TestIdleMemory(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = func(d *dialect.Session) { d.Push("hello") }
	srv := g.listen(false, false)
	xtest.Budget(t, 5<<10, srv.Listener.Addr().String(), func() int { return len(g.server.Connections()) },
		xtest.Step{Send: get, Until: "data: hello\n\n"})
}
