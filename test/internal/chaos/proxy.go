// Package chaos is a TCP proxy that does to connections what networks do: it cuts
// them in the middle, with or without a reset, and passes bytes on in pieces that
// nobody would choose.
package chaos

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Plan is what happens to one connection.
type Plan struct {
	// CutAfter is how many bytes from the server pass before the connection is
	// cut. Negative means never.
	CutAfter int64
	// Reset cuts with a TCP reset on both sides, so that the peer may also lose
	// what was delivered to its kernel but not yet read; otherwise both sides see
	// an end of the stream.
	Reset bool
	// Chunk is the most bytes passed on to the client in one write, as
	// far as the first kilobytes go. Zero means as they come.
	Chunk int
}

// Untouched is the plan of a connection that nothing happens to.
var Untouched = Plan{CutAfter: -1}

// Proxy accepts connections for a target. It is used by one client at a time, so
// that a plan meets the connection it was made for.
type Proxy struct {
	target string
	ln     net.Listener
	wg     sync.WaitGroup

	mu    sync.Mutex
	plan  Plan
	conns map[net.Conn]struct{}
	done  bool
}

// New starts a proxy in front of target (host:port); it ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, ln: ln, plan: Untouched, conns: map[net.Conn]struct{}{}}
	// Ends when the listener is closed.
	p.wg.Go(p.serve)
	t.Cleanup(p.close)
	return p
}

// Addr is where to connect to.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Next sets the plan for connections from now on.
func (p *Proxy) Next(plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = plan
}

func (p *Proxy) close() {
	_ = p.ln.Close()
	p.mu.Lock()
	p.done = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) serve() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		plan := p.plan
		p.mu.Unlock()
		// Ends when either side is closed, by close at the latest.
		p.wg.Go(func() { p.pass(c, plan) })
	}
}

// track remembers a connection until it is dropped.
func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done {
		p.conns[c] = struct{}{}
	}
	return !p.done
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	_ = c.Close()
}

// pass copies both ways until the plan is fulfilled or one side ends.
func (p *Proxy) pass(client net.Conn, plan Plan) {
	defer p.drop(client)
	if !p.track(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(client)
		return
	}
	defer p.drop(server)
	if !p.track(server) {
		return
	}
	// Ends when either connection is closed below.
	p.wg.Go(func() {
		_, _ = io.Copy(server, client)
		if tc, ok := server.(*net.TCPConn); ok {
			_ = tc.CloseWrite()
		}
	})
	if cut := p.downstream(client, server, plan); cut && plan.Reset {
		reset(client)
		reset(server)
	}
}

// chunked is how many bytes of a connection are cut into chunks. Behind that the
// chopping would only take time.
const chunked = 8 << 10

// downstream passes on what the server sends. It reports true when the plan says
// that this is the end.
func (p *Proxy) downstream(client, server net.Conn, plan Plan) (cut bool) {
	left, passed := plan.CutAfter, 0
	buf := make([]byte, 16<<10)
	for left != 0 {
		most := len(buf)
		if plan.Chunk > 0 && passed < chunked {
			most = plan.Chunk
		}
		if left > 0 {
			most = int(min(int64(most), left))
		}
		n, err := server.Read(buf[:most])
		passed += n
		if n > 0 {
			if _, err := client.Write(buf[:n]); err != nil {
				return false
			}
		}
		if err != nil {
			return false
		}
		if left > 0 {
			left -= int64(n)
		}
	}
	return true
}

// reset closes with RST in place of FIN.
func reset(c net.Conn) {
	if tc, ok := c.(*net.TCPConn); ok {
		_ = tc.SetLinger(0)
	}
	_ = c.Close()
}
