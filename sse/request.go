package sse

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hubline/transports"
)

// request is the carrier inside a request, for HTTP/2.
type request struct {
	wake    chan struct{}
	control *http.ResponseController
	timeout time.Duration // of one write

	ctx context.Context //nolint:containedctx // the request's own, ended by Abort
	end context.CancelFunc

	mu      sync.Mutex
	reason  transports.Reason
	writing bool // else the writer must not be touched: the handler may have returned
}

func (k *request) Wake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *request) Close(r transports.Reason) {
	k.mu.Lock()
	if k.reason == "" {
		k.reason = r
	}
	k.mu.Unlock()
	k.Wake()
}

func (k *request) Abort(r transports.Reason) {
	k.Close(r)
	k.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writing { // and perhaps stuck
		_ = k.control.SetWriteDeadline(time.Now())
	}
}

// begin bounds the write that follows, and reports false after Abort.
func (k *request) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		return false
	}
	k.writing = true
	_ = k.control.SetWriteDeadline(time.Now().Add(k.timeout))
	return true
}

// done takes the bound of begin back.
func (k *request) done() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writing = false
	_ = k.control.SetWriteDeadline(time.Time{})
}

// ending returns why the stream is to end, or nothing.
func (k *request) ending() transports.Reason {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reason
}

func serveRequest(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o Options) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	k := &request{
		wake: make(chan struct{}, 1), control: http.NewResponseController(w), timeout: s.SendTimeout(),
		ctx: ctx, end: cancel,
	}
	reason := transports.ReasonInternal // if something panics
	defer func() { c.End(reason) }()
	w.WriteHeader(http.StatusOK)
	c.Run(k)
	reason = k.loop(w, c.Session(), o)
}

// batches are shared: a stream keeps none while it waits.
var batches = sync.Pool{New: func() any { return transports.NewBatch(nil) }}

// endWait is how long a stream that is to end may go on with what waits.
const endWait = 5 * time.Second

// loop writes what waits, one flush for all of it, until either side ends.
func (k *request) loop(w http.ResponseWriter, session transports.Session, o Options) transports.Reason {
	head := first(o)
	var endBy time.Time
	for {
		r := k.ending() // before the filling, so that nothing is left behind
		if r != "" && endBy.IsZero() {
			endBy = time.Now().Add(endWait)
		}
		began := time.Now()
		more, err := k.write(w, head, session, framerOf(o))
		head = nil
		switch {
		case err != nil && k.ending() != "":
			return k.ending()
		case err != nil && time.Since(began) >= k.timeout:
			return transports.ReasonSlow
		case err != nil && k.ctx.Err() != nil:
			return transports.ReasonClientClosed
		case err != nil:
			return transports.ReasonLost
		case r != "" && (!more || !time.Now().Before(endBy)):
			return r
		case more:
			continue
		}
		select {
		case <-k.wake:
		case <-k.ctx.Done():
			if r := k.ending(); r != "" {
				return r
			}
			return transports.ReasonClientClosed
		}
	}
}

// write writes head and what waits.
func (k *request) write(w http.ResponseWriter, head []byte, session transports.Session, f transports.Framer) (more bool, err error) {
	b := batches.Get().(*transports.Batch)
	defer batches.Put(b)
	b.Reset(f)
	b.Buf = append(b.Buf, head...)
	more = session.Fill(b)
	if len(b.Buf) == 0 {
		return more, nil
	}
	if !k.begin() {
		return false, context.Canceled
	}
	defer k.done()
	if _, err := w.Write(b.Buf); err != nil {
		return false, err
	}
	return more, k.control.Flush()
}
