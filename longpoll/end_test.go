package longpoll

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// The end: what waits, then 204, then nobody knows the connection.
func TestConnectionEnds(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.poll()
		time.Sleep(wait)
		h.d.Push("goodbye")
		h.d.Conn.Close(transports.ReasonRevoked)
		h.want(http.StatusOK, typeBinary, "goodbye")
		time.Sleep(wait)
		h.poll()
		h.want(http.StatusNoContent, typeText, "")
		ended(t, h.d, transports.ReasonRevoked)
		h.poll()
		h.want(http.StatusNotFound, "text/plain", "No Connection with that ID")
	})
}

func TestConnectionEndsWithoutAWord(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.poll()
		time.Sleep(wait)
		began := time.Now()
		h.d.Conn.Close(transports.ReasonRevoked)
		h.want(http.StatusNoContent, typeText, "")
		ended(t, h.d, transports.ReasonRevoked)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// What is said in the instant of the end, behind the filling, is still heard.
func TestGoodbyeBehindTheFilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		h := g.join()
		said := false
		h.d.OnFill = func() {
			if !said {
				said = true
				h.d.Push("goodbye")
				h.d.Conn.Close(transports.ReasonDone)
			}
		}
		h.poll()
		h.want(http.StatusOK, typeBinary, "goodbye")
		h.poll()
		h.want(http.StatusNoContent, typeText, "")
	})
}

func TestConnectionIsAborted(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.d.Conn.Abort(transports.ReasonRevoked) // between two polls
		ended(t, h.d, transports.ReasonRevoked)
		h.poll()
		h.want(http.StatusNotFound, "text/plain", "No Connection with that ID")

		h = g.join()
		h.poll()
		time.Sleep(wait)
		h.d.Push("unheard")
		h.d.Conn.Abort(transports.ReasonRevoked)
		if a, _ := h.read(); a.status != http.StatusNoContent && a.body != "unheard" {
			t.Errorf("got %v", a)
		}
	})
}

func TestDELETE(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		other := g.connect()
		h.poll()
		time.Sleep(wait)
		other.ask("DELETE", h.target)
		if a, _ := other.read(); a != (answer{http.StatusAccepted, "text/plain", ""}) {
			t.Errorf("DELETE is answered %v", a)
		}
		h.want(http.StatusNoContent, typeText, "")
		ended(t, h.d, transports.ReasonClientClosed)
		other.ask("DELETE", h.target)
		if a, _ := other.read(); a.status != http.StatusNotFound {
			t.Errorf("second DELETE is answered %v", a)
		}

		h = g.join() // and between two polls
		time.Sleep(wait)
		other.ask("DELETE", h.target)
		if a, _ := other.read(); a.status != http.StatusAccepted {
			t.Errorf("DELETE is answered %v", a)
		}
		ended(t, h.d, transports.ReasonClientClosed)
	})
}

// A client has 15 s between two polls, from whatever ended the last one.
func TestClientStaysAway(t *testing.T) {
	tests := []struct {
		name string
		last func(h *hub)
	}{
		{"after the first poll", func(*hub) {}},
		{"after an answer", func(h *hub) {
			h.poll()
			time.Sleep(later)
			h.d.Push("a")
			h.want(http.StatusOK, typeBinary, "a")
		}},
		{"after an empty answer", func(h *hub) {
			h.poll()
			h.want(http.StatusOK, typeText, "")
		}},
		{"after it hung up in a handler", func(h *hub) {
			h.poll()
			time.Sleep(soon)
			_ = h.Close()
			synctest.Wait()
		}},
		{"after it hung up when parked", func(h *hub) {
			h.poll()
			time.Sleep(later)
			_ = h.Close()
			synctest.Wait()
		}},
		{"after the goodbye", func(h *hub) {
			h.poll()
			h.d.Push("goodbye")
			h.d.Conn.Close(transports.ReasonLost)
			h.want(http.StatusOK, typeBinary, "goodbye")
		}},
	}
	for _, tt := range tests {
		for _, away := range []time.Duration{0, 4 * time.Second} {
			t.Run(fmt.Sprint(tt.name, " ", away), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t, Config{})
					g.options.AwayTimeout = away
					h := g.join()
					tt.last(h)
					began := time.Now()
					<-h.d.Over
					if away == 0 {
						away = 15 * time.Second
					}
					at(t, began, away)
					if got := h.d.Reason(); got != transports.ReasonLost {
						t.Errorf("ended with %q", got)
					}
				})
			})
		}
	}
}

// A client that comes back just in time goes on.
func TestClientComesBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		h := g.join()
		for i := range 5 {
			h.d.Push(fmt.Sprint(i))
			time.Sleep(15*time.Second - 1)
			h.poll()
			h.want(http.StatusOK, typeBinary, fmt.Sprint(i))
		}
	})
}

// The server stops: clients hear the goodbye with their present or next poll.
// One that does not come is not waited for as long as otherwise.
func TestShutdownTellsPolls(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		g.prepare = func(d *dialect.Session) { d.Goodbye = "goodbye" }
		waiting, between, gone := g.join(), g.join(), g.join()
		waiting.poll()
		time.Sleep(wait)
		began := time.Now()
		done := make(chan time.Duration, 1)
		go func() { // ends with Shutdown
			g.server.Shutdown(context.Background(), 0)
			done <- time.Since(began)
		}()
		waiting.want(http.StatusOK, typeBinary, "goodbye")
		waiting.poll()
		waiting.want(http.StatusNoContent, typeText, "")
		time.Sleep(time.Second)
		between.poll()
		between.want(http.StatusOK, typeBinary, "goodbye")
		between.poll()
		between.want(http.StatusNoContent, typeText, "")
		if took := <-done; took > 10*time.Second {
			t.Errorf("Shutdown took %v", took)
		}
		for _, h := range []*hub{waiting, between, gone} {
			ended(t, h.d, transports.ReasonDrain)
		}
	})
}
