package longpoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports/xtest"
)

// wantEnd checks that the server has ended the connection, and how long that took.
func (c *client) wantEnd(after time.Duration) {
	c.t.Helper()
	began := time.Now()
	b, err := io.ReadAll(c.r)
	if len(b) > 0 || err != nil {
		c.t.Errorf("got %q, %v; want the end", b, err)
	}
	if took := time.Since(began); took != after {
		c.t.Errorf("the end came after %v, want %v", took, after)
	}
}

func TestPollIsParkedAfterAMoment(t *testing.T) {
	for _, cfg := range []Config{{}, {ParkAfter: time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, cfg)
			g.atDesk()
			_, p := g.pollDesk()
			delay := cfg.ParkAfter
			if delay == 0 {
				delay = 20 * time.Millisecond
			}
			time.Sleep(delay - time.Nanosecond)
			p.Wake() // does not prolong it
			synctest.Wait()
			before := g.parker.Parked()
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if after := g.parker.Parked(); before != 0 || after != 1 {
				t.Errorf("%d, then %d parked; want 0, then 1", before, after)
			}
		})
	}
}

// A socket goes out and back as often as the client likes.
func TestSocketComesBack(t *testing.T) {
	for _, rig := range []func(testing.TB, Config) *rig{newRig, newTCPRig} {
		g := rig(t, Config{ParkAfter: time.Millisecond})
		d := g.atDesk()
		c := g.connect()
		for i := range 5 {
			c.ask("GET", "/desk")
			p := d.next(t)
			g.parked(1)
			p.mu.Lock()
			if _, wrapped := p.conn.(*returned); wrapped {
				t.Error("the socket is wrapped once more each time")
			}
			p.mu.Unlock()
			d.say(p, fmt.Sprint(i))
			c.want(http.StatusOK, "a/b", fmt.Sprint(i))
			if n := g.parker.Parked(); n != 1 {
				t.Errorf("%d parked before the next request, want 1", n)
			}
			if i%2 == 0 {
				continue // the next request is a poll again
			}
			c.ask("GET", "/between")
			if a, _ := c.read(); a.body != "/between" {
				t.Errorf("got %v", a)
			}
			g.parked(0)
		}
		_ = c.Close()
		g.settled()
		d.heard(t)
	}
}

// After an answer the client has a while to send its next request.
func TestKeepAlive(t *testing.T) {
	for _, cfg := range []Config{{}, {KeepAlive: 7 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, cfg)
			d := g.atDesk()
			limit := cfg.KeepAlive
			if limit == 0 {
				limit = 2 * time.Minute
			}
			c, p := g.pollDesk()
			time.Sleep(10 * limit) // a poll itself may take longer
			d.say(p, "1")
			c.want(http.StatusOK, "a/b", "1")
			time.Sleep(limit - time.Nanosecond)
			c.ask("GET", "/desk") // and again
			p = d.next(t)
			time.Sleep(10 * limit)
			d.say(p, "2")
			c.want(http.StatusOK, "a/b", "2")
			c.wantEnd(limit)
			synctest.Wait()
			g.settled()
			d.heard(t)
		})
	}
}

// Whatever a client sends behind a poll, whenever and in whichever pieces, is
// served behind its answer.
func TestPipelining(t *testing.T) {
	long := "POST /long HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20_000)
	behind := "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" + long + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
	tests := []struct {
		name string
		with int   // of the bytes behind the poll, how many come with it
		rest []int // and in pieces, when it is parked
	}{
		{"with the poll", len(behind), nil},
		{"a byte with the poll", 1, nil},
		{"when parked", 0, nil},
		{"a byte each time", 1, []int{1}},
		{"byte by byte", 0, []int{1, 1, 1, 1, 1}},
		{"a buffer full with the poll", 4096, nil},
		{"more than a buffer with the poll", 4097, nil},
	}
	for _, tt := range tests {
		for _, wait := range []string{"before the answer", "after it"} {
			t.Run(tt.name+", the rest "+wait, func(t *testing.T) {
				g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
				d := g.atDesk()
				c := g.connect()
				c.write("GET /desk HTTP/1.1\r\nHost: h\r\n\r\n" + behind[:tt.with])
				p := d.next(t)
				g.parked(1)
				rest := behind[tt.with:]
				send := func() {
					for _, n := range append(tt.rest, len(rest)) {
						n = min(n, len(rest))
						c.write(rest[:n])
						rest = rest[n:]
					}
				}
				if wait == "before the answer" {
					send()
				}
				d.say(p, "answer")
				c.want(http.StatusOK, "a/b", "answer")
				send()
				for _, want := range []string{"/1", "/long", "/2"} {
					if a, _ := c.read(); a.body != want {
						t.Errorf("got %.100v, want %s", a, want)
					}
				}
				g.settled()
				d.heard(t)
			})
		}
	}
}

// Two polls, one behind the other: the second waits its turn.
func TestPollBehindAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		d := g.atDesk()
		c, first := g.pollDesk()
		time.Sleep(later)
		c.write("G") // more is not taken
		synctest.Wait()
		if n := len(d.polls); n != 0 {
			t.Errorf("%d polls at the same time", n)
		}
		d.say(first, "1")
		c.want(http.StatusOK, "a/b", "1")
		c.write("ET /desk HTTP/1.1\r\nHost: h\r\n\r\n")
		second := d.next(t)
		time.Sleep(later)
		first.Wake() // has had its answer
		d.say(second, "2")
		c.want(http.StatusOK, "a/b", "2")
	})
}

// A socket whose poll is answered goes nowhere when nobody accepts it: Close
// lets go of it.
func TestNobodyTakesTheSocketBack(t *testing.T) {
	server, client := net.Pipe()
	p := NewParker(&net.TCPAddr{Port: 1}, Config{})
	if got := p.Addr().String(); got != ":1" {
		t.Errorf("address %q", got)
	}
	poll := NewPoll(p, nil)
	if !p.add(poll, func() { p.giveBack(poll, server, []byte("x")) }) {
		t.Fatal("not added")
	}
	xtest.Until(t, func() bool { return p.Parked() == 0 }, "giving back")
	for range 2 { // in vain, the second time
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the socket says %v, want its end", err)
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept says %v", err)
	}
	if p.add(poll, nil) {
		t.Error("added after Close")
	}
}

func TestReturnedServesWhatWasRead(t *testing.T) {
	server, client := net.Pipe()
	defer func() { _ = server.Close() }()
	go func() { // ends with the pipe
		_, _ = io.WriteString(client, "cd")
		_ = client.Close()
	}()
	r := &returned{Conn: server, first: []byte("ab")}
	var got []byte
	for range 2 {
		if r.Unwrap() != net.Conn(r) {
			t.Error("unwrapped too early")
		}
		b := make([]byte, 1)
		if n, err := r.Read(b); n != 1 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		got = append(got, b...)
	}
	if r.Unwrap() != server {
		t.Error("not unwrapped")
	}
	b, err := io.ReadAll(r)
	if got = append(got, b...); string(got) != "abcd" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
