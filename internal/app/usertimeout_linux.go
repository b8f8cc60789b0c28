package app

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// userTimeout has the kernel give a connection up when what was sent on it has
// not been acknowledged for so long (RFC 5482, TCP_USER_TIMEOUT). Accepted sockets
// take it over from their listener. Without it a peer that vanished, and to which
// only small keep-alives are written, is held for about a quarter of an hour.
func userTimeout(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		}); e != nil {
			return e
		}
		return err
	}
}
