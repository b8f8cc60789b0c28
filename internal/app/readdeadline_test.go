package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// reader reads a byte whenever it is told to, and notes how that went. It has room for
// two: a read of one is the server's watch on the peer (see watches).
type reader struct {
	conn, peer net.Conn
	tell       chan struct{}

	mu   sync.Mutex
	busy bool
	log  []string
}

func newReader(conn, peer net.Conn, began time.Time) *reader {
	r := &reader{conn: conn, peer: peer, tell: make(chan struct{})}
	go func() { // ends with the channel
		for range r.tell {
			n, err := conn.Read(make([]byte, 2))
			r.mu.Lock()
			r.log = append(r.log, fmt.Sprint(n, errors.Is(err, os.ErrDeadlineExceeded), time.Since(began)))
			r.busy = false
			r.mu.Unlock()
		}
	}()
	return r
}

// begin has it read, unless it does.
func (r *reader) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.busy {
		r.busy = true
		r.tell <- struct{}{}
	}
}

func (r *reader) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.log, ", ")
}

// A socket's reads end when those of the connection under it would, whatever
// deadlines are set before and meanwhile, and whoever sets them.
func TestReadDeadlinesAreThoseAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) { // TB hides Deadline, which bubbles do not have
			began := time.Now()
			mine, peer := net.Pipe()
			s := &socket{Conn: mine, from: newSockets(nil, 1, time.Hour)}
			s.served.Store(true)
			plain, plainPeer := net.Pipe()
			both := []*reader{newReader(s, peer, began), newReader(plain, plainPeer, began)}
			defer func() {
				for _, r := range both {
					_, _ = r.conn.Close(), r.peer.Close()
					close(r.tell)
				}
				synctest.Wait()
			}()
			t.Repeat(map[string]func(*rapid.T){
				"": func(t *rapid.T) {
					synctest.Wait()
					if got, want := both[0].String(), both[1].String(); got != want {
						t.Fatalf("reads (bytes, timeout, when):\ngot  %s\nwant %s", got, want)
					}
				},
				"deadline": func(t *rapid.T) {
					at := time.Now().Add(rapid.SampledFrom([]time.Duration{-time.Hour, -1, time.Second, 10 * time.Second, 2 * time.Minute}).Draw(t, "in"))
					for _, r := range both {
						_ = r.conn.SetReadDeadline(at)
					}
				},
				"interrupt": func(*rapid.T) {
					for _, r := range both {
						_ = r.conn.SetReadDeadline(time.Unix(1, 0))
					}
				},
				"none": func(*rapid.T) {
					for _, r := range both {
						_ = r.conn.SetReadDeadline(time.Time{})
					}
				},
				"taken": func(t *rapid.T) { // by a carrier, or given back
					if s.served.Load() {
						for _, r := range both {
							_ = r.conn.SetDeadline(time.Time{}) // as net/http does
						}
					}
					s.served.Store(!s.served.Load())
				},
				"rest": func(t *rapid.T) {
					time.Sleep(rapid.SampledFrom([]time.Duration{1, time.Second, 9 * time.Second, time.Minute}).Draw(t, "rest"))
				},
				"read": func(*rapid.T) {
					for _, r := range both {
						r.begin()
					}
				},
				"write": func(*rapid.T) {
					for _, r := range both {
						_ = r.peer.SetWriteDeadline(time.Now().Add(1))
						_, _ = r.peer.Write([]byte("a"))
					}
				},
			})
		})
	})
}

// counting counts the deadlines that reach a connection.
type counting struct {
	net.Conn
	reads, writes *atomic.Int64
}

func (c counting) SetReadDeadline(t time.Time) error {
	c.reads.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c counting) SetWriteDeadline(t time.Time) error {
	c.writes.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

type countingListener struct {
	net.Listener
	reads, writes atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counting{nc, &l.reads, &l.writes}, nil
}

// served is an HTTP server with all timeouts, and a function that makes a request
// of it, always on the same socket.
func served(t testing.TB, wrap func(net.Listener) net.Listener) (post func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(30 * time.Second))
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write([]byte("ok"))
		}),
	}
	go func() { _ = server.Serve(wrap(ln)) }() // ends with Close
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
	})
	return func() {
		resp, err := client.Post("http://"+ln.Addr().String(), "text/plain", bytes.NewReader(make([]byte, 100)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// Of the ten deadlines that a request has, the socket is told of three at most: the
// interruption of the read behind the body, if that has begun, the one of the read
// for the next request, and the body's if that came later than the headers.
func TestARequestSetsFewDeadlines(t *testing.T) {
	var l *countingListener
	post := served(t, func(ln net.Listener) net.Listener {
		l = &countingListener{Listener: ln}
		return newSockets(l, 10, 10*time.Second)
	})
	const n = 50
	for range n {
		post()
	}
	if got := l.reads.Load(); got > 3*n+3 {
		t.Errorf("%d requests set %d read deadlines, want 3 each at most", n, got)
	}
	if got := l.writes.Load(); got > n/10 { // one in several seconds
		t.Errorf("%d requests set %d write deadlines", n, got)
	}
}

// A read that was interrupted before it began asks nothing of the socket, unless that
// is closed: then the read says so.
func TestAReadInterruptedBeforeItBeganEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _ = peer.Close() }()
		_ = s.SetReadDeadline(time.Unix(1, 0))
		e := <-startWatch(s)
		var timeout net.Error
		if !errors.As(e.err, &timeout) || !timeout.Timeout() || !errors.Is(e.err, os.ErrDeadlineExceeded) || e.after != 0 {
			t.Errorf("the read ended after %v with %v, want a timeout at once", e.after, e.err)
		}
		if n := c.reads.Load(); n != 0 {
			t.Errorf("%d deadlines were set for it", n)
		}
		_ = s.Close()
		if e := <-startWatch(s); !errors.Is(e.err, io.ErrClosedPipe) || e.after != 0 {
			t.Errorf("a read of the closed socket ended after %v with %v", e.after, e.err)
		}
	})
}

// BenchmarkDeadlines is one request, from both sides, on a socket whose deadlines
// are all set and on ours.
func BenchmarkDeadlines(b *testing.B) {
	for name, wrap := range map[string]func(net.Listener) net.Listener{
		"plain":  func(ln net.Listener) net.Listener { return ln },
		"socket": func(ln net.Listener) net.Listener { return newSockets(ln, 10, 10*time.Second) },
	} {
		b.Run(name, func(b *testing.B) {
			post := served(b, wrap)
			b.ReportAllocs()
			for b.Loop() {
				post()
			}
		})
	}
}
