package transports

import (
	"net"
	"syscall"
)

// Waiter waits for a socket to have something to read, from a call chain so
// short that the waiting goroutine gets by with the smallest stack. Waiting
// inside a reader would cost every idle connection twice as much. It is for one
// goroutine at a time.
type Waiter struct {
	raw   syscall.RawConn
	asked bool
	ready func(fd uintptr) bool
}

// Bind sets the socket. It reports false where waiting is not possible without
// reading, as with TLS.
func (w *Waiter) Bind(nc net.Conn) bool {
	w.raw = rawConn(unwrap(nc))
	if w.raw == nil {
		return false
	}
	w.ready = w.readable
	return true
}

// readable is asked twice by RawConn.Read: it peeks the first time, since there
// may be something already; the second time there is.
func (w *Waiter) readable(fd uintptr) bool {
	if w.asked {
		return true
	}
	w.asked = true
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN //nolint:errorlint // a bare errno
}

// Bound reports whether Wait may be called.
func (w *Waiter) Bound() bool { return w.raw != nil }

// Wait returns when the socket has something to read, or has failed, which
// shows in the read that follows.
func (w *Waiter) Wait() {
	w.asked = false
	_ = w.raw.Read(w.ready)
}
