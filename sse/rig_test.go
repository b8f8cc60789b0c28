package sse

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// rig is an HTTP server whose every request becomes a stream.
type rig struct {
	t       testing.TB
	server  *transports.Server
	options Options
	prepare func(d *dialect.Session) // called with each session before it is bound, if set
	header  http.Header              // of the answer, as a middleware sets it
	opened  chan *dialect.Session
}

func newRig(t testing.TB, cfg transports.Config) *rig {
	g := &rig{t: t, server: transports.NewServer(cfg), opened: make(chan *dialect.Session, 10_000)}
	t.Cleanup(func() { g.server.Shutdown(t.Context(), 0) }) // cuts: the context has ended
	return g
}

// ServeHTTP implements http.Handler.
func (g *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := g.server.Open("scope", "user", "addr", nil, transports.ServerSentEvents, false)
	d := dialect.New(c)
	if g.prepare != nil {
		g.prepare(d)
	}
	c.Bind(d)
	maps.Copy(w.Header(), g.header)
	g.opened <- d
	Serve(g.server, w, r, c, g.options)
}

// listen serves the rig on the loopback: over HTTP/1, with TLS, or over HTTP/2.
func (g *rig) listen(secure, http2 bool) *httptest.Server {
	srv := httptest.NewUnstartedServer(g)
	srv.EnableHTTP2 = http2
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	g.t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}

// stream is a client on a socket of its own.
type stream struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
	d *dialect.Session // the server's side of it
}

// dial sends a raw request.
func (g *rig) dial(srv *httptest.Server, request string) *stream {
	g.t.Helper()
	var d interface {
		Dial(network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if srv.TLS != nil {
		d = &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // our own, a moment ago
	}
	nc, err := d.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = nc.Close() })
	s := &stream{t: g.t, Conn: nc, r: bufio.NewReader(nc)}
	s.write(request)
	s.d = xtest.Wait(g.t, g.opened, "the session")
	return s
}

func (s *stream) write(raw string) {
	s.t.Helper()
	if _, err := io.WriteString(s, raw); err != nil {
		s.t.Fatal(err)
	}
}

// want reads what must come next.
func (s *stream) want(text string) {
	s.t.Helper()
	b := make([]byte, len(text))
	if n, err := io.ReadFull(s.r, b); err != nil || string(b) != text {
		s.t.Fatalf("got %q, %v; want %q", b[:n], err, text)
	}
}

// head reads the response's header, as it is on the wire.
func (s *stream) head() http.Header {
	s.t.Helper()
	r := textproto.NewReader(s.r)
	line, err := r.ReadLine()
	if line != "HTTP/1.1 200 OK" || err != nil {
		s.t.Fatalf("status line %q, %v", line, err)
	}
	h, err := r.ReadMIMEHeader()
	if err != nil {
		s.t.Fatal(err)
	}
	return http.Header(h)
}

// ended waits for the session's end.
func ended(t testing.TB, d *dialect.Session, want transports.Reason) {
	t.Helper()
	xtest.Wait(t, d.Over, "the session's end")
	if got := d.Reason(); got != want {
		t.Errorf("session ended with %q, want %q", got, want)
	}
}

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
