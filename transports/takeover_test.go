package transports_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// heir is a session that goes on with another socket, unless it has said goodbye.
type heir struct {
	*dialect.Session
	gone  atomic.Bool
	asked func() // by Resumable, if set
	taken func() // by Attach, if set
}

func (h *heir) Resumable() bool {
	if h.asked != nil {
		h.asked()
	}
	return !h.gone.Load()
}

func (h *heir) Attach(transports.Framer) {
	if h.taken != nil {
		h.taken()
	}
}

func (h *heir) Detach(transports.Framer) {}

// inherit returns a connection that runs on a socket, and its session.
func inherit(t *testing.T, s *transports.Server) (*transports.Connection, *heir, *noted) {
	t.Helper()
	c := s.Open("/hub", "u", "addr", nil, transports.WebSockets, true)
	h := &heir{Session: dialect.New(c)}
	c.Bind(h)
	k := &noted{c: c}
	c.Run(k)
	return c, h, k
}

// Reference section 6.4: what a request for another socket is answered.
func TestWhoMayBringAnotherSocket(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(c *transports.Connection, h *heir, k *noted)
		want    int
	}{
		{"the socket lives", func(*transports.Connection, *heir, *noted) {}, 0},
		{"it is lost", func(c *transports.Connection, _ *heir, k *noted) { c.Lost(k, transports.ReasonLost) }, 0},
		{"another brings one", func(c *transports.Connection, _ *heir, _ *noted) { c.Resume() }, http.StatusConflict},
		{"another brings one, the socket is lost", func(c *transports.Connection, _ *heir, k *noted) {
			c.Lost(k, transports.ReasonLost)
			c.Resume()
		}, http.StatusConflict},
		{"another has failed to", func(c *transports.Connection, _ *heir, _ *noted) {
			c.Resume()
			c.GiveUp(transports.ReasonHandshake)
		}, 0},
		{"the session would not go on", func(_ *transports.Connection, h *heir, _ *noted) { h.gone.Store(true) }, http.StatusConflict},
		{"it has ended", func(c *transports.Connection, h *heir, _ *noted) {
			h.gone.Store(true)
			c.End(transports.ReasonDone)
		}, http.StatusNotFound},
		{"it ends in this moment", func(c *transports.Connection, h *heir, _ *noted) {
			h.asked = func() { c.End(transports.ReasonDone) }
		}, http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, h, k := inherit(t, newServer(t, transports.Config{}))
				tt.prepare(c, h, k)
				if got := c.Resume(); got != tt.want {
					t.Errorf("answered %d, want %d", got, tt.want)
				}
			})
		})
	}
}

// Five at once, and then one every two seconds: a client that asks for more wears
// the server out.
func TestTakeOversAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := inherit(t, newServer(t, transports.Config{}))
		take := func() (n, status int) {
			for n = 0; n < 100; n++ {
				if status = c.Resume(); status != 0 {
					break
				}
				c.GiveUp(transports.ReasonHandshake)
			}
			return n, status
		}
		for i, step := range []struct {
			after time.Duration
			want  int
		}{{0, 5}, {2*time.Second - 1, 0}, {1, 1}, {4 * time.Second, 2}, {time.Hour, 5}} {
			time.Sleep(step.after)
			if n, status := take(); n != step.want || status != http.StatusTooManyRequests {
				t.Errorf("step %d: %d were let in, want %d; then %d", i, n, step.want, status)
			}
		}
		if c.Ended() {
			t.Error("the connection has ended")
		}
	})
}

// While another socket is on its way in the connection waits, for that one's own
// time limits; if it fails, the client gets the whole time again.
func TestTheTimeOfALostSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, k := inherit(t, newServer(t, transports.Config{}))
		c.Lost(k, transports.ReasonLost)
		at := func(second time.Duration, ended bool) {
			t.Helper()
			time.Sleep(second*time.Second - time.Since(c.Since()))
			synctest.Wait()
			if c.Ended() != ended {
				t.Fatalf("after %d s: ended is %v", second, !ended)
			}
		}
		at(14, false)
		if got := c.Resume(); got != 0 {
			t.Fatalf("answered %d", got)
		}
		at(20, false)
		c.GiveUp(transports.ReasonHandshake)
		at(34, false)
		at(37, true)
		if got := h.Reason(); got != transports.ReasonLost {
			t.Errorf("it ended with %q", got)
		}
	})
}
