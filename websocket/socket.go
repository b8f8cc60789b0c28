package websocket

import (
	"bufio"
	"net"
	"net/http"
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
