package transports

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"hubline/transports/xtest"
)

// waiting starts a Wait on server and returns what tells its end.
func waiting(t *testing.T, server net.Conn) (<-chan struct{}, *Waiter) {
	t.Helper()
	w := &Waiter{}
	if w.Bound() || !w.Bind(server) || !w.Bound() {
		t.Fatal("the socket was not bound")
	}
	done := make(chan struct{})
	go func() { // ends with Wait
		defer close(done)
		_ = w.Wait()
	}()
	return done, w
}

func TestWaiterReturnsWhen(t *testing.T) {
	tests := []struct {
		name  string
		early func(server, client *net.TCPConn) // before Wait
		then  func(server, client *net.TCPConn)
		want  error // of the read that follows
	}{
		{"bytes are there", func(_, client *net.TCPConn) { _, _ = client.Write([]byte("x")) }, nil, nil},
		{"bytes come", nil, func(_, client *net.TCPConn) { _, _ = client.Write([]byte("x")) }, nil},
		{"the peer has closed", func(_, client *net.TCPConn) { _ = client.Close() }, nil, io.EOF},
		{"the peer closes", nil, func(_, client *net.TCPConn) { _ = client.CloseWrite() }, io.EOF},
		{"the socket was closed", func(server, _ *net.TCPConn) { _ = server.Close() }, nil, net.ErrClosed},
		{"the socket is closed", nil, func(server, _ *net.TCPConn) { _ = server.Close() }, net.ErrClosed},
		{"a deadline has passed", func(server, _ *net.TCPConn) { _ = server.SetReadDeadline(time.Unix(1, 0)) }, nil, os.ErrDeadlineExceeded},
		{"a deadline is set", nil, func(server, _ *net.TCPConn) { _ = server.SetReadDeadline(time.Now()) }, os.ErrDeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client := xtest.TCP(t, 0)
			if tt.early != nil {
				tt.early(server, client)
			}
			done, _ := waiting(t, server)
			if tt.then != nil {
				tt.then(server, client)
			}
			xtest.Wait(t, done, "Wait")
			if _, err := server.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
				t.Errorf("Read says %v, want %v", err, tt.want)
			}
		})
	}
}

// Wait leaves the bytes where they are, and serves again and again.
func TestWaiterTakesNothing(t *testing.T) {
	server, client := xtest.TCP(t, 0)
	w := &Waiter{}
	w.Bind(server)
	for i := range 1000 {
		want := byte(i)
		go func() { _, _ = client.Write([]byte{want}) }() // ends with the write
		_, _ = w.Wait(), w.Wait()                         // they are still there
		var b [2]byte
		if n, err := server.Read(b[:]); n != 1 || b[0] != want || err != nil {
			t.Fatalf("read %d bytes, %v, %v; want %v", n, b, err, want)
		}
	}
}

// wrapped is a socket behind a wrapper that has nothing to add.
type wrapped struct{ net.Conn }

func (w wrapped) Unwrap() net.Conn { return w.Conn }

func TestWaiterBindsSocketsOnly(t *testing.T) {
	server, _ := xtest.TCP(t, 0)
	pipe, other := net.Pipe()
	_ = other.Close()
	closed, _ := xtest.TCP(t, 0)
	_ = closed.Close()
	for _, tt := range []struct {
		name string
		nc   net.Conn
		want bool
	}{
		{"socket", server, true},
		{"behind a wrapper", wrapped{server}, true},
		{"TLS", tls.Server(server, &tls.Config{MinVersion: tls.VersionTLS12}), false},
		{"pipe", pipe, false},
	} {
		if got := new(Waiter).Bind(tt.nc); got != tt.want {
			t.Errorf("%s: Bind = %v, want %v", tt.name, got, tt.want)
		}
	}
	w := &Waiter{}
	w.Bind(closed)
	_ = w.Wait() // does not hang
}

// A reset is told, whether it came before the wait or ends it.
func TestWaiterTellsOfAReset(t *testing.T) {
	for range 200 {
		server, client := xtest.TCP(t, 0)
		w := &Waiter{}
		w.Bind(server)
		_ = client.SetLinger(0)
		done := make(chan struct{})
		go func() { // ends with Close
			defer close(done)
			_ = client.Close()
		}()
		err := w.Wait()
		if err == nil {
			_, err = server.Read(make([]byte, 1))
		}
		<-done
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v", err)
		}
	}
}
