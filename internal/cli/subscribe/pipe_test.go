package subscribe

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// bufferedConn is an end of a [net.Pipe] with a send buffer, as sockets have
// one: with none, two peers that write at the same time wait for each other.
type bufferedConn struct {
	net.Conn
	out    chan []byte
	closed chan struct{}
	close  sync.Once
}

// newPipe returns the two ends of a connection in memory.
func newPipe() (a, b net.Conn) {
	x, y := net.Pipe()
	return newBufferedConn(x), newBufferedConn(y)
}

func newBufferedConn(conn net.Conn) *bufferedConn {
	c := &bufferedConn{Conn: conn, out: make(chan []byte, 1024), closed: make(chan struct{})}
	go c.send() // ends after Close or when the peer has closed
	return c
}

func (c *bufferedConn) Write(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	case c.out <- bytes.Clone(p):
		return len(p), nil
	}
}

// Close lets what has been written still arrive, as a socket does.
func (c *bufferedConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

func (c *bufferedConn) send() {
	defer c.Conn.Close()
	defer c.Close()
	for {
		select {
		case p := <-c.out:
			if _, err := c.Conn.Write(p); err != nil {
				return
			}
		case <-c.closed:
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			for {
				select {
				case p := <-c.out:
					if _, err := c.Conn.Write(p); err != nil {
						return
					}
				default:
					return
				}
			}
		}
	}
}
