// Package xtest holds what the tests of transports and of the carriers share:
// a check for leftover goroutines, and networks without and with a kernel.
package xtest

import (
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"hubline/internal/leaktest"
)

// Main runs the tests and fails if one leaves a goroutine behind.
func Main(m *testing.M) {
	if told := os.Getenv(clientEnv); told != "" {
		playCrowd(told)
		os.Exit(0)
	}
	leaktest.Main(m)
}

// Listener is a network in memory: what Dial returns is accepted. It works in a
// synctest bubble, where sockets of the system do not.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Listen returns a listener; the caller closes it.
func Listen() *Listener {
	return &Listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial returns the client's end of a new connection.
func (l *Listener) Dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (*Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// TCP returns the two ends of a connection over the loopback. Buffers, if
// positive, is the size in bytes asked for the socket buffers between them.
func TCP(t testing.TB, buffers int) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	d := net.Dialer{}
	c, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = c.(*net.TCPConn)
	if server, err = ln.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	if buffers > 0 {
		_ = server.SetWriteBuffer(buffers)
		_ = client.SetReadBuffer(buffers)
	}
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return server, client
}

// Wait receives from c or fails the test when nothing comes for long.
func Wait[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	select {
	case v := <-c:
		return v
	case <-late.C:
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// Until returns when ok does, or fails the test when it does not for long. It is
// for what nobody tells of.
func Until(t testing.TB, ok func() bool, what string) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(late) {
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
