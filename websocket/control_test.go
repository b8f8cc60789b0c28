package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

func TestPing(t *testing.T) {
	g := newRig(t, transports.Config{})
	p := g.dial(g.tcp())
	for _, payload := range []string{"", "a", strings.Repeat("x", 125), "\x00\xff"} {
		p.write(masked(finPing, payload, 0))
		p.want(10, payload)
	}
	p.write(masked(1, "a", 0) + masked(finPing, "between", 0))
	p.want(10, "between")
	p.write(masked(0x80, "b", 0) + masked(finPong, "unasked", 0) + masked(finPing, "", 0))
	p.want(10, "")
	if got, n := p.d.Got(); got != "ab" || n != 1 {
		t.Errorf("session got %q in %d messages", got, n)
	}
}

// A flood of pings from a client that reads no pongs costs one pong's memory.
func TestPingFlood(t *testing.T) {
	g := newRig(t, transports.Config{SendTimeout: time.Minute})
	p := g.dial(g.tcp())
	const n = 200_000
	go func() { // ends with the socket
		var b strings.Builder
		for i := range n {
			b.WriteString(masked(finPing, fmt.Sprint(i), 0))
		}
		_, _ = io.WriteString(p, b.String()+text("done"))
	}()
	for got := ""; got != "done"; got, _ = p.d.Got() {
		xtest.Wait(t, p.d.Arrived(), "the end of the flood")
	}
	count := 0
	for last := ""; last != fmt.Sprint(n-1); count++ {
		f := p.next()
		if f.op != 10 {
			t.Fatalf("got frame %d", f.op)
		}
		last = f.payload
	}
	if count == n {
		t.Error("every ping was answered")
	}
}

// The client says goodbye: the answer is the last that it gets, and the server
// closes the socket.
func TestClientCloses(t *testing.T) {
	tests := []struct {
		name, frame  string
		native, hubs string // the answer
	}{
		{"without a code", masked(finClose, "", 0), closePayload(1000, ""), closePayload(1000, "")},
		{"normally", closeFrame(1000, ""), closePayload(1000, ""), closePayload(1000, "")},
		{"going away", closeFrame(1001, "bye"), closePayload(1001, "bye"), closePayload(1000, "")},
		{"with a code of its own", closeFrame(4000, "x"), closePayload(4000, "x"), closePayload(1000, "")},
	}
	for _, tt := range tests {
		for _, hub := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " hub ", hub), func(t *testing.T) {
				want := tt.native
				if hub {
					want = tt.hubs
				}
				g := newRig(t, transports.Config{})
				g.options.NormalClose = hub
				for _, p := range []*peer{g.dial(g.tcp()), g.pipe()} {
					p.d.Push("waits")
					p.want(1, "waits")
					p.write(tt.frame)
					p.want(8, want)
					p.wantEnd(transports.ReasonClientClosed)
				}
			})
		}
	}
}

// Even when the client's close frame comes in one piece with the last messages,
// and messages for it wait, all is served first.
func TestClientClosesBehindMessages(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = func(d *dialect.Session) {
		d.OnReceive = func(p []byte, _ bool) { d.Push("re " + string(p)) }
	}
	addr := g.tcp()
	for range 200 {
		p := g.dial(addr)
		p.write(text("a") + text("b") + closeFrame(1000, ""))
		p.want(1, "re a")
		p.want(1, "re b")
		p.want(8, closePayload(1000, ""))
		p.wantEnd(transports.ReasonClientClosed)
	}
}

func TestServerCloses(t *testing.T) {
	tests := []struct {
		reason transports.Reason
		native string
		raw    string // with NormalClose and TellFault
	}{
		{transports.ReasonDone, closePayload(1000, ""), closePayload(1000, "")},
		{transports.ReasonDrain, closePayload(1012, "drain"), closePayload(1000, "")},
		{transports.ReasonExpired, closePayload(4401, string(transports.ReasonExpired)), closePayload(1000, "")},
		{transports.ReasonRevoked, closePayload(1008, "revoked"), closePayload(1000, "")},
		{transports.ReasonTooLarge, closePayload(1009, "too_large"), closePayload(1000, "")},
		{transports.ReasonProtocolError, closePayload(1002, "protocol_error"), closePayload(1000, "")},
		{transports.ReasonInternal, closePayload(1011, "internal"), closePayload(1011, "")},
	}
	for _, tt := range tests {
		for o, want := range map[Options]string{
			{}:                                   tt.native,
			{NormalClose: true}:                  closePayload(1000, ""),
			{NormalClose: true, TellFault: true}: tt.raw,
		} {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, transports.Config{})
				g.options = o
				p := g.pipe()
				began := time.Now()
				p.d.Push("last")
				p.d.Conn.Close(tt.reason)
				p.d.Push("too late")
				p.want(1, "last")
				if f := p.next(); f.op == 1 { // it may have been in time
					p.want(8, want)
				} else if f.op != 8 || f.payload != want {
					t.Errorf("%s: got frame %d %q, want %q", tt.reason, f.op, f.payload, want)
				}
				p.write(text("still talking") + closeFrame(1000, ""))
				p.wantEnd(tt.reason)
				if got := time.Since(began); got != 0 {
					t.Errorf("%s: the socket was closed %v after both had said goodbye", tt.reason, got)
				}
			})
		}
	}
}

