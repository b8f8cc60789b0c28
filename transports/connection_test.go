package transports_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// noted is a carrier that notes what it is told.
type noted struct {
	c *transports.Connection // ended by Abort, as by a real carrier

	mu    sync.Mutex
	calls []string
}

func (n *noted) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, s)
}

func (n *noted) Wake()                     { n.note("wake") }
func (n *noted) Close(r transports.Reason) { n.note("close " + string(r)) }

func (n *noted) Abort(r transports.Reason) {
	n.note("abort " + string(r))
	n.c.End(r)
}

func (n *noted) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.calls...)
}

func newServer(t testing.TB, cfg transports.Config) *transports.Server {
	t.Helper()
	s := transports.NewServer(cfg)
	t.Cleanup(func() {
		for _, c := range s.Connections() {
			c.End(transports.ReasonDone)
		}
		s.Shutdown(t.Context(), 0) // the context has ended
	})
	return s
}

// open opens a connection with a bound session.
func open(s *transports.Server) (*transports.Connection, *dialect.Session) {
	c := s.Open("scope", "user", "addr", nil, transports.WebSockets, false)
	d := dialect.New(c)
	c.Bind(d)
	return c, d
}

// What is asked of a connection before its carrier runs is passed on to it, so
// that a goodbye reaches the client.
func TestConnectionRemembersForItsCarrier(t *testing.T) {
	tests := []struct {
		name   string
		before func(c *transports.Connection)
		want   []string
	}{
		{"nothing", func(*transports.Connection) {}, nil},
		{"wake", func(c *transports.Connection) { c.Wake() }, nil}, // a carrier asks when it starts
		{"close", func(c *transports.Connection) {
			c.Close(transports.ReasonHandshake)
			c.Close(transports.ReasonDrain)
		}, []string{"close handshake"}},
		{"abort", func(c *transports.Connection) {
			c.Close(transports.ReasonHandshake)
			c.Abort(transports.ReasonRevoked)
		}, []string{"abort handshake"}},
		{"leave", func(c *transports.Connection) { c.Leave(transports.ReasonDrain) }, []string{"close drain"}},
		{"end", func(c *transports.Connection) { c.End(transports.ReasonDrain) }, []string{"abort drain"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				c, _ := open(s)
				tt.before(c)
				k := &noted{c: c}
				c.Run(k)
				if diff := cmp.Diff(tt.want, k.all()); diff != "" {
					t.Errorf("carrier was told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A client that has POSTed something unacceptable before it attaches hears of it.
func TestEarlyBytesThatAreRefusedDoNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, err := s.Negotiate("scope", "user", "addr", nil, time.Minute, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Deliver([]byte("garb"), true); err != nil {
			t.Fatal(err)
		}
		if err := c.Deliver([]byte("age"), true); err != nil {
			t.Fatal(err)
		}
		c.Claim(transports.LongPolling)
		d := dialect.New(c)
		d.Refuse = "garbage"
		c.Bind(d)
		k := &noted{c: c}
		c.Run(k)
		if diff := cmp.Diff([]string{"close protocol_error"}, k.all()); diff != "" {
			t.Errorf("carrier was told (-want +got):\n%s", diff)
		}
	})
}

func TestEarlyBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{EarlyBytes: 4})
		c, err := s.Negotiate("scope", "user", "addr", nil, time.Minute, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Deliver([]byte("abcde"), true); !errors.Is(err, transports.ErrTooLarge) {
			t.Errorf("five bytes: %v, want ErrTooLarge", err)
		}
		if err := c.Deliver([]byte("abc"), true); err != nil {
			t.Errorf("three bytes: %v", err)
		}
		if err := c.Deliver([]byte("d"), true); err != nil {
			t.Errorf("the fourth: %v", err)
		}
		if err := c.Deliver([]byte("e"), true); !errors.Is(err, transports.ErrTooLarge) {
			t.Errorf("the fifth: %v, want ErrTooLarge", err)
		}
		c.Claim(transports.LongPolling)
		d := dialect.New(c)
		c.Bind(d)
		if err := c.Deliver([]byte("ef"), true); err != nil {
			t.Errorf("after Bind: %v", err)
		}
		if got, _ := d.Got(); got != "abcdef" {
			t.Errorf("session got %q", got)
		}
	})
}

// The session is told of the end only when no Receive runs, and End does not
// wait for that: it may be called by Receive itself.
func TestEndDuringReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, d := open(s)
		k := &noted{c: c}
		c.Run(k)
		d.OnReceive = func([]byte, bool) {
			c.Abort(transports.ReasonRevoked) // which ends it
			time.Sleep(time.Second)
			if d.Reason() != "" {
				t.Error("the session was told while Receive ran")
			}
		}
		go func() { // ends with the connection
			time.Sleep(time.Millisecond)
			if err := c.Deliver([]byte("late"), true); !errors.Is(err, transports.ErrEnded) {
				t.Errorf("Deliver says %v, want ErrEnded", err)
			}
		}()
		if err := c.Deliver([]byte("a"), true); err != nil {
			t.Error(err)
		}
		if got := d.Reason(); got != transports.ReasonRevoked {
			t.Errorf("reason = %q", got)
		}
		if got, _ := d.Got(); got != "a" {
			t.Errorf("session got %q", got)
		}
	})
}

