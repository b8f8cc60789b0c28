package websocket

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// Sizes of read buffers, in bytes. A connection that waits for its socket
// borrows one while there is something to read. One that has to wait inside the
// reader keeps its own, which is small, but large enough that gorilla takes it.
const (
	sharedBuffer = 4 << 10
	ownBuffer    = 512
)

// readers hold the buffers that are lent.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, sharedBuffer) }}

// socket is the connection as gorilla has it. Once upgraded it is for reading
// only: a frame of gorilla's, such as the answer to a broken one, would stand
// in the middle of what the stream is writing.
type socket struct {
	net.Conn
	upgraded bool
}

func (s *socket) Write(p []byte) (int, error) {
	if s.upgraded {
		return len(p), nil
	}
	return s.Conn.Write(p)
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	if s.upgraded {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// hijacker gives the upgrader the socket and the reader of k.
type hijacker struct {
	http.ResponseWriter
	k *conn
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil || rw.Reader.Buffered() > 0 { // too early: the upgrader refuses it
		return nc, rw, err
	}
	if u, ok := nc.(interface{ Unwrap() net.Conn }); ok {
		nc = u.Unwrap()
	}
	k := h.k
	k.socket.Conn, k.reader = nc, rw.Reader
	if !k.idle.Bind(nc) {
		k.reader = bufio.NewReaderSize(nil, ownBuffer)
	}
	return &k.socket, bufio.NewReadWriter(k.reader, rw.Writer), nil
}

// borrow gives the reader a buffer. gorilla holds on to the reader itself, so
// what is in it changes hands.
func (k *conn) borrow() {
	k.lender = readers.Get().(*bufio.Reader)
	*k.reader = *k.lender
	k.reader.Reset(&k.socket)
}

// giveBack leaves the reader without a buffer; nothing must be read from it
// until the next borrow. The first buffer was net/http's, and has no lender.
func (k *conn) giveBack() {
	k.reader.Reset(nil)
	if k.lender != nil {
		*k.lender = *k.reader
		readers.Put(k.lender)
		k.lender = nil
	}
	*k.reader = bufio.Reader{}
}
