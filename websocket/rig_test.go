package websocket

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// rig is an HTTP server whose every request becomes a WebSocket.
type rig struct {
	t       testing.TB
	server  *transports.Server
	options Options
	// prepare, if set, is called with each session before it is bound.
	prepare func(d *dialect.Session)
	// wrap, if set, makes the session that is bound.
	wrap   func(d *dialect.Session) transports.Session
	opened chan *dialect.Session
}

func newRig(t testing.TB, cfg transports.Config) *rig {
	g := &rig{t: t, server: transports.NewServer(cfg), opened: make(chan *dialect.Session, 10_000)}
	t.Cleanup(func() { g.server.Shutdown(t.Context(), 0) }) // cuts: the context has ended
	return g
}

// ServeHTTP implements http.Handler.
func (g *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := g.server.Open("scope", "user", "addr", nil, transports.WebSockets, false)
	d := dialect.New(c)
	if g.prepare != nil {
		g.prepare(d)
	}
	if g.wrap != nil {
		c.Bind(g.wrap(d))
	} else {
		c.Bind(d)
	}
	Serve(g.server, w, r, c, &g.options)
	g.opened <- d
}

// listen serves the rig on ln until the test ends.
func (g *rig) listen(ln net.Listener) {
	srv := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	var run sync.WaitGroup
	run.Go(func() { _ = srv.Serve(ln) })
	g.t.Cleanup(func() {
		_ = srv.Close()
		run.Wait()
	})
}

// tcp serves the rig on the loopback and returns its address.
func (g *rig) tcp() string {
	g.t.Helper()
	ln, err := new(net.ListenConfig).Listen(g.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	g.listen(ln)
	return ln.Addr().String()
}

const upgradeRequest = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// peer is a client that is not bound to any rule.
type peer struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
	d *dialect.Session // the server's side of it
}

// upgrade makes a WebSocket of nc.
func (g *rig) upgrade(nc net.Conn) *peer {
	g.t.Helper()
	g.t.Cleanup(func() { _ = nc.Close() })
	p := &peer{t: g.t, Conn: nc, r: bufio.NewReader(nc)}
	p.write(upgradeRequest)
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Sec-WebSocket-Accept"); resp.StatusCode != http.StatusSwitchingProtocols || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		g.t.Fatalf("status %d, accept %q", resp.StatusCode, got)
	}
	p.d = xtest.Wait(g.t, g.opened, "the session")
	return p
}

// dial connects over the loopback.
func (g *rig) dial(addr string) *peer {
	g.t.Helper()
	d := net.Dialer{}
	nc, err := d.DialContext(g.t.Context(), "tcp", addr)
	if err != nil {
		g.t.Fatal(err)
	}
	return g.upgrade(nc)
}

// pipe connects over a network in memory, for the fake clock.
func (g *rig) pipe() *peer {
	g.t.Helper()
	ln := xtest.Listen()
	g.listen(ln)
	nc, err := ln.Dial()
	if err != nil {
		g.t.Fatal(err)
	}
	return g.upgrade(nc)
}

func (p *peer) write(raw string) {
	p.t.Helper()
	if _, err := p.Write([]byte(raw)); err != nil {
		p.t.Fatal(err)
	}
}

// next reads a frame.
func (p *peer) next() wireFrame {
	p.t.Helper()
	f, err := readFrame(p.r)
	if err != nil {
		p.t.Fatalf("reading a frame: %v", err)
	}
	return f
}

// want reads a frame and compares it.
func (p *peer) want(op byte, payload string) {
	p.t.Helper()
	if got := p.next(); got.op != op || got.payload != payload {
		p.t.Fatalf("got frame %d %.50q, want %d %.50q", got.op, got.payload, op, payload)
	}
}

// wantEnd waits for the end of the socket and of the session.
func (p *peer) wantEnd(r transports.Reason) {
	p.t.Helper()
	if f, err := readFrame(p.r); err == nil {
		p.t.Errorf("got frame %d %q, want the end", f.op, f.payload)
	}
	_ = p.Close()
	xtest.Wait(p.t, p.d.Over, "the session's end")
	if got := p.d.Reason(); got != r {
		p.t.Errorf("session ended with %q, want %q", got, r)
	}
}

// maskKey is different in each byte.
const maskKey = "\x12\x34\x56\x78"

// masked lays out a client's frame. wide chooses a longer form of the length
// than necessary: 1 the one for 16 bits, 2 the one for 64.
func masked(first byte, payload string, wide int) string {
	b := []byte{first}
	n := len(payload)
	switch {
	case n < 126 && wide == 0:
		b = append(b, 0x80|byte(n))
	case n < 1<<16 && wide < 2:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, maskKey...)
	for i := range n {
		b = append(b, payload[i]^maskKey[i%4])
	}
	return string(b)
}

func text(payload string) string { return masked(0x81, payload, 0) }
func closeFrame(code int, reason string) string {
	return masked(0x88, closePayload(code, reason), 0)
}

// closePayload is the payload of a close frame.
func closePayload(code int, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}
