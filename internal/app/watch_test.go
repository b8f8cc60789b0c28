package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
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

// Only a read without a deadline, of a socket that the server has, is put off: others
// of one byte are not the server's watch.
func TestOtherReadsOfOneByteAreNotPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, begin := range map[string]func(*socket){
			"deadline": func(s *socket) { _ = s.SetReadDeadline(time.Now().Add(time.Millisecond)) },
			"taken": func(s *socket) {
				s.served.Store(false)
				_ = s.SetReadDeadline(time.Now().Add(time.Millisecond))
				_ = s.SetReadDeadline(time.Time{})
				time.AfterFunc(time.Millisecond, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })
			},
		} {
			s, c, peer := watched(newSockets(nil, 1, time.Hour))
			begin(s)
			end := startWatch(s)
			synctest.Wait()
			s.read.mu.Lock()
			if s.read.watch != nil || s.read.reading != 1 {
				t.Errorf("%s: %d read, put off %v", name, s.read.reading, s.read.watch != nil)
			}
			s.read.mu.Unlock()
			if e := <-end; !errors.Is(e.err, os.ErrDeadlineExceeded) || e.after != time.Millisecond {
				t.Errorf("%s: ended after %v with %v", name, e.after, e.err)
			}
			if c.reads.Load() == 0 {
				t.Errorf("%s: the socket was told nothing", name)
			}
			_, _ = s.Close(), peer.Close()
		}
	})
}

// A second read of one byte begins beside a watch, and both end with the socket.
func TestOneWatchOfASocketIsPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _ = peer.Close() }()
		first := startWatch(s)
		synctest.Wait()
		second := startWatch(s)
		synctest.Wait()
		_ = s.Close()
		for i, end := range []<-chan ending{first, second} {
			if e := <-end; !errors.Is(e.err, io.ErrClosedPipe) || e.after != 0 {
				t.Errorf("read %d ended after %v with %v", i, e.after, e.err)
			}
		}
	})
}

// A watch that is interrupted and closed at once ends as a read of a closed socket.
func TestAWatchThatIsInterruptedAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _ = peer.Close() }()
		end := startWatch(s)
		synctest.Wait()
		s.read.mu.Lock() // so that both have happened when the read goes on
		s.read.want = -1
		s.ended.Store(true)
		_ = s.Conn.Close()
		s.read.unwatchLocked()
		s.read.mu.Unlock()
		if e := <-end; !errors.Is(e.err, io.ErrClosedPipe) {
			t.Errorf("it ended with %v", e.err)
		}
	})
}

// A watch that was rung twice leaves nothing to the next that is made of it.
func TestAWatchRungTwiceIsLikeNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := watched(newSockets(nil, 1, time.Hour))
		defer func() { _, _ = s.Close(), peer.Close() }()
		w := &watch{wake: make(chan struct{}, 1)}
		s.from.watches.spare.Put(w)
		end := startWatch(s)
		synctest.Wait()
		s.read.mu.Lock()
		again := s.read.watch
		s.read.unwatchLocked()
		for len(w.wake) > 0 && again == w { // until it has heard, and waits for the lock
			runtime.Gosched()
		}
		s.read.unwatchLocked()
		s.read.want = -1
		s.read.mu.Unlock()
		<-end
		if again != w {
			t.Skip("the pool has made another: nothing is shown")
		}
		if len(w.wake) != 0 {
			t.Error("the next watch would begin at once")
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

// serveOn serves h on loopback sockets of ours.
func serveOn(t *testing.T, h http.HandlerFunc) *sockets {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newSockets(ln, 10, time.Hour)
	server := &http.Server{ConnState: l.connState, ReadHeaderTimeout: time.Minute, Handler: h}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return l
}

// begun reports whether the first read that was put off has begun.
func (l *watches) begun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.round >= 2 && l.first == nil
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// A request that comes while the one before it is handled is answered, whether its
// first byte is read by the watch or behind it.
func TestARequestBehindAnotherIsAnswered(t *testing.T) {
	for _, begun := range []bool{false, true} {
		entered, leave := make(chan struct{}, 2), make(chan struct{})
		l := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			if r.URL.Path == "/1" {
				<-leave
			}
			_, _ = io.WriteString(w, r.URL.Path)
		})
		nc := dial(t, l.Addr().String())
		send := func(path string) {
			if _, err := io.WriteString(nc, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		send("/1")
		<-entered
		send("/2")
		for begun && !l.watches.begun() { // then the watch reads the byte
			runtime.Gosched()
		}
		close(leave)
		answers := bufio.NewReader(nc)
		for _, want := range []string{"/1", "/2"} {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != want {
				t.Errorf("begun %v: the answer is %q, %v, want %q", begun, b, err, want)
			}
			_ = resp.Body.Close()
		}
	}
}

// A handler hears of a client that has gone.
func TestTheServerHearsOfAClientThatGoes(t *testing.T) {
	entered, gone := make(chan struct{}), make(chan error, 1)
	nc := dial(t, serveOn(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		gone <- context.Cause(r.Context())
	}).Addr().String())
	if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	_ = nc.Close()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler heard %v", err)
	}
}
