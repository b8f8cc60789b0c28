package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// body is what a request has brought, in pooled memory. An answer may be laid
// into it once nothing of the request is needed any more.
type body struct{ b []byte }

var bodies = sync.Pool{New: func() any { return &body{b: make([]byte, 0, 4<<10)} }}

// keptBody is the largest buffer that goes back to the pool.
const keptBody = 64 << 10

// free gives the memory back. Nothing may refer to it any more.
func (b *body) free() {
	if cap(b.b) <= keptBody {
		bodies.Put(b)
	}
}

// readBody reads a body of at most limit bytes. The caller frees it. Errors are
// problems or *http.MaxBytesError.
func readBody(r *http.Request, limit int64) (*body, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	b := bodies.Get().(*body)
	b.b = b.b[:0]
	if r.Body == nil {
		return b, nil
	}
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := r.Body.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		switch {
		case int64(len(b.b)) > limit: // a body of unannounced length
			err = &http.MaxBytesError{Limit: limit}
		case err == nil:
			continue
		case err == io.EOF: //nolint:errorlint // the reader's contract
			return b, nil
		default:
			err = bodyError(err)
		}
		b.free()
		return nil, err
	}
}

// bodyError tells why a body did not arrive.
func bodyError(err error) error {
	switch {
	case errors.Is(err, errTooMuch):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem("body-timeout", "Send it faster, or in smaller pieces.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("The body ended before its announced length.")
	}
	return badRequest("The body could not be read: its framing is broken, or the connection is.")
}

// limitBody bounds how long the body may take to arrive, for every handler, and
// for what the HTTP server itself reads and drops of a body that no handler
// wanted, and counts what is read of it. The caller releases what it returns, if
// it is not nil.
//
// The deadline is on the connection and must end with the body: beyond, the server
// watches the connection for the client's leaving, and if that read ran into the
// deadline, all later requests on it would be born cancelled.
func (a *API) limitBody(w http.ResponseWriter, r *http.Request) *limitedBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &limitedBody{ReadCloser: r.Body, deadline: *http.NewResponseController(w), room: &a.bodies, done: true}
	// Where it cannot be set (in tests without a connection) there is nothing
	// to wait for; on a closed connection the read fails.
	if a.cfg.BodyTimeout > 0 && b.deadline.SetReadDeadline(time.Now().Add(a.cfg.BodyTimeout)) == nil {
		b.done = false
	}
	r.Body = b
	return b
}

// limitedBody counts what is read, and lifts the read deadline when the body has
// been read.
type limitedBody struct {
	io.ReadCloser
	deadline http.ResponseController
	done     bool // there is no deadline, or none any more
	room     *bodyRoom
	held     int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.held += int64(n)
		if !b.room.take(int64(n)) {
			return n, errTooMuch
		}
	}
	if err == io.EOF && !b.done { //nolint:errorlint // the reader's contract
		b.done = true
		_ = b.deadline.SetReadDeadline(time.Time{}) // fails on a closed connection only
	}
	return n, err
}

// release gives back the room of a body whose request has been answered.
func (b *limitedBody) release() { b.room.give(b.held) }
