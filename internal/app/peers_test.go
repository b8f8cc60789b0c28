package app

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// crowd is a listener to which anybody comes.
type crowd struct {
	net.Listener
	come chan net.Conn
}

func (c *crowd) Accept() (net.Conn, error) {
	nc, ok := <-c.come
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}

// visitor is a socket of that address, which tells when it is closed.
type visitor struct {
	net.Conn
	addr   net.Addr
	closed bool
}

func (v *visitor) RemoteAddr() net.Addr { return v.addr }
func (v *visitor) Close() error         { v.closed = true; return nil }

func TestSocketsOfAnAddressAreBounded(t *testing.T) {
	c := &crowd{come: make(chan net.Conn, 2)}
	l := newSockets(c, 100, time.Second).perIP(2, []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")})
	// One that is refused is followed by one that is not: Accept returns the latter.
	accept := func(from string) *socket {
		t.Helper()
		v := &visitor{addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
		c.come <- v
		last := &visitor{addr: &net.UnixAddr{Name: "last"}}
		c.come <- last
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s := nc.(*socket)
		if s.Conn == last {
			if !v.closed {
				t.Errorf("%s is refused and not closed", from)
			}
			_ = s.Close()
			return nil
		}
		nc, _ = l.Accept()
		_ = nc.Close()
		return s
	}
	one, two := accept("[2001:db8::1]:1"), accept("[2001:db8::2]:1")
	if one == nil || two == nil {
		t.Fatal("at the limit")
	}
	if accept("[2001:db8::3]:1") != nil {
		t.Error("one above, of the same /64")
	}
	if accept("[2001:db8:0:1::1]:1") == nil {
		t.Error("another network is refused")
	}
	for range 5 {
		if accept("10.1.2.3:80") == nil {
			t.Fatal("a trusted proxy is refused")
		}
	}
	if accept("192.0.2.1:1") == nil || accept("[::ffff:192.0.2.1]:1") == nil || accept("192.0.2.1:2") != nil {
		t.Error("an address in two forms is not one")
	}
	if got := l.peers.refused.Load(); got != 2 {
		t.Errorf("%d counted, want 2", got)
	}
	// One that has become a connection does not count, until it gives the socket back.
	serve(one, false)
	three := accept("[2001:db8::3]:1")
	if three == nil {
		t.Fatal("a connection takes a place")
	}
	one.Released() // its poll has been answered
	serve(one, true)
	_ = three.Close()
	if accept("[2001:db8::4]:1") != nil {
		t.Error("a socket that was given back takes no place")
	}
	for range 2 { // twice, and still one place
		_ = one.Close()
	}
	serve(one, true) // too late
	if accept("[2001:db8::4]:1") == nil || accept("[2001:db8::5]:1") != nil {
		t.Error("a socket that was closed has not left exactly one place")
	}
	if n := l.peers.n[netip.MustParseAddr("2001:db8::")]; n != 2 {
		t.Errorf("%d are counted, want 2", n)
	}
}

func TestNoBoundOnTheSocketsOfAnAddress(t *testing.T) {
	l := newSockets(nil, 1, time.Second).perIP(0, nil)
	v := &visitor{addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1"))}
	for range 10 {
		if !l.peers.enter(l.peers.of(v)) {
			t.Fatal("refused")
		}
	}
	if len(l.peers.n) != 0 {
		t.Error("something is counted")
	}
}
