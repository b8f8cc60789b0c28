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
	err   syscall.Errno
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
	if err == syscall.EAGAIN { //nolint:errorlint // a bare errno
		return false
	}
	w.err, _ = err.(syscall.Errno) //nolint:errorlint // a bare errno
	return true
}

// Bound reports whether Wait may be called.
func (w *Waiter) Bound() bool { return w.raw != nil }

// Wait returns when the socket has something to read, its end included, or has
// failed. It returns an error that the system tells only once, such as a reset
// by the peer; others show in the read that follows.
func (w *Waiter) Wait() error {
	w.asked, w.err = false, 0
	_ = w.raw.Read(w.ready)
	if w.err != 0 {
		return w.err
	}
	return nil
}
