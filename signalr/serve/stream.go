package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"hubline/transports"
)

// maxHeld bounds, in bytes, what waits in a Stream each way before the other side
// has to wait. One piece always has room.
const maxHeld = 64 << 10

// Stream is a connection without a hub: bytes both ways, in order, over any
// transport. Bytes from the client come in any chunking; each Write reaches it
// as one message. It is safe for concurrent use, with one reader at a time.
type Stream struct {
	conn     transports.Conn
	user     string
	identity any
	request  *http.Request
	ctx      context.Context
	cancel   context.CancelFunc

	mu      sync.Mutex
	changed *sync.Cond
	in      []byte
	out     []message
	waiting int // bytes in out
	over    bool
}

type message struct {
	bytes  []byte
	binary bool
}

// HandleStream serves connections without a hub at a path: f runs for each. The
// connection ends when f returns, and ctx and the stream end with the connection.
func (s *Server) HandleStream(path string, f func(ctx context.Context, c *Stream), o Options) {
	o.raw = true
	s.mount(path, o, func(conn *transports.Connection, r *http.Request) (transports.Session, error) {
		c := &Stream{conn: conn, user: conn.User, identity: conn.Identity, request: r}
		c.changed = sync.NewCond(&c.mu)
		c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
		// Ends when f returns, which it has to when its context ends.
		s.raw.Go(func() {
			reason := transports.ReasonDone
			defer func() {
				if p := recover(); p != nil { // as net/http does it for handlers
					reason = transports.ReasonInternal
					slog.Error("stream handler panicked", slog.String("path", path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				}
				c.end() // nobody reads any more
				c.conn.Close(reason)
			}()
			f(c.ctx, c)
		})
		return c, nil
	})
}

// ConnectionID is the public name of the connection.
func (c *Stream) ConnectionID() string { return c.conn.ConnectionID() }

// User is who the connection belongs to.
func (c *Stream) User() string { return c.user }

// Identity is what Options.Authenticate found.
func (c *Stream) Identity() any { return c.identity }

// Request is the request that opened the connection. Its body is not to be used.
func (c *Stream) Request() *http.Request { return c.request }

// Transport is the carrier in use.
func (c *Stream) Transport() transports.Transport { return c.conn.Transport() }

// Close ends the connection when what was written has been sent.
func (c *Stream) Close() error {
	c.end()
	c.conn.Close(transports.ReasonDone)
	return nil
}

// Read implements io.Reader. At the end of the connection it returns io.EOF,
// after all bytes that have come.
func (c *Stream) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) == 0 && !c.over {
		c.changed.Wait()
	}
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	if len(c.in) == 0 {
		c.in = nil
	}
	c.changed.Broadcast()
	return n, nil
}

// Write sends p as one text message. It waits while the client is behind.
func (c *Stream) Write(p []byte) (int, error) { return c.write(p, false) }

// ErrNoBinary is returned for bytes on Server-Sent Events, which carry text only.
var ErrNoBinary = errors.New("serve: the transport carries text only")

// WriteBinary sends p as one binary message.
func (c *Stream) WriteBinary(p []byte) (int, error) {
	if !c.conn.Transport().Binary() {
		return 0, ErrNoBinary
	}
	return c.write(p, true)
}

func (c *Stream) write(p []byte, binary bool) (int, error) {
	c.mu.Lock()
	for c.waiting > 0 && c.waiting+len(p) > maxHeld && !c.over {
		c.changed.Wait()
	}
	if c.over {
		c.mu.Unlock()
		return 0, transports.ErrEnded
	}
	c.out = append(c.out, message{append([]byte(nil), p...), binary})
	c.waiting += len(p)
	c.mu.Unlock()
	c.conn.Wake()
	return len(p), nil
}

// Fill implements transports.Session.
func (c *Stream) Fill(b *transports.Batch) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 && !b.Full() {
		m := c.out[0]
		c.out[0] = message{}
		c.out = c.out[1:]
		c.waiting -= len(m.bytes)
		b.Begin(transports.Meta{Binary: m.binary})
		b.Buf = append(b.Buf, m.bytes...)
		b.End()
	}
	c.changed.Broadcast()
	return len(c.out) > 0
}

// Receive implements transports.Session. It waits while the reader is behind.
func (c *Stream) Receive(p []byte, _ bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) > 0 && len(c.in)+len(p) > maxHeld && !c.over {
		c.changed.Wait()
	}
	if c.over {
		return transports.ErrEnded
	}
	c.in = append(c.in, p...)
	c.changed.Broadcast()
	return nil
}

// Tick implements transports.Session: there are no timers.
func (c *Stream) Tick(time.Time) time.Time { return time.Time{} }

// Leave implements transports.Session.
func (c *Stream) Leave(r transports.Reason) {
	c.end()
	c.conn.Close(r)
}

// Interrupt implements transports.Interrupter.
func (c *Stream) Interrupt() { c.end() }

// Closed implements transports.Session.
func (c *Stream) Closed(transports.Reason) { c.end() }

// end lets go whoever waits. What was written before is still sent.
func (c *Stream) end() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.changed.Broadcast()
}
