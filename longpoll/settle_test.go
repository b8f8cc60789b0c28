package longpoll

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// lastRequests are polls after which their socket serves no further one.
var lastRequests = map[string]string{
	"Connection: close":    "GET /desk HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"HTTP/1.0":             "GET /desk HTTP/1.0\r\n\r\n",
	"HTTP/1.0, keep-alive": "GET /desk HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
}

// lastPoll makes such a poll and waits until it is parked.
func (g *rig) lastPoll(request, behind string) (*client, *Poll) {
	g.t.Helper()
	c := g.connect()
	c.write(request + behind)
	p := g.desk.next(g.t)
	g.parked(1)
	return c, p
}

// wantLast reads an answer that says that it is the last, and the end.
func (c *client) wantLast(body string) {
	c.t.Helper()
	a, resp := c.read()
	if a.body != body || !resp.Close {
		c.t.Errorf("got %.100v, close %v; want %q, the last", a, resp.Close, body)
	}
	if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
		c.t.Errorf("then came %q, %v; want the end", b, err)
	}
}

// The client gets its answer whole and then the end, whatever it sends, and is
// not waited for any longer than lingerTime if it does not hang up itself.
func TestLastPollOfASocket(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		name         string
		request      string
		behind       string // sent with the poll
		before, then string // sent before and after the answer
		hangUp       bool
	}{
		{"hangs up", "Connection: close", "", "", "", true},
		{"hangs up, 1.0", "HTTP/1.0", "", "", "", true},
		{"stays", "HTTP/1.0, keep-alive", "", "", "", false},
		{"a byte behind the poll", "Connection: close", "x", "", "", true},
		{"a byte behind the poll, stays", "HTTP/1.0", "x", "", "", false},
		{"a byte when parked", "HTTP/1.0", "", "x", "", true},
		{"a byte when parked, stays", "Connection: close", "", "x", "", false},
		{"a byte after the answer, stays", "Connection: close", "", "", "x", false},
		{"much when parked, stays", "HTTP/1.0", "", long, "", false},
		{"much all the time", "Connection: close", long, long, long, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
			d := g.atDesk()
			c, p := g.lastPoll(lastRequests[tt.request], tt.behind)
			c.write(tt.before)
			began := time.Now()
			d.say(p, "answer")
			if tt.then != "" {
				c.write(tt.then)
			}
			c.wantLast("answer")
			if tt.hangUp {
				_ = c.Close()
			}
			g.parked(0)
			if took := time.Since(began); tt.hangUp && took >= lingerTime {
				t.Errorf("took %v after the client had hung up", took)
			} else if !tt.hangUp && took < lingerTime {
				t.Errorf("took %v, want %v", took, lingerTime)
			}
			d.heard(t)
		})
	}
}

// A client that never stops to send is not listened to for longer either.
func TestLastPollWithoutEnd(t *testing.T) {
	g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
	d := g.atDesk()
	c, p := g.lastPoll(lastRequests["HTTP/1.0"], "x")
	d.say(p, "answer")
	for { // ends when the server closes the socket
		if _, err := c.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	g.settled()
	d.heard(t)
}

// Without a way to end only our side the socket is closed.
func TestLastPollWithoutHalfClose(t *testing.T) {
	for name, request := range lastRequests {
		for _, behind := range []string{"", "x"} {
			t.Run(name+behind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t, Config{})
					d := g.atDesk()
					c := g.connect()
					c.write(request + behind)
					p := d.next(t)
					time.Sleep(later)
					d.say(p, "answer")
					c.wantLast("answer")
					synctest.Wait()
					g.settled()
					d.heard(t)
				})
			})
		}
	}
}

// However a parked poll ends, its goroutine does, and its socket is given back
// or closed.
func TestNothingIsLeft(t *testing.T) {
	reset := func(c *client) {
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	tests := []struct {
		name string
		cfg  Config
		do   func(g *rig, c *client, p *Poll)
		want []string
	}{
		{"client hangs up", Config{}, func(_ *rig, c *client, _ *Poll) { _ = c.Close() }, []string{"gone"}},
		{"client ends its side", Config{}, func(_ *rig, c *client, _ *Poll) { _ = c.Conn.(*net.TCPConn).CloseWrite() }, []string{"gone"}},
		{"client resets", Config{}, func(_ *rig, c *client, _ *Poll) { reset(c) }, []string{"gone"}},
		{"client hangs up after the answer", Config{}, func(g *rig, c *client, p *Poll) {
			g.desk.say(p, "answer")
			c.want(http.StatusOK, "a/b", "answer")
			_ = c.Close()
		}, nil},
		{"client resets after the answer", Config{}, func(g *rig, c *client, p *Poll) {
			g.desk.say(p, "answer")
			c.want(http.StatusOK, "a/b", "answer")
			reset(c)
		}, nil},
		{"client resets behind a byte", Config{}, func(g *rig, c *client, p *Poll) {
			c.write("x")
			reset(c)
			g.desk.say(p, strings.Repeat("x", 10<<20)) // more than any buffer takes
		}, []string{"lost: " + string(transports.ReasonLost)}},
		{"client sends the next request", Config{}, func(g *rig, c *client, p *Poll) {
			g.desk.say(p, "answer")
			c.want(http.StatusOK, "a/b", "answer")
			c.ask("GET", "/next")
			if a, _ := c.read(); a.body != "/next" {
				g.t.Errorf("got %v", a)
			}
		}, nil},
		{"client keeps silent", Config{KeepAlive: time.Millisecond}, func(g *rig, c *client, p *Poll) {
			g.desk.say(p, "answer")
			c.want(http.StatusOK, "a/b", "answer")
			if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
				g.t.Errorf("got %q, %v; want the end", b, err)
			}
		}, nil},
		{"client reads nothing", Config{WriteTimeout: 20 * time.Millisecond}, func(g *rig, _ *client, p *Poll) {
			g.desk.say(p, strings.Repeat("x", 20<<20))
		}, []string{"lost: " + string(transports.ReasonSlow)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.ParkAfter = time.Millisecond
			g := newTCPRig(t, tt.cfg)
			g.atDesk()
			c, p := g.pollDesk()
			g.parked(1)
			tt.do(g, c, p)
			g.settled()
			g.desk.heard(t, tt.want...)
		})
	}
}
