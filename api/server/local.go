package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
)

// local is an http.RoundTripper that has a handler of this process answer. Answers are
// whole when they are returned, so it is for requests whose answer ends. It is safe for
// concurrent use.
type local struct {
	handler http.Handler

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var errStopped = fmt.Errorf("the server has been shut down: %w", http.ErrServerClosed)

// RoundTrip implements http.RoundTripper. When the request's context ends it returns,
// as over a network; the handler may go on.
func (l *local) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = body.Close()
		return nil, errStopped
	}
	l.running.Add(1)
	l.mu.Unlock()

	in := r.Clone(r.Context())
	in.Body, in.RequestURI = body, r.URL.RequestURI()
	maps.DeleteFunc(in.Header, func(_ string, v []string) bool { return len(v) == 0 }) // as on a wire
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	w := &answer{header: http.Header{}}
	done := make(chan error, 1)
	go func() { // ends with the handler; wait waits for it
		defer l.running.Done()
		done <- serve(l.handler, w, in)
		_ = body.Close()
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return w.response(r), nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// serve calls the handler. A panic is the answer's end, as in an http.Server.
func serve(h http.Handler, w *answer, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// wait refuses further requests and waits for those under way.
func (l *local) wait(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the requests
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // what is below is only news of an answer
		a.status, a.sent = status, a.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) response(r *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: r,
	}
}
