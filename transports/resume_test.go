package transports_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// patient is a session that goes on without a socket, unless it has left.
type patient struct {
	*dialect.Session
	left        bool
	interrupted atomic.Int32
}

func (p *patient) Resumable() bool          { return !p.left }
func (p *patient) Attach(transports.Framer) {}
func (p *patient) Detach(transports.Framer) {}
func (p *patient) Interrupt()               { p.interrupted.Add(1) }

// parked returns a connection whose socket is lost.
func parked(t *testing.T, s *transports.Server, user string) (*transports.Connection, *patient) {
	t.Helper()
	c := s.Open("/hub", user, "addr", nil, transports.WebSockets, true)
	p := &patient{Session: dialect.New(c)}
	c.Bind(p)
	k := &noted{c: c}
	c.Run(k)
	c.Lost(k, transports.ReasonLost)
	return c, p
}

func TestALostSocketMayBeReplacedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, p := parked(t, s, "u")
		time.Sleep(14 * time.Second)
		if c.Ended() || p.interrupted.Load() != 0 || c.Carrier() != nil {
			t.Error("it did not wait")
		}
		time.Sleep(3 * time.Second)
		<-p.Over
		if p.Reason() != transports.ReasonLost || p.interrupted.Load() == 0 {
			t.Errorf("ended with %q, interrupted %d times", p.Reason(), p.interrupted.Load())
		}
		if _, ok := s.Lookup("/hub", c.Token()); ok {
			t.Error("its token still counts")
		}
	})
}

func TestWhoIsNotParked(t *testing.T) {
	for name, lose := range map[string]func(c *transports.Connection, p *patient, k *noted){
		"the client said goodbye": func(c *transports.Connection, _ *patient, k *noted) { c.Lost(k, transports.ReasonClientClosed) },
		"the session has left": func(c *transports.Connection, p *patient, k *noted) {
			p.left = true
			c.Lost(k, transports.ReasonLost)
		},
		"it is too slow": func(c *transports.Connection, _ *patient, k *noted) { c.Lost(k, transports.ReasonSlow) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				c := s.Open("/hub", "u", "addr", nil, transports.WebSockets, true)
				p := &patient{Session: dialect.New(c)}
				c.Bind(p)
				k := &noted{c: c}
				c.Run(k)
				lose(c, p, k)
				<-p.Over
			})
		})
	}
}

// undecided is a session that says goodbye while its connection is being parked.
type undecided struct {
	*patient
	asked int
}

func (u *undecided) Resumable() bool {
	u.asked++
	return u.asked == 1
}

func TestAGoodbyeInTheMomentOfTheLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c := s.Open("/hub", "u", "addr", nil, transports.WebSockets, true)
		u := &undecided{patient: &patient{Session: dialect.New(c)}}
		c.Bind(u)
		k := &noted{c: c}
		c.Run(k)
		began := time.Now()
		c.Lost(k, transports.ReasonLost)
		<-u.Over
		if took := time.Since(began); took != 0 {
			t.Errorf("it was kept for %v", took)
		}
	})
}

// A carrier that another has replaced has no say any more.
func TestTheFormerCarriersEndIsNotTheConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c := s.Open("/hub", "u", "addr", nil, transports.WebSockets, true)
		p := &patient{Session: dialect.New(c)}
		c.Bind(p)
		old, present := &noted{c: c}, &noted{c: c}
		c.Run(old)
		c.Run(present)
		c.Lost(old, transports.ReasonLost)
		c.Lost(old, transports.ReasonProtocolError)
		if err := c.DeliverFrom(old, []byte("x"), true); err == nil {
			t.Error("its bytes were taken")
		}
		if err := c.DeliverFrom(present, []byte("y"), true); err != nil {
			t.Error(err)
		}
		if got, _ := p.Got(); got != "y" || c.Ended() {
			t.Errorf("got %q, ended %v", got, c.Ended())
		}
	})
}

func TestParkedConnectionsEndAtOnce(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *transports.Server, c *transports.Connection){
		"closed":   func(_ *testing.T, _ *transports.Server, c *transports.Connection) { c.Close(transports.ReasonRevoked) },
		"aborted":  func(_ *testing.T, _ *transports.Server, c *transports.Connection) { c.Abort(transports.ReasonRevoked) },
		"shutdown": func(t *testing.T, s *transports.Server, _ *transports.Connection) { s.Shutdown(t.Context(), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				c, p := parked(t, s, "u")
				began := time.Now()
				end(t, s, c)
				<-p.Over
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestParkedConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{MaxNegotiated: 4, MaxNegotiatedPerUser: 2})
		count := func(users ...string) (ended int) {
			for _, u := range users {
				if c, _ := parked(t, s, u); c.Ended() {
					ended++
				}
			}
			return ended
		}
		if n := count("a", "a", "a"); n != 1 {
			t.Errorf("%d of one user's were refused", n)
		}
		if n := count("b", "c", "d"); n != 1 {
			t.Errorf("%d of others were refused", n)
		}
		time.Sleep(20 * time.Second) // their time is over
		if n := count("a", "a", "b", "b"); n != 0 {
			t.Errorf("%d were refused afterwards", n)
		}
	})
}
