package longpoll

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
)

// deskBoth runs a test on the fake clock with a poll that waits in its handler,
// and with one that is parked.
func deskBoth(t *testing.T, cfg Config, f func(t *testing.T, g *rig, c *client, p *Poll)) {
	t.Helper()
	both(t, func(t *testing.T, _ *rig, wait time.Duration) {
		g := newRig(t, cfg)
		g.atDesk()
		c, p := g.pollDesk()
		time.Sleep(wait)
		if got, want := g.parker.Parked() == 1, wait == later; got != want {
			t.Errorf("parked: %v, want %v", got, want)
		}
		f(t, g, c, p)
	})
}

// An answer looks the same whoever writes it.
func TestAnswersAreAlike(t *testing.T) {
	tests := []struct {
		name   string
		answer Answer
		want   http.Header
	}{
		{"with a body", Answer{Status: 200, ContentType: "a/b", Body: []byte("body")}, http.Header{"Content-Type": {"a/b"}, "Content-Length": {"4"}}},
		{"empty", Answer{Status: 200, ContentType: "a/b"}, http.Header{"Content-Type": {"a/b"}, "Content-Length": {"0"}}},
		{"an error", Answer{Status: 503, ContentType: "a/b", Body: []byte("no")}, http.Header{"Content-Type": {"a/b"}, "Content-Length": {"2"}}},
		{"204", Answer{Status: 204, ContentType: "a/b"}, http.Header{"Content-Type": {"a/b"}}},
		{"204 without a type", Answer{Status: 204}, http.Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			both(t, func(t *testing.T, g *rig, wait time.Duration) {
				g.header = http.Header{"Vary": {"Origin", "Accept"}, "X-Forged": {"a\r\nSet-Cookie: b"}}
				d := g.atDesk()
				c, p := g.pollDesk()
				time.Sleep(wait)
				d.set(func(int) (Answer, bool) { return tt.answer, true })
				p.Wake()
				got, resp := c.read()
				if want := (answer{tt.answer.Status, tt.answer.ContentType, string(tt.answer.Body)}); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
				tt.want["Vary"], tt.want["X-Forged"] = g.header["Vary"], []string{"a  Set-Cookie: b"}
				NoCache(tt.want)
				resp.Header.Del("Date")
				if diff := cmp.Diff(tt.want, resp.Header); diff != "" || resp.Close {
					t.Errorf("close %v, header (-want +got):\n%s", resp.Close, diff)
				}
				c.ask("GET", "/after")
				if a, _ := c.read(); a.body != "/after" {
					t.Errorf("the next request is answered %v", a)
				}
				d.heard(t)
			})
		})
	}
}

func TestClientLeavesAPoll(t *testing.T) {
	deskBoth(t, Config{}, func(t *testing.T, g *rig, c *client, p *Poll) {
		_ = c.Close()
		synctest.Wait()
		g.desk.heard(t, "gone")
		p.Wake() // late, and in vain
		synctest.Wait()
		g.desk.heard(t)
		g.settled()
	})
}

// A source is asked once more for each call of Wake, however many come while it
// is being asked.
func TestWakeAsksAgain(t *testing.T) {
	deskBoth(t, Config{}, func(t *testing.T, g *rig, c *client, p *Poll) {
		asked, gate := make(chan int, 10), make(chan struct{})
		g.desk.set(func(n int) (Answer, bool) {
			asked <- n
			<-gate
			return Answer{}, false
		})
		p.Wake()
		synctest.Wait()
		for range 3 {
			p.Wake()
		}
		for range 2 {
			gate <- struct{}{}
			synctest.Wait()
		}
		p.Wake()
		gate <- struct{}{}
		synctest.Wait()
		if n := len(asked); n != 3 {
			t.Errorf("asked %d times, want 3", n)
		}
		g.desk.say(p, "yes")
		c.want(http.StatusOK, "a/b", "yes")
		g.desk.heard(t)
	})
}

// A client may be slow, but must take each piece in time.
func TestSlowClient(t *testing.T) {
	tests := []struct {
		cfg   Config
		limit time.Duration
	}{
		{Config{}, 10 * time.Second},
		{Config{WriteTimeout: 3 * time.Second}, 3 * time.Second},
	}
	for _, tt := range tests {
		deskBoth(t, tt.cfg, func(t *testing.T, g *rig, c *client, p *Poll) {
			began := time.Now()
			g.desk.say(p, strings.Repeat("x", 20*piece))
			for range 10 { // one and a half times the limit
				if _, err := io.CopyN(io.Discard, c.r, piece); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.limit * 3 / 20)
			}
			g.desk.heard(t)
			if took := time.Since(began); took <= tt.limit {
				t.Errorf("took only %v", took)
			}
			time.Sleep(tt.limit)
			synctest.Wait()
			g.desk.heard(t, "lost: "+string(transports.ReasonSlow))
			if n, err := io.Copy(io.Discard, c.r); n > 3*piece || err != nil {
				t.Errorf("then came %d bytes, %v; want the end", n, err)
			}
			g.settled()
		})
	}
}

func TestClientLeavesDuringTheAnswer(t *testing.T) {
	deskBoth(t, Config{}, func(t *testing.T, g *rig, c *client, p *Poll) {
		g.desk.say(p, strings.Repeat("x", 10*piece))
		if _, err := io.CopyN(io.Discard, c.r, piece); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		synctest.Wait()
		g.desk.heard(t, "lost: "+string(transports.ReasonLost))
		g.settled()
	})
}

// While the source is being asked the client leaves: whoever comes second tells
// the source, and nobody tells it twice.
func TestClientLeavesDuringTheQuestion(t *testing.T) {
	tests := []struct {
		name string
		then Answer
		ok   bool
		want []string
	}{
		{"no answer", Answer{}, false, []string{"gone"}},
		{"an answer", Answer{Status: http.StatusOK, Body: []byte("late")}, true, []string{"lost: lost"}},
		{"an empty answer", Answer{Status: http.StatusOK}, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, Config{})
				g.atDesk()
				c, p := g.pollDesk()
				time.Sleep(later)
				gate := make(chan struct{})
				g.desk.set(func(int) (Answer, bool) {
					<-gate
					return tt.then, tt.ok
				})
				p.Wake()
				synctest.Wait()
				p.Wake() // would have it asked again
				_ = c.Close()
				synctest.Wait()
				g.desk.heard(t)
				p.Wake() // too late for that
				close(gate)
				synctest.Wait()
				g.desk.heard(t, tt.want...)
				if g.desk.asked > 1 {
					t.Errorf("asked %d times", g.desk.asked)
				}
				g.settled()
			})
		})
	}
}
