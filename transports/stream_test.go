package transports_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// lines is a protocol of one message per line; "bye" is its farewell.
type lines struct {
	transports.Plain
	urgent func() string
	await  bool
}

func (*lines) End(dst []byte, _ transports.Meta, _, _ int) []byte { return append(dst, '\n') }

func (l *lines) Urgent(dst []byte) []byte {
	if l.urgent != nil {
		dst = append(dst, l.urgent()...)
	}
	return dst
}

func (*lines) Farewell(dst []byte, r transports.Reason) []byte {
	return append(dst, "bye "+string(r)+"\n"...)
}

func (l *lines) Finished() bool { return l.await }

// carrier is a stream as a session's Conn.
type carrier struct{ *transports.Stream }

func (carrier) ConnectionID() string            { return "c" }
func (carrier) Transport() transports.Transport { return transports.WebSockets }

// start runs a stream over nc that writes for the session it returns.
func start(t testing.TB, ws *transports.Writers, nc net.Conn, timeout time.Duration, proto *lines) (*transports.Stream, *dialect.Session) {
	t.Helper()
	st := transports.NewStream(nc, proto, ws, timeout)
	s := dialect.New(carrier{st})
	st.Start(s)
	return st, s
}

func newWriters(t testing.TB) *transports.Writers {
	ws := transports.NewWriters()
	t.Cleanup(ws.Close)
	return ws
}

// Whatever the pace of readers and writers: every message arrives once, in
// order, and the farewell behind the last.
func TestStreamDeliversInOrderOnce(t *testing.T) {
	ws := newWriters(t)
	var all sync.WaitGroup
	for i := range 24 {
		server, client := xtest.TCP(t, []int{0, 64 << 10, 16 << 10}[i%3])
		st, s := start(t, ws, server, time.Minute, &lines{})
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		n := 200 + rng.IntN(2000)
		padding := strings.Repeat("x", []int{0, 10, 5000}[rng.IntN(3)])
		slow := rng.IntN(2) == 0
		all.Go(func() {
			for j := range n {
				s.Push(strconv.Itoa(j) + padding)
				if j%97 == 0 {
					st.Wake() // for nothing
				}
			}
			if !slow {
				st.Close(transports.ReasonDone)
			}
		})
		all.Go(func() {
			var r io.Reader = client
			if slow {
				r = &sips{client, rng}
			}
			sc := bufio.NewScanner(r)
			for j := range n {
				if !sc.Scan() || sc.Text() != strconv.Itoa(j)+padding {
					t.Errorf("stream %d: message %d is %.20q, %v", i, j, sc.Text(), sc.Err())
					return
				}
			}
			st.Close(transports.ReasonDone) // what is slow would not be done in time
			if !sc.Scan() || sc.Text() != "bye done" || sc.Scan() {
				t.Errorf("stream %d: end is %.20q, %v", i, sc.Text(), sc.Err())
			}
		})
	}
	all.Wait()
}

// sips reads little at a time.
type sips struct {
	r   io.Reader
	rng *rand.Rand
}

func (s *sips) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 1+s.rng.IntN(9000))]) }

// A message pushed at any moment leaves without further help.
func TestStreamLosesNoWake(t *testing.T) {
	ws := newWriters(t)
	var all sync.WaitGroup
	for range 4 {
		server, client := xtest.TCP(t, 0)
		_, s := start(t, ws, server, time.Minute, &lines{})
		all.Go(func() {
			sc := bufio.NewScanner(client)
			for j := range 20_000 {
				s.Push(strconv.Itoa(j))
				if !sc.Scan() || sc.Text() != strconv.Itoa(j) {
					t.Errorf("got %q, %v; want %d", sc.Text(), sc.Err(), j)
					return
				}
			}
		})
	}
	all.Wait()
}

// After Abort at any moment what has arrived is a beginning of what was sent.
func TestStreamAbortLeavesAPrefix(t *testing.T) {
	ws := newWriters(t)
	var all sync.WaitGroup
	for i := range 50 {
		server, client := xtest.TCP(t, 4096)
		st, s := start(t, ws, server, time.Minute, &lines{})
		all.Go(func() {
			for j := range 500 {
				s.Push(strconv.Itoa(j))
				if j == 10*i {
					st.Abort(transports.ReasonRevoked)
					st.Abort(transports.ReasonDone)
					st.Close(transports.ReasonDone)
				}
			}
		})
		all.Go(func() {
			b, _ := io.ReadAll(client)
			got := string(b)
			if i := strings.LastIndexByte(got, '\n'); i >= 0 {
				got = got[:i+1]
			}
			var want strings.Builder
			for j := 0; want.Len() < len(got); j++ {
				fmt.Fprintln(&want, j)
			}
			if got != want.String() {
				t.Errorf("client got %q", got)
			}
		})
	}
	all.Wait()
}

