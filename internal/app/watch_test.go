package app

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a socket that the HTTP server serves, its peer, and a function that
// starts a watch on it and returns when and how that ends.
func watched(l *sockets) (s *socket, c *countingListener, peer net.Conn) {
	mine, peer := net.Pipe()
	c = &countingListener{}
	s = &socket{Conn: counting{mine, &c.reads, &c.writes}, from: l}
	s.served.Store(true)
	return s, c, peer
}

type ending struct {
	n     int
	err   error
	after time.Duration
}

func startWatch(s *socket) <-chan ending {
	end := make(chan ending, 1)
	began := time.Now()
	go func() { // ends with the read
		n, err := s.Read(make([]byte, 1))
		end <- ending{n, err, time.Since(began)}
	}()
	return end
}

func TestAWatchThatIsInterruptedAsksNothingOfTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _, _ = s.Close(), peer.Close() }()
		for range 3 { // it is like new each time
			_ = s.SetReadDeadline(time.Time{})
			end := startWatch(s)
			synctest.Wait()
			time.Sleep(watchRound - 1)
			_ = s.SetReadDeadline(time.Unix(1, 0))
			if e := <-end; !errors.Is(e.err, os.ErrDeadlineExceeded) || e.after != watchRound-1 {
				t.Errorf("the watch ended after %v with %v, want a timeout at the interruption", e.after, e.err)
			}
		}
		if n := c.reads.Load(); n != 0 {
			t.Errorf("%d deadlines were set", n)
		}
	})
}

func TestAWatchBeginsInTheSecondRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSockets(nil, 9, time.Hour)
		var ends []<-chan ending
		for range 3 {
			s, _, peer := watched(l)
			defer func() { _ = s.Close() }()
			ends = append(ends, startWatch(s))
			synctest.Wait()
			_ = peer.Close()
			time.Sleep(watchRound / 2)
		}
		for i, end := range ends {
			e := <-end
			if !errors.Is(e.err, io.EOF) || e.after < watchRound || e.after > 2*watchRound {
				t.Errorf("watch %d ended after %v with %v, want EOF after 50 to 100 ms", i, e.after, e.err)
			}
		}
		time.Sleep(3 * watchRound)
		l.watches.mu.Lock()
		defer l.watches.mu.Unlock()
		if l.watches.armed || l.watches.first != nil {
			t.Error("rounds go on with nobody left")
		}
	})
}

func TestAWatchBeginsAtOnceWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, set := range map[string]func(*socket, time.Time) error{
			"read deadline": (*socket).SetReadDeadline, "deadline": (*socket).SetDeadline,
		} {
			s, _, peer := watched(newSockets(nil, 1, time.Hour))
			end := startWatch(s)
			synctest.Wait()
			_ = set(s, time.Now().Add(time.Millisecond))
			if e := <-end; !errors.Is(e.err, os.ErrDeadlineExceeded) || e.after != time.Millisecond {
				t.Errorf("with a %s it ended after %v with %v, want a timeout after 1ms", name, e.after, e.err)
			}
			_, _ = s.Close(), peer.Close()
		}
	})
}

func TestAWatchEndsWithItsSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _ = peer.Close() }()
		end := startWatch(s)
		synctest.Wait()
		_ = s.Close()
		if e := <-end; !errors.Is(e.err, io.ErrClosedPipe) || e.after != 0 {
			t.Errorf("it ended after %v with %v, want at once, closed", e.after, e.err)
		}
	})
}

// Each of many watches ends as it was made to, whoever else comes and goes, and
// none is left.
func TestWatchesComeAndGo(t *testing.T) {
	const sockets, each = 8, 200
	l := newSockets(nil, sockets, time.Hour)
	var wg sync.WaitGroup
	for range sockets {
		wg.Go(func() {
			s, _, peer := watched(l)
			defer func() { _, _ = s.Close(), peer.Close() }()
			for range each {
				_ = s.SetReadDeadline(time.Time{})
				end := startWatch(s)
				if rand.IntN(100) == 0 { // lets it begin
					if _, err := peer.Write([]byte("a")); err != nil {
						t.Error(err)
					}
					if e := <-end; e.n != 1 || e.err != nil {
						t.Errorf("a watch ended with %d bytes, %v, want the one", e.n, e.err)
					}
					continue
				}
				_ = s.SetReadDeadline(time.Unix(1, 0))
				if e := <-end; !errors.Is(e.err, os.ErrDeadlineExceeded) {
					t.Errorf("an interrupted watch ended with %v", e.err)
				}
			}
		})
	}
	wg.Wait()
	l.watches.mu.Lock()
	defer l.watches.mu.Unlock()
	if l.watches.first != nil {
		t.Error("a watch is left")
	}
}

// A handler hears of a client that has gone, and a request that comes right behind
// another on its socket is answered.
func TestTheServerHearsOfAClientThatGoes(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newSockets(ln, 10, time.Hour)
	entered, gone := make(chan struct{}), make(chan error, 1)
	server := &http.Server{ConnState: l.connState, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(entered)
			<-r.Context().Done()
			gone <- context.Cause(r.Context())
		}
	})}
	go func() { _ = server.Serve(l) }() // ends with Close
	defer func() { _ = server.Close() }()

	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /wait HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	_ = nc.Close()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler heard %v", err)
	}
}