func TestServerClosesAndThePeer(t *testing.T) {
	tests := []struct {
		name string
		then func(p *peer)
		took time.Duration
	}{
		{"is silent", func(*peer) {}, 5 * time.Second},
		{"talks on", func(p *peer) {
			for {
				if _, err := io.WriteString(p, text("blah")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, 5 * time.Second},
		{"answers late", func(p *peer) {
			time.Sleep(4 * time.Second)
			_, _ = io.WriteString(p, closeFrame(1000, ""))
		}, 4 * time.Second},
		{"hangs up", func(p *peer) {
			time.Sleep(time.Second)
			_ = p.Close()
		}, time.Second},
		{"answers nonsense", func(p *peer) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(p, "\xff\xff\xff\xff\xff\xff")
		}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, transports.Config{})
				p := g.pipe()
				p.d.Conn.Close(transports.ReasonDrain)
				p.want(8, closePayload(1012, "drain"))
				began := time.Now()
				var peer sync.WaitGroup
				peer.Go(func() { tt.then(p) }) // ends with the socket
				<-p.d.Over
				if got := time.Since(began).Truncate(time.Millisecond); got != tt.took {
					t.Errorf("the session ended after %v, want %v", got, tt.took)
				}
				if got := p.d.Reason(); got != transports.ReasonDrain {
					t.Errorf("reason = %q", got)
				}
				peer.Wait()
			})
		})
	}
}

func TestClientGoes(t *testing.T) {
	g := newRig(t, transports.Config{})
	addr := g.tcp()
	for _, tt := range []struct {
		name string
		go_  func(p *peer)
	}{
		{"closes its socket", func(p *peer) { _ = p.Close() }},
		{"resets it", func(p *peer) {
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
			_ = p.Close()
		}},
		{"in the middle of a header", func(p *peer) {
			p.write("\x81")
			_ = p.Close()
		}},
		{"in the middle of a ping", func(p *peer) {
			p.write(masked(finPing, "abc", 0)[:7])
			_ = p.Close()
		}},
		{"in the middle of a message", func(p *peer) {
			p.write(text(strings.Repeat("x", 10_000))[:5000])
			_ = p.Close()
		}},
		{"between fragments", func(p *peer) {
			p.write(masked(1, "x", 0))
			_ = p.Close()
		}},
	} {
		p := g.dial(addr)
		tt.go_(p)
		xtest.Wait(t, p.d.Over, "the session's end: "+tt.name)
		if got, _ := p.d.Got(); p.d.Reason() != transports.ReasonLost || len(got) > 4096 {
			t.Errorf("%s: session ended with %q", tt.name, p.d.Reason())
		}
		if _, n := p.d.Got(); n != 0 {
			t.Errorf("%s: half a message was taken for one", tt.name)
		}
	}
}

func TestSlowClient(t *testing.T) {
	g := newRig(t, transports.Config{SendTimeout: 50 * time.Millisecond})
	p := g.dial(g.tcp())
	big := strings.Repeat("x", 1<<20)
	for range 20 {
		p.d.Push(big)
	}
	xtest.Wait(t, p.d.Over, "the session's end")
	if got := p.d.Reason(); got != transports.ReasonSlow {
		t.Errorf("session ended with %q", got)
	}
}

func TestAbort(t *testing.T) {
	g := newRig(t, transports.Config{})
	for _, p := range []*peer{g.dial(g.tcp()), g.pipe()} {
		p.d.Conn.Abort(transports.ReasonTimeout)
		if _, err := readFrame(p.r); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after Abort: %v", err)
		}
		p.wantEnd(transports.ReasonTimeout)
	}
}

func TestShutdownTellsWebSockets(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = func(d *dialect.Session) { d.Goodbye = "goodbye" }
	addr := g.tcp()
	var peers []*peer
	for range 50 {
		peers = append(peers, g.dial(addr))
	}
	done := make(chan struct{})
	go func() { // ends with Shutdown
		defer close(done)
		g.server.Shutdown(t.Context(), 50*time.Millisecond)
	}()
	for _, p := range peers {
		p.want(1, "goodbye")
		p.want(8, closePayload(1012, "drain"))
		p.write(closeFrame(1000, ""))
		p.wantEnd(transports.ReasonDrain)
	}
	xtest.Wait(t, done, "Shutdown")
}
