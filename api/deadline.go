package api

import (
	"net/http"
	"time"
)

// streamPiece is how much of an answer, in bytes, must be taken within one send
// timeout.
const streamPiece = 64 << 10

// stream is the writer of an HTTP/2 request. Its peer can stop taking one answer
// while the socket, whose writes have deadlines of their own, goes on: so every
// write to the stream needs one too. Over HTTP/1 there is no such thing.
type stream struct {
	http.ResponseWriter

	control *http.ResponseController
	timeout time.Duration
}

func newStream(w http.ResponseWriter, timeout time.Duration) *stream {
	return &stream{w, http.NewResponseController(w), timeout}
}

// push bounds what follows, up to the sending of what is buffered when the
// handler returns.
func (s *stream) push() { _ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) }

// WriteHeader implements http.ResponseWriter.
func (s *stream) WriteHeader(status int) {
	s.push()
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *stream) Write(p []byte) (n int, err error) {
	for {
		s.push()
		k, err := s.ResponseWriter.Write(p[:min(len(p), streamPiece)])
		n += k
		if p = p[k:]; err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// Unwrap is for http.ResponseController: flushing and deadlines are the server's.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }
