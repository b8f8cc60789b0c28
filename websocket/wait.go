package websocket

import (
	"bufio"
	"net"
	"net/http"
	"syscall"
)

// counting is a socket that knows how many bytes have been read from it.
type counting struct {
	net.Conn
	read int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += int64(n)
	return n, err
}

// hijacker gives the upgrader a counting socket.
type hijacker struct {
	http.ResponseWriter
	socket *counting
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if u, ok := nc.(interface{ Unwrap() net.Conn }); ok {
		nc = u.Unwrap()
	}
	h.socket.Conn = nc
	return h.socket, rw, nil
}

// maskedHeader is the length of a client's frame header for a payload of n
// bytes (RFC 6455, section 5.2): the mask is always there.
func maskedHeader(n int) int {
	switch {
	case n <= maxControl:
		return 2 + 4
	case n < 1<<16:
		return 4 + 4
	}
	return 10 + 4
}

// waiter parks a reader until its socket has something, from a call chain so
// short that the goroutine's stack can shrink to its smallest size. Waiting
// inside gorilla's reader would keep twice as much for every idle connection.
type waiter struct {
	raw    syscall.RawConn // nil: not possible, as with TLS
	asked  bool
	ready  func(fd uintptr) bool
	parsed int64 // bytes of the frames that are known to have been consumed
}

func (w *waiter) init(nc net.Conn) {
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tc.SyscallConn()
	if err != nil {
		return
	}
	w.raw = raw
	w.ready = func(fd uintptr) bool {
		if w.asked {
			return true
		}
		w.asked = true
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN //nolint:errorlint // a bare errno
	}
}

// wait returns when the socket has something to read, or an error, which shows
// in the read that follows. It must not be called without raw.
func (w *waiter) wait() {
	w.asked = false
	_ = w.raw.Read(w.ready)
}

// empty reports that all bytes that were read from the socket have been
// consumed, so that nothing is left over in gorilla's buffer. parsed never
// counts more than was consumed, so it is sure when it says so.
func (w *waiter) empty(read int64) bool { return w.raw != nil && w.parsed == read }
