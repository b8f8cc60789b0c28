package proxies

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ending is how a connection is broken.
type ending string

const (
	closed   ending = "closed"                  // both sides see an orderly end
	reset    ending = "reset"                   // both sides see a TCP reset
	deafened ending = "no more from the server" // the client sees the end, the server nothing
	muted    ending = "no more from the client" // the server sees the end, the client nothing
	stalled  ending = "nothing passes any more" // neither sees anything
)

// endings are those that both ends notice by themselves, sooner or later.
var endings = []ending{closed, reset, deafened, muted}

// fault is what happens to one connection.
type fault struct {
	how ending // empty: nothing
	// after is how many bytes from the server pass before it happens.
	after int64
	// Each write to the client has at most chunk bytes (zero: as they come) and waits
	// for delay before.
	chunk int
	delay time.Duration
}

// wire is a TCP proxy that breaks connections. Unlike package chaos's it is used
// without the client's help: the n-th connection, from 0, has the n-th fault.
type wire struct {
	target string
	ln     net.Listener
	plan   func(n int) fault
	stop   chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	n     int
	conns map[net.Conn]struct{}
}

// startWire starts a wire in front of target (host:port); it ends with the test.
func startWire(t testing.TB, target string, plan func(n int) fault) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{target: target, ln: ln, plan: plan, stop: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	w.wg.Go(w.serve) // ends when the listener is closed
	t.Cleanup(w.close)
	return w
}

func (w *wire) addr() string { return w.ln.Addr().String() }

// count is how many connections there were.
func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

func (w *wire) close() {
	close(w.stop)
	_ = w.ln.Close()
	w.mu.Lock()
	for c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	w.wg.Wait()
}

func (w *wire) serve() {
	for {
		client, err := w.ln.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		f := w.plan(w.n)
		w.n++
		w.mu.Unlock()
		server, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !w.track(client, server) {
			return
		}
		// Ends when either side is closed, by close at the latest.
		w.wg.Go(func() {
			w.pass(client.(*net.TCPConn), server.(*net.TCPConn), f)
			w.drop(client, server)
		})
	}
}

// track remembers connections until they are dropped. It reports false after close.
func (w *wire) track(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.conns == nil {
			_ = c.Close()
		} else {
			w.conns[c] = struct{}{}
		}
	}
	return w.conns != nil
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
		_ = c.Close()
	}
}

// pass copies both ways until one side ends or the fault has run its course.
func (w *wire) pass(client, server *net.TCPConn, f fault) {
	var up sync.WaitGroup
	var dead atomic.Bool
	// Ends when the client leaves or either connection is closed.
	up.Go(func() {
		_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
			if dead.Load() {
				return len(b), nil
			}
			return server.Write(b)
		}), client)
		if dead.Load() {
			return // that the client has left is not told either
		}
		_ = server.CloseWrite()
		if f.how == deafened {
			_ = server.Close() // the client has left: nobody is there any more
		}
	})
	w.down(client, server, f, &dead)
	_ = client.Close()
	_ = server.Close()
	up.Wait()
}

// down passes on what the server sends, as the fault says.
func (w *wire) down(client, server *net.TCPConn, f fault, dead *atomic.Bool) {
	from, most := io.Reader(server), 16<<10
	if f.how != "" {
		from = io.LimitReader(server, f.after)
	}
	if f.chunk > 0 {
		most = f.chunk
	}
	buf := make([]byte, most)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if f.delay > 0 && !w.wait(f.delay) {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			break
		}
	}
	switch f.how {
	case reset:
		_ = client.SetLinger(0)
		_ = server.SetLinger(0)
	case deafened:
		_ = client.CloseWrite()
		_, _ = io.Copy(io.Discard, server)
	case muted:
		_ = server.CloseWrite()
		_, _ = io.Copy(client, server)
	case stalled:
		dead.Store(true)
		_, _ = io.Copy(io.Discard, server)
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// wait reports false when the wire is closed meanwhile.
func (w *wire) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stop:
		return false
	}
}
