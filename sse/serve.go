package sse

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubline/transports"
)

// Options of one stream.
type Options struct {
	// Hub frames events as SignalR's clients want them.
	Hub bool
	// Pad sends a first comment of 2 KiB, for proxies and antivirus software
	// that hold back a response until so much of it has come.
	Pad bool
	// Retry is told to EventSource as the time to wait before it reconnects.
	// Zero says nothing. It is not sent with Hub.
	Retry time.Duration
}

const padding = 2 << 10

// IsRequest reports whether the Accept header names text/event-stream, without
// parameters, as SignalR's clients send it.
func IsRequest(r *http.Request) bool {
	for _, v := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// header is what keeps proxies from buffering, transforming or storing the
// stream: X-Accel-Buffering is nginx's, the rest is RFC 9111 and 9110.
func header(o Options) [][2]string {
	h := [][2]string{{"Content-Type", "text/event-stream"}}
	if o.Hub {
		// The spelling of ASP.NET Core.
		h = append(h, [2]string{"Cache-Control", "no-cache,no-store"})
	} else {
		h = append(h, [2]string{"Cache-Control", "no-cache, no-store, no-transform"})
	}
	return append(h,
		[2]string{"Pragma", "no-cache"},
		[2]string{"Content-Encoding", "identity"},
		[2]string{"X-Accel-Buffering", "no"})
}

// first is what leaves at once: browsers fire open only after some bytes.
func first(o Options) []byte {
	var b []byte
	switch {
	case o.Hub:
		b = append(b, ":\r\n"...)
	case o.Pad:
		b = append(b, ':')
		b = append(b, strings.Repeat(" ", padding-3)...)
		b = append(b, "\n\n"...)
	default:
		b = append(b, ":\n\n"...)
	}
	if o.Retry > 0 && !o.Hub {
		b = append(b, "retry: "...)
		b = strconv.AppendInt(b, o.Retry.Milliseconds(), 10)
		b = append(b, "\n\n"...)
	}
	return b
}

func framerOf(o Options) transports.Framer {
	if o.Hub {
		return hubFramer{}
	}
	return framer{}
}

// Serve answers the request with the events of c, whose session is bound. Over
// HTTP/1.x it returns at once and the stream goes on; else when it has ended.
func Serve(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o Options) {
	if r.ProtoMajor == 1 {
		if nc, _, err := http.NewResponseController(w).Hijack(); err == nil {
			serveSocket(s, w, nc, c, o)
			return
		}
	}
	serveRequest(s, w, r, c, o)
}

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

func serveSocket(s *transports.Server, w http.ResponseWriter, nc net.Conn, c *transports.Connection, o Options) {
	// The end of the connection is the end of the body, in HTTP/1.0 and 1.1
	// alike (RFC 9112, section 6.3): no chunk headers between events.
	head := []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n")
	for _, h := range header(o) {
		head = append(head, h[0]+": "+h[1]+"\r\n"...)
	}
	for name, values := range w.Header() { // CORS and the like
		for _, v := range values {
			head = append(head, name+": "+v+"\r\n"...)
		}
	}
	head = append(head, "\r\n"...)
	k := &socket{Framer: framerOf(o), head: append(head, first(o)...)}
	stream := transports.NewStream(nc, k, s.Writers(), s.SendTimeout())
	c.Run(stream)
	stream.Start(c.Session())
	// Ends when the socket is closed, by either side.
	s.Go(func() { watch(nc, stream, c) })
}

// watch waits for the client to go. What it may send is dropped: nothing can
// follow a request whose answer does not end.
func watch(nc net.Conn, stream *transports.Stream, c *transports.Connection) {
	var idle transports.Waiter
	if idle.Bind(nc) {
		idle.Wait()
	}
	_, err := io.CopyN(io.Discard, nc, maxUpstream)
	r, ours := stream.Reason()
	if !ours {
		r = transports.ReasonLost
		if errors.Is(err, io.EOF) {
			r = transports.ReasonClientClosed
		}
	}
	stream.Abort(r)
	c.End(r)
}

// maxUpstream is how many bytes a client may send behind its request before it
// is taken for a broken or hostile one.
const maxUpstream = 4 << 10

// request is the carrier inside a request, for HTTP/2.
type request struct {
	wake chan struct{}
	ctx  context.Context //nolint:containedctx // the request's own, ended by Abort
	end  context.CancelFunc

	mu     sync.Mutex
	reason transports.Reason
	closed bool
}

func (k *request) Wake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *request) Close(r transports.Reason) {
	k.mu.Lock()
	if !k.closed {
		k.closed, k.reason = true, r
	}
	k.mu.Unlock()
	k.Wake()
}

func (k *request) Abort(r transports.Reason) {
	k.Close(r)
	k.end()
}

func (k *request) ending() (transports.Reason, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reason, k.closed
}

func serveRequest(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o Options) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	k := &request{wake: make(chan struct{}, 1), ctx: ctx, end: cancel}
	for _, h := range header(o) {
		w.Header().Set(h[0], h[1])
	}
	w.WriteHeader(http.StatusOK)
	c.Run(k)
	reason := k.loop(s, w, c, o)
	c.End(reason)
}

// loop writes what waits, one flush for all of it, until either side ends.
func (k *request) loop(s *transports.Server, w http.ResponseWriter, c *transports.Connection, o Options) transports.Reason {
	rc := http.NewResponseController(w)
	session := c.Session()
	batch := transports.NewBatch(framerOf(o))
	batch.Buf = append(batch.Buf, first(o)...)
	for {
		more := session.Fill(batch)
		if len(batch.Buf) > 0 {
			_ = rc.SetWriteDeadline(time.Now().Add(s.SendTimeout()))
			if _, err := w.Write(batch.Buf); err != nil {
				return transports.ReasonLost
			}
			if err := rc.Flush(); err != nil {
				return transports.ReasonLost
			}
			_ = rc.SetWriteDeadline(time.Time{})
		}
		batch.Reset(framerOf(o))
		if more {
			continue
		}
		if r, ok := k.ending(); ok {
			return r
		}
		select {
		case <-k.wake:
		case <-k.ctx.Done():
			if r, ok := k.ending(); ok {
				return r
			}
			return transports.ReasonClientClosed
		}
	}
}
