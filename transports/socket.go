package transports

import (
	"net"
	"syscall"
)

// unwrap returns the socket behind a wrapper that has nothing more to add.
func unwrap(nc net.Conn) net.Conn {
	if u, ok := nc.(interface{ Unwrap() net.Conn }); ok {
		return u.Unwrap()
	}
	return nc
}

// rawConn returns what lets us use the socket without blocking, or nil where
// bytes are not written as they are, as with TLS.
func rawConn(nc net.Conn) syscall.RawConn {
	sc, ok := nc.(syscall.Conn) // TLS is none
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// cut closes a socket without a goodbye. Closing a TLS connection would wait
// for a peer that takes nothing, to send it a last alert.
func cut(nc net.Conn) {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	_ = nc.Close()
}
