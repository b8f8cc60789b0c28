package app

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports/xtest"
)

func TestSocketsAreBounded(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newSockets(ln, 2, time.Second)
	accepted := make(chan net.Conn)
	go func() { // ends with the listener
		defer close(accepted)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- nc
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	open := []net.Conn{}
	for range 2 {
		dial()
		open = append(open, <-accepted)
	}
	for range 3 {
		if _, err := dial().Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a socket over the bound: %v", err)
		}
	}
	if got := l.refused.Load(); got != 3 {
		t.Errorf("%d refused, want 3", got)
	}
	for range 2 { // twice, and still one place
		_ = open[0].Close()
	}
	dial()
	open = append(open, <-accepted)
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a socket over the bound was taken")
	}
	_ = l.Close()
	for _, c := range open {
		_ = c.Close()
	}
	if nc, ok := <-accepted; ok || l.open.Load() != 0 {
		t.Errorf("%v; %d open at the end", nc, l.open.Load())
	}
}

func TestMaxSockets(t *testing.T) {
	for connections, want := range map[int]int{1: 1001, 10_000: 11_000, 100_000: 110_000} {
		if got := maxSockets(connections); got != want {
			t.Errorf("maxSockets(%d) = %d, want %d", connections, got, want)
		}
	}
}

// pipe returns a socket over a pipe, and its peer.
func pipe(t *testing.T, timeout time.Duration) (*socket, net.Conn) {
	mine, peer := net.Pipe()
	s := &socket{Conn: mine, from: newSockets(nil, 1, timeout)}
	s.served.Store(true)
	t.Cleanup(func() { _, _ = s.Close(), peer.Close() })
	return s, peer
}

// A write that the peer does not take ends after the timeout, however many went
// well before and however long ago.
func TestWritesOfTheServerEnd(t *testing.T) {
	for _, rest := range []time.Duration{0, time.Second, 9 * time.Second, 12 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			const timeout = 10 * time.Second
			s, peer := pipe(t, timeout)
			done := make(chan error, 1)
			go func() { done <- func() error { _, err := io.ReadFull(peer, make([]byte, 5)); return err }() }()
			if _, err := s.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			time.Sleep(rest)
			start := time.Now()
			_, err := s.Write([]byte("hello"))
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < timeout || took > timeout*5/4 {
				t.Errorf("%v after a rest of %v: %v, want a timeout after %v to %v", took, rest, err, timeout, timeout*5/4)
			}
		})
	}
}

// A slow reader of a long answer has the timeout for each piece of it.
func TestALongAnswerMayTakeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := pipe(t, time.Second)
		read := make(chan int, 1)
		go func() { // ends with the last byte
			n := 0
			for b := make([]byte, piece); n < 10*piece; {
				time.Sleep(900 * time.Millisecond)
				k, err := io.ReadFull(peer, b)
				if n += k; err != nil {
					break
				}
			}
			read <- n
		}()
		if n, err := s.Write(make([]byte, 10*piece)); n != 10*piece || err != nil {
			t.Errorf("wrote %d: %v", n, err)
		}
		if n := <-read; n != 10*piece {
			t.Errorf("read %d", n)
		}
	})
}

// Once a carrier has taken the socket over its deadlines count, and a deadline of
// the server's does not strike later.
func TestATakenSocketHasNoDeadlineOfTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := pipe(t, time.Second)
		go func() { _, _ = io.Copy(io.Discard, io.LimitReader(peer, 2)) }()
		if _, err := s.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		_ = s.SetDeadline(time.Time{}) // as net/http does
		s.from.connState(s, http.StateHijacked)
		time.Sleep(time.Minute)
		if _, err := s.Write([]byte("b")); err != nil {
			t.Errorf("a taken socket: %v", err)
		}
		_ = s.SetWriteDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		if _, err := s.Write([]byte("c")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want the carrier's minute", err, time.Since(start))
		}
		// It comes back, with the carrier's deadline still on it.
		s.from.connState(wrapped{s}, http.StateActive)
		start = time.Now()
		if _, err := s.Write([]byte("d")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) < time.Second || time.Since(start) > 2*time.Second {
			t.Errorf("%v after %v, want the server's second", err, time.Since(start))
		}
	})
}

// wrapped is a socket as a long poll gives it back.
type wrapped struct{ net.Conn }

func (w wrapped) Unwrap() net.Conn { return w.Conn }

// unread is one whose first bytes have not been served yet.
type unread struct{ net.Conn }

func (u *unread) Unwrap() net.Conn { return u }

func TestServeOfAStrangeSocket(t *testing.T) {
	s, peer := pipe(t, time.Second)
	for _, nc := range []net.Conn{peer, &unread{s}, wrapped{&unread{s}}} {
		s.from.connState(nc, http.StateHijacked) // finds nothing, and ends
	}
	if !s.served.Load() {
		t.Error("a socket that was not found was changed")
	}
}

// What carriers ask of a socket that the server has accepted is there: reading
// and writing without blocking, and closing one half.
func TestSocketServesCarriers(t *testing.T) {
	server, client := xtest.TCP(t, 4<<10)
	s := &socket{Conn: server, from: newSockets(nil, 1, time.Second)}
	raw, err := s.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {}); err != nil {
		t.Error(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(client); err != nil || len(b) != 0 {
		t.Errorf("%q, %v", b, err)
	}
	other, _ := pipe(t, time.Second)
	if _, err := other.SyscallConn(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if err := other.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// void takes everything.
type void struct{ net.Conn }

func (void) Write(p []byte) (int, error)      { return len(p), nil }
func (void) SetWriteDeadline(time.Time) error { return nil }

func TestWriteDoesNotAllocate(t *testing.T) {
	s := &socket{Conn: void{}, from: newSockets(nil, 1, time.Second)}
	s.served.Store(true)
	p := slices.Repeat([]byte("x"), 200)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Write(p) }); n != 0 {
		t.Errorf("a write allocates %v times", n)
	}
}

// BenchmarkSocketWrite is what a write costs besides the system's own part.
func BenchmarkSocketWrite(b *testing.B) {
	server, _ := net.Pipe()
	s := &socket{Conn: void{server}, from: newSockets(nil, 1, 10*time.Second)}
	s.served.Store(true)
	p := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.Write(p)
	}
}

// BenchmarkSetWriteDeadline is what it would cost to set a deadline each time.
func BenchmarkSetWriteDeadline(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	}
}
