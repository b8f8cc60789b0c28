package transports_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// plug is one socket of a connection, with its client's end.
type plug struct {
	*transports.Stream
	server, client net.Conn
	proto          *lines
	s              *transports.Server
	c              *transports.Connection
}

func newPlug(t *testing.T, s *transports.Server, c *transports.Connection) *plug {
	p := &plug{proto: &lines{}, s: s, c: c}
	p.server, p.client = net.Pipe()
	t.Cleanup(func() { _ = p.client.Close() })
	p.Stream = transports.NewStream(p.server, p.proto, s.Writers(), s.SendTimeout())
	return p
}

// attach makes it the connection's socket, and tells of its end as a carrier does.
func (p *plug) attach() bool {
	if !p.c.Attach(p.Stream, p.proto) {
		return false
	}
	p.s.Go(func() { // ends with the socket
		_, _ = io.Copy(io.Discard, p.server)
		r, ours := p.Reason()
		if !ours {
			r = transports.ReasonLost
		}
		p.Abort(r)
		p.c.Lost(p.Stream, r)
	})
	return true
}

// rest is what the client gets until the end, or within a second.
func (p *plug) rest() (text string, ended bool) {
	_ = p.client.SetReadDeadline(time.Now().Add(time.Second))
	b, err := io.ReadAll(p.client)
	return string(b), err == nil
}

func TestASocketInTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, h, k := inherit(t, s)
		c.Lost(k, transports.ReasonLost)
		time.Sleep(14 * time.Second)
		if got := c.Resume(); got != 0 {
			t.Fatalf("answered %d", got)
		}
		time.Sleep(3 * time.Second) // its upgrade takes until after the time
		p := newPlug(t, s, c)
		if !p.attach() {
			t.Fatal("the connection has ended")
		}
		h.Push("hello")
		if got, ended := p.rest(); got != "hello\n" || ended {
			t.Errorf("got %q, ended %v", got, ended)
		}
	})
}

// The time of the first loss says nothing about the second.
func TestEachLossHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, h, k := inherit(t, s)
		c.Lost(k, transports.ReasonLost)
		time.Sleep(5 * time.Second)
		c.Resume()
		p := newPlug(t, s, c)
		p.attach()
		time.Sleep(5 * time.Second)
		_ = p.client.Close()
		time.Sleep(14 * time.Second) // 24 s after the first loss
		if c.Ended() {
			t.Error("it ended when the first one's time was over")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !c.Ended() || h.Reason() != transports.ReasonLost {
			t.Errorf("ended is %v, with %q", c.Ended(), h.Reason())
		}
	})
}

// What came with the former socket is taken before another one counts: else the
// session would get the bytes of both at a time.
func TestASocketWaitsForWhatTheFormerBrought(t *testing.T) {
	tests := []struct {
		name        string
		takes, took time.Duration
		ok          bool
	}{
		{"nothing", 0, 0, true},
		{"is taken soon", 2 * time.Second, 2 * time.Second, true},
		{"is not taken", time.Hour, 5 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				c, h, _ := inherit(t, s)
				done := make(chan struct{})
				h.OnReceive = func([]byte, bool) { time.Sleep(tt.takes) }
				go func() { // ends when the bytes are taken
					defer close(done)
					_ = c.Deliver([]byte("x"), true)
				}()
				synctest.Wait()
				began := time.Now()
				asked := false
				h.taken = func() {
					asked = true
					if !c.Receiving() {
						t.Error("bytes may come while the session changes its socket")
					}
				}
				c.Resume()
				p := newPlug(t, s, c)
				c.Lost(c.Carrier(), transports.ReasonLost)
				ok := p.attach()
				if took := time.Since(began).Truncate(100 * time.Millisecond); ok != tt.ok || asked != tt.ok || took != tt.took {
					t.Errorf("attached %v, the session was told %v, after %v", ok, asked, took)
				}
				if _, ended := p.rest(); ended == tt.ok {
					t.Errorf("the socket was closed: %v", ended)
				}
				if got := c.Resume(); got != 0 || c.Ended() {
					t.Errorf("the next one is answered %d, ended %v", got, c.Ended())
				}
				c.End(transports.ReasonDone)
				<-done
			})
		})
	}
}

// A goodbye that the session said while the socket was on its way in is over: the
// client would wait in vain.
func TestASocketBehindTheGoodbye(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, transports.Config{})
			c, h, _ := inherit(t, s)
			c.Resume()
			if lost {
				c.Lost(c.Carrier(), transports.ReasonLost)
			} else {
				former := newPlug(t, s, c)
				former.Start(h)
				c.Run(former.Stream)
			}
			h.gone.Store(true)
			p := newPlug(t, s, c)
			if !p.attach() {
				t.Fatalf("lost %v: the connection has ended", lost)
			}
			if got, ended := p.rest(); got != "bye done\n" || !ended {
				t.Errorf("lost %v: got %q, ended %v", lost, got, ended)
			}
			synctest.Wait()
			if !c.Ended() || h.Reason() != transports.ReasonDone {
				t.Errorf("lost %v: ended is %v, with %q", lost, c.Ended(), h.Reason())
			}
		})
	}
}

// A socket that comes in while the server stops does not wait for its turn to be
// closed, for which it may be late.
func TestASocketWhileTheServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		var late []*plug
		for range 2 {
			c, h, k := inherit(t, s)
			h.Goodbye = "goodbye"
			c.Lost(k, transports.ReasonLost)
			c.Resume()
			late = append(late, newPlug(t, s, c))
		}
		done := make(chan struct{})
		go func() { // ends with Shutdown
			defer close(done)
			s.Shutdown(context.WithoutCancel(t.Context()), 10*time.Second)
		}()
		time.Sleep(time.Second) // one of them has had its turn, and was ended
		attached := 0
		for _, p := range late {
			if !p.attach() {
				continue
			}
			attached++
			if got, ended := p.rest(); got != "goodbye\nbye drain\n" || !ended {
				t.Errorf("got %q, ended %v", got, ended)
			}
		}
		if attached != 1 {
			t.Errorf("%d got in, want the one whose turn is later", attached)
		}
		<-done
	})
}