// What the session says in the instant of its Close still leaves.
func TestStreamSaysGoodbyeThatComesBehindTheFilling(t *testing.T) {
	ws := newWriters(t)
	server, client := xtest.TCP(t, 0)
	st := transports.NewStream(server, &lines{}, ws, time.Minute)
	s := dialect.New(carrier{st})
	var once sync.Once
	s.OnFill = func() { // when Fill has found nothing
		once.Do(func() {
			s.Push("goodbye")
			st.Close(transports.ReasonDrain)
		})
	}
	st.Start(s)
	b, err := io.ReadAll(client)
	if got, want := string(b), "goodbye\nbye drain\n"; got != want || err != nil {
		t.Errorf("client got %q, %v; want %q", got, err, want)
	}
}

func TestStreamWritesNothingBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := newWriters(t)
		server, client := net.Pipe()
		st := transports.NewStream(server, &lines{}, ws, time.Minute)
		s := dialect.New(carrier{st})
		s.Push("a")
		st.Close(transports.ReasonDone)
		synctest.Wait()
		if got := s.Waiting(); got != 1 {
			t.Fatalf("%d messages wait before the start, want 1", got)
		}
		st.Start(s)
		if b, _ := io.ReadAll(client); string(b) != "a\nbye done\n" {
			t.Errorf("client got %q", b)
		}
	})
}

func TestStreamPutsUrgentBytesFirst(t *testing.T) {
	ws := newWriters(t)
	server, client := xtest.TCP(t, 0)
	st, s := start(t, ws, server, time.Minute, &lines{urgent: func() string { return "!" }})
	s.Push("a")
	st.Close(transports.ReasonDone)
	b, _ := io.ReadAll(client)
	if got := strings.ReplaceAll(string(b), "!", ""); got != "a\nbye done\n" || b[0] != '!' {
		t.Errorf("client got %q", b)
	}
}

// A peer that reads nothing holds up nobody, while others get what is theirs.
func TestStalledReaderDelaysNobody(t *testing.T) {
	ws := newWriters(t)
	big := strings.Repeat("x", 100_000)
	var stalled []*dialect.Session
	for range 20 {
		server, _ := xtest.TCP(t, 4096)
		st, s := start(t, ws, server, time.Hour, &lines{})
		defer st.Abort(transports.ReasonDone)
		for range 100 {
			s.Push(big)
		}
		stalled = append(stalled, s)
	}
	server, client := xtest.TCP(t, 0)
	st, s := start(t, ws, server, time.Hour, &lines{})
	defer st.Abort(transports.ReasonDone)
	r := bufio.NewReader(client)
	for i := range 2000 {
		for _, s := range stalled {
			s.Conn.Wake()
		}
		s.Push(strconv.Itoa(i))
		if got, err := r.ReadString('\n'); got != strconv.Itoa(i)+"\n" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	for i, s := range stalled {
		if s.Waiting() < 50 {
			t.Errorf("stalled reader %d took bytes after all: %d messages wait", i, s.Waiting())
		}
	}
}

func TestStreamTimesOut(t *testing.T) {
	const timeout = 10 * time.Second
	tests := []struct {
		name string
		run  func(st *transports.Stream, s *dialect.Session, client net.Conn)
		want time.Duration // until the socket is closed
		why  transports.Reason
	}{
		{"write is not taken", func(_ *transports.Stream, s *dialect.Session, _ net.Conn) {
			s.Push("a")
		}, timeout, transports.ReasonSlow},
		{"write is taken in time", func(st *transports.Stream, s *dialect.Session, client net.Conn) {
			s.Push("a")
			time.Sleep(timeout - 1)
			_, _ = io.ReadFull(client, make([]byte, 2))
			time.Sleep(time.Minute)
			st.Abort(transports.ReasonDone)
		}, timeout - 1 + time.Minute, transports.ReasonDone},
		{"closed while a write is not taken", func(st *transports.Stream, s *dialect.Session, _ net.Conn) {
			s.Push("a")
			time.Sleep(timeout - time.Second)
			st.Close(transports.ReasonDrain)
		}, timeout, transports.ReasonDrain},
		{"farewell is not taken", func(st *transports.Stream, _ *dialect.Session, _ net.Conn) {
			st.Close(transports.ReasonDrain)
		}, 5 * time.Second, transports.ReasonDrain},
		{"aborted while a write is not taken", func(st *transports.Stream, s *dialect.Session, _ net.Conn) {
			s.Push("a")
			time.Sleep(time.Second)
			st.Abort(transports.ReasonRevoked)
		}, time.Second, transports.ReasonRevoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ws := newWriters(t)
				server, client := net.Pipe()
				began := time.Now()
				st, s := start(t, ws, server, timeout, &lines{})
				tt.run(st, s, client)
				// The reader's part: it sees the socket's end.
				_, _ = io.Copy(io.Discard, server)
				if got := time.Since(began); got != tt.want {
					t.Errorf("socket was closed after %v, want %v", got, tt.want)
				}
				if r, _ := st.Reason(); r != tt.why {
					t.Errorf("reason = %q, want %q", r, tt.why)
				}
			})
		})
	}
}

