package signalr

import (
	"context"
	"net/http"
	"time"
)

// more is what only some connections have, so that the others are smaller.
// identity does not change; Session.mu guards the rest.
type more struct {
	request  *http.Request
	identity any
	items    map[any]any

	changed chan struct{} // closed at the next change that somebody waits for

	ctx    context.Context // ends with the connection; nil until somebody wants it
	cancel context.CancelFunc

	stage stage
	why   error // for OnDisconnected
}

func (s *Session) moreLocked() *more {
	if s.more == nil {
		s.more = &more{}
	}
	return s.more
}

// context returns the context that ends with the connection.
func (s *Session) context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contextLocked()
}

func (s *Session) contextLocked() context.Context {
	x := s.moreLocked()
	if x.ctx == nil {
		x.ctx, x.cancel = context.WithCancel(context.Background())
		if s.over {
			x.cancel()
		}
	}
	return x.ctx
}

// keep copies what hub methods may want to see of a request, so that neither
// its body nor its context is held.
func keep(r *http.Request) *http.Request {
	if r == nil {
		return nil
	}
	return &http.Request{
		Method: r.Method, URL: r.URL, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: r.Header, Host: r.Host, RemoteAddr: r.RemoteAddr, RequestURI: r.RequestURI, TLS: r.TLS, Pattern: r.Pattern,
		Body: http.NoBody,
	}
}

// Requested implements transports.Requested: methods see the request of the present
// socket.
func (s *Session) Requested(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.more; x != nil && x.request != nil {
		x.request = keep(r)
	}
}

// awaitTimeLocked is awaitLocked with a limit; 0: none.
func (s *Session) awaitTimeLocked(ready func() bool, limit time.Duration) bool {
	if limit == 0 {
		return s.awaitLocked(ready, nil)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return s.awaitLocked(ready, ctx.Done())
}
