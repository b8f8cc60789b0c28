package longpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
)

// When the parker closes, what has nothing to say goes at once, and an answer
// on its way gets a little longer.
func TestParkerCloses(t *testing.T) {
	const big = 10 * piece
	tests := []struct {
		name string
		// before prepares the poll; after is what the client does meanwhile.
		before func(g *rig, c *client, p *Poll)
		after  func(g *rig, c *client)
		took   time.Duration
		want   []string
	}{
		{name: "a poll waits", want: []string{"gone"}},
		{
			name:   "a poll waits, another request behind it",
			before: func(_ *rig, c *client, _ *Poll) { c.write("G") },
			want:   []string{"gone"},
		},
		{
			name: "between two requests",
			before: func(g *rig, c *client, p *Poll) {
				g.desk.say(p, "answer")
				c.want(http.StatusOK, "a/b", "answer")
			},
		},
		{
			name:   "the client reads nothing of its answer",
			before: func(g *rig, _ *client, p *Poll) { g.desk.say(p, strings.Repeat("x", big)) },
			took:   lastWrite,
			want:   []string{"lost: " + string(transports.ReasonSlow)},
		},
		{
			name:   "the client reads on",
			before: func(g *rig, _ *client, p *Poll) { g.desk.say(p, strings.Repeat("x", big)) },
			after: func(g *rig, c *client) {
				time.Sleep(lastWrite / 2)
				c.want(http.StatusOK, "a/b", strings.Repeat("x", big))
			},
			took: lastWrite / 2,
		},
		{
			name:   "the client reads on, but for too long",
			before: func(g *rig, _ *client, p *Poll) { g.desk.say(p, strings.Repeat("x", big)) },
			after: func(g *rig, c *client) {
				for { // ends when the server closes the socket
					if _, err := io.CopyN(io.Discard, c.r, piece); err != nil {
						break
					}
					time.Sleep(lastWrite / 4)
				}
			},
			took: lastWrite,
			want: []string{"lost: " + string(transports.ReasonSlow)},
		},
		{
			name: "the source takes its time and has an answer",
			before: func(g *rig, _ *client, p *Poll) {
				g.desk.set(func(int) (Answer, bool) {
					time.Sleep(lastWrite / 2)
					return says("answer")
				})
				p.Wake()
			},
			after: func(_ *rig, c *client) { c.want(http.StatusOK, "a/b", "answer") },
			took:  lastWrite / 2,
		},
		{
			name: "the source takes its time and has none",
			before: func(g *rig, _ *client, p *Poll) {
				g.desk.set(func(int) (Answer, bool) {
					time.Sleep(lastWrite / 2)
					return Answer{}, false
				})
				p.Wake()
			},
			took: lastWrite / 2,
			want: []string{"gone"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, Config{})
				g.atDesk()
				c, p := g.pollDesk()
				time.Sleep(later)
				if tt.before != nil {
					tt.before(g, c, p)
				}
				synctest.Wait()
				began := time.Now()
				closed := make(chan time.Duration, 1)
				go func() { // ends with Close
					_ = g.parker.Close()
					closed <- time.Since(began)
				}()
				if tt.after != nil {
					tt.after(g, c)
				}
				if took := <-closed; took != tt.took {
					t.Errorf("Close took %v, want %v", took, tt.took)
				}
				if _, err := c.r.ReadByte(); tt.want == nil && !errors.Is(err, io.EOF) {
					t.Errorf("the client sees %v, want the end", err)
				}
				g.desk.heard(t, tt.want...)
				p.Wake() // in vain
				synctest.Wait()
				g.desk.heard(t)
				g.settled()
			})
		})
	}
}

// Between Close and the end of its goroutine a poll is not asked any more.
func TestWakeOfAClosedPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		d := g.atDesk()
		_, p := g.pollDesk()
		time.Sleep(later)
		d.set(nil)
		p.close()
		p.Wake()
		synctest.Wait()
		if d.asked != 0 {
			t.Errorf("asked %d times", d.asked)
		}
		d.heard(t, "gone")
	})
}

// A poll that comes to be parked after Close has nowhere to go.
func TestPollAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		d := g.atDesk()
		c, p := g.pollDesk()
		time.Sleep(soon)
		_ = g.parker.Close()
		d.heard(t)
		if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the client sees %v, want the end", err)
		}
		synctest.Wait()
		d.heard(t, "gone")
		p.Wake()
		synctest.Wait()
		if d.asked != 1 {
			t.Errorf("asked %d times, want 1", d.asked)
		}
	})
}

// The socket of an answered poll has a request behind it when the parker closes
// and nobody accepts it any more.
func TestAnswerBeforeARequestWhenTheParkerCloses(t *testing.T) {
	g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
	d := g.atDesk()
	c, p := g.pollDesk()
	g.parked(1)
	c.write("G")
	gate := make(chan struct{})
	d.set(func(int) (Answer, bool) {
		<-gate
		return says("answer")
	})
	p.Wake()
	closed := make(chan struct{})
	go func() { // ends with Close
		defer close(closed)
		_ = g.parker.Close()
	}()
	xtest.Until(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.closing
	}, "Close")
	close(gate)
	c.want(http.StatusOK, "a/b", "answer")
	if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the client sees %v, want the end", err)
	}
	_ = c.Close()
	xtest.Wait(t, closed, "Close")
	d.heard(t)
}

// Shutdown of the HTTP server closes the parker with its other listener.
func TestHTTPShutdown(t *testing.T) {
	g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
	d := g.atDesk()
	var clients []*client
	for i := range 20 {
		c, p := g.pollDesk()
		g.parked(i + 1)
		if i%2 == 0 {
			d.say(p, "answer")
			c.want(http.StatusOK, "a/b", "answer")
		}
		clients = append(clients, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := g.http.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	for _, c := range clients {
		if _, err := c.r.ReadByte(); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("the client sees %v, want the end", err)
		}
	}
	g.settled()
	d.heard(t, strings.Split(strings.Repeat("gone ", 10)[:49], " ")...)
}
