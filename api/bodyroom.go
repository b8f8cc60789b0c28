package api

import (
	"net/http"
	"sync/atomic"
)

// bodyRoom counts the bytes of all bodies that are being received or worked on:
// each has its own bound, and there may be a great many. Its zero value has no
// limit.
type bodyRoom struct {
	limit   int64
	used    atomic.Int64
	refused atomic.Uint64
}

// take counts n more bytes, and reports whether there was room for them. They are
// given back either way.
func (r *bodyRoom) take(n int64) bool {
	if r.used.Add(n) <= r.limit || r.limit <= 0 {
		return true
	}
	r.refused.Add(1)
	return false
}

func (r *bodyRoom) give(n int64) { r.used.Add(-n) }

// tooMuch is the error of reading a body for which there is no room. It implements
// transports.StatusError.
type tooMuch struct{}

var errTooMuch error = tooMuch{}

func (tooMuch) Error() string { return "too much is being received" }
func (tooMuch) Status() int   { return http.StatusServiceUnavailable }