// A session that comes too late is told at once.
func TestBindAfterEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c := s.Open("scope", "user", "addr", nil, transports.WebSockets, true)
		c.End(transports.ReasonDrain)
		ends := 0
		c.OnEnd(func() { ends++ })
		d := dialect.New(c)
		c.Bind(d)
		if got := d.Reason(); got != transports.ReasonDrain {
			t.Errorf("session was told %q, want drain", got)
		}
		if ends != 1 {
			t.Errorf("OnEnd was called %d times, want once", ends)
		}
		if _, ok := s.Lookup("scope", c.Token()); ok {
			t.Error("the connection is still listed")
		}
	})
}

// Whatever happens at the same time: the session is told once, last, and the
// server counts right. Run with -race.
func TestConnectionEndsOnceWhateverHappens(t *testing.T) {
	s := newServer(t, transports.Config{})
	for i := range 500 {
		var c *transports.Connection
		if i%2 == 0 {
			c = s.Open("scope", "user", "addr", nil, transports.LongPolling, true)
		} else {
			var err error
			if c, err = s.Negotiate("scope", "user", "addr", nil, time.Minute, i%4 == 1); err != nil {
				t.Fatal(err)
			}
		}
		d := dialect.New(c)
		var receiving, ends atomic.Int32
		d.OnReceive = func([]byte, bool) {
			if receiving.Add(1) != 1 {
				t.Error("Receive runs twice at a time")
			}
			if d.Reason() != "" {
				t.Error("Receive was called after Closed")
			}
			receiving.Add(-1)
		}
		var all sync.WaitGroup
		all.Go(func() {
			if i%2 == 1 && !c.Claim(transports.LongPolling) {
				return
			}
			c.OnEnd(func() { ends.Add(1) })
			c.Bind(d)
			c.Run(&noted{c: c})
		})
		for j := range 4 {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(j)))
			all.Go(func() {
				for range rng.IntN(20) {
					switch rng.IntN(8) {
					case 0:
						c.End(transports.ReasonLost)
					case 1:
						c.Abort(transports.ReasonRevoked)
					case 2:
						c.Leave(transports.ReasonDrain)
					case 3:
						s.Lookup("scope", c.Token())
					default:
						_ = c.Deliver([]byte("x"), true)
					}
				}
			})
		}
		all.Wait()
		c.End(transports.ReasonDone)
		if c.Session() != nil {
			xtest.Wait(t, d.Over, "Closed")
			if ends.Load() != 1 {
				t.Errorf("OnEnd was called %d times", ends.Load())
			}
		}
		if !c.Ended() || c.Deliver(nil, true) == nil {
			t.Error("the connection lives on")
		}
	}
	if n, m := s.Negotiated(), len(s.Connections()); n != 0 || m != 0 {
		t.Errorf("%d negotiated, %d attached; want none", n, m)
	}
}
