package sse

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"hubline/transports"
)

// socket is the carrier on a socket that was taken over.
type socket struct {
	transports.Framer
	head []byte // status line, headers and first bytes; gone after the first write
}

func (k *socket) Urgent(dst []byte) []byte {
	dst = append(dst, k.head...)
	k.head = nil
	return dst
}

func (*socket) Farewell(dst []byte, _ transports.Reason) []byte { return dst }
func (*socket) Finished() bool                                  { return false }

// appendHead appends the status line and the header of the response. The end of
// the connection is the end of the body, in HTTP/1.0 and 1.1 alike (RFC 9112,
// section 6.3): no chunk headers between events.
func appendHead(b []byte, h http.Header) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	buf := bytes.NewBuffer(append(b, "\r\n"...))
	_ = h.Write(buf) // CORS and the like too; it leaves no line end in a value
	buf.WriteString("\r\n")
	return buf.Bytes()
}

func serveSocket(s *transports.Server, nc net.Conn, c *transports.Connection, head []byte, f transports.Framer) {
	stream := transports.NewStream(nc, &socket{Framer: f, head: head}, s.Writers(), s.SendTimeout())
	c.Run(stream)
	stream.Start(c.Session())
	idle := new(transports.Waiter)
	if !idle.Bind(nc) {
		// Ends when the socket is closed, by either side.
		s.Go(func() { watch(nc, stream, c, nil) })
		return
	}
	// The same, with nothing else on the stack while it waits.
	s.Go(func() {
		err := idle.Wait()
		watch(nc, stream, c, err)
	})
}

// maxUpstream is how many bytes a client may send behind its request before it
// is taken for a broken or hostile one.
const maxUpstream = 4 << 10

// watch waits for the client to go, unless err tells that it has. What it may
// send is dropped: nothing can follow a request whose answer does not end.
func watch(nc net.Conn, stream *transports.Stream, c *transports.Connection, err error) {
	if err == nil {
		_, err = io.CopyN(io.Discard, nc, maxUpstream)
	}
	r, ours := stream.Reason()
	switch {
	case ours:
	case err == nil:
		r = transports.ReasonTooLarge
	case errors.Is(err, io.EOF):
		r = transports.ReasonClientClosed
	default:
		r = transports.ReasonLost
	}
	stream.Abort(r)
	c.End(r)
}