// A client that reads, but never as fast as there is more, does not put off the
// end for ever.
func TestStreamEndsThoughThereIsAlwaysMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := newWriters(t)
		server, client := net.Pipe()
		st := transports.NewStream(server, &lines{}, ws, 10*time.Second)
		s := dialect.New(carrier{st})
		big := strings.Repeat("x", 1<<20)
		s.OnFill = func() { s.Push(big) }
		s.Push(big)
		st.Start(s)
		began := time.Now()
		st.Close(transports.ReasonDrain)
		for {
			b := make([]byte, 256<<10)
			if _, err := client.Read(b); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if got := time.Since(began); got < 5*time.Second || got > 16*time.Second {
			t.Errorf("the stream ended after %v, want between 5 and 16 s", got)
		}
	})
}

// The socket of a peer that is to answer the farewell stays open for that, and
// Abort closes it at any time.
func TestStreamAwaitsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := newWriters(t)
		server, client := net.Pipe()
		st, _ := start(t, ws, server, time.Minute, &lines{await: true})
		began := time.Now()
		st.Close(transports.ReasonDone)
		if _, err := io.ReadFull(client, make([]byte, len("bye done\n"))); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { // ends with the socket, or its read deadline
			defer close(ended)
			_, _ = io.Copy(io.Discard, server)
		}()
		<-ended
		if got, want := time.Since(began), 5*time.Second; got != want {
			t.Errorf("the peer had %v for its answer, want %v", got, want)
		}
		if err := server.SetDeadline(time.Time{}); err != nil {
			t.Errorf("the socket was closed before Abort: %v", err)
		}
		st.Abort(transports.ReasonLost)
		if err := server.SetDeadline(time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after Abort the socket says %v", err)
		}
		if r, _ := st.Reason(); r != transports.ReasonDone {
			t.Errorf("reason = %q, want the first", r)
		}
	})
}

// Streams that are closed by their peers end without noise.
func TestStreamPeerGoes(t *testing.T) {
	ws := newWriters(t)
	for range 20 {
		server, client := xtest.TCP(t, 4096)
		st, s := start(t, ws, server, time.Minute, &lines{})
		_ = client.SetLinger(0)
		ctx, cancel := context.WithCancel(t.Context())
		var reader sync.WaitGroup
		reader.Go(func() {
			_, _ = io.Copy(io.Discard, server)
			st.Abort(transports.ReasonClientClosed)
			cancel()
		})
		for range 50 {
			s.Push(strings.Repeat("x", 10_000))
		}
		_ = client.Close()
		<-ctx.Done()
		reader.Wait()
		s.Push("too late")
	}
}

// stubborn is a socket like TLS over one whose peer takes nothing: its Close
// would wait for the peer.
type stubborn struct{ net.Conn }

func (s stubborn) NetConn() net.Conn { return s.Conn }
func (stubborn) Close() error        { panic("would block") }

func TestAbortSaysNoGoodbyeToTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := newWriters(t)
		server, client := net.Pipe()
		st, s := start(t, ws, stubborn{server}, time.Hour, &lines{})
		s.Push("not taken")
		synctest.Wait()
		st.Abort(transports.ReasonRevoked)
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the socket is open: %v", err)
		}
	})
}
