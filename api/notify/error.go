package notify

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Kinds of errors on which callers branch, for [errors.Is].
var (
	// ErrInvalid: the call or the event is not as the API wants it. It is a mistake
	// in the program; nothing was done.
	ErrInvalid = errors.New("the request is not valid")
	// ErrUnauthorized: the API key is not accepted.
	ErrUnauthorized = errors.New("the API key is not accepted")
	// ErrForbidden: the API key lacks the scope, or a bound on memberships is reached.
	ErrForbidden = errors.New("forbidden")
	// ErrConflict: another event of other content had this ID.
	ErrConflict = errors.New("the ID was used for another event")
	// ErrTooLarge: the event is larger than the server takes (max-publish-bytes).
	ErrTooLarge = errors.New("the event is too large")
	// ErrRateLimited: the API key calls more often than it may (api-rate), and
	// went on to be refused. Nothing was done.
	ErrRateLimited = errors.New("too many requests")
	// ErrDiskFull: the server's disk is full. Nothing was published.
	ErrDiskFull = errors.New("the server's disk is full")
	// ErrUnavailable: nobody answered, or with an error that is not the caller's, as
	// often as it was tried. The same call may succeed later.
	ErrUnavailable = errors.New("the server is not available")
)

// Error is what a call returns when it has not succeeded. It unwraps to what ended
// the last try where the server did not answer (also the context's error), and is one
// of the kinds above.
type Error struct {
	// Op is the method that was called, such as "SendToUser".
	Op string
	// Type is the problem's type as the server sent it, "/problems/too-large" behind
	// its base path: stable, and the address of a page of the server that explains it.
	// Empty if the server did not answer, or something that is no Hubline did.
	Type string
	// Status is the HTTP status, or 0 without an answer.
	Status int
	// Title and Detail are for people. Detail says what to do.
	Title, Detail string
	// RetryAfter is how long the server asked to wait at last. Zero: it did not.
	RetryAfter time.Duration
	// Attempts is how many tries there were; 0 if the call was wrong by itself.
	Attempts int
	// Uncertain reports that what was asked for may have been done all the same: a
	// request was sent and its answer lost.
	Uncertain bool

	err   error // without an answer, or for a call that was wrong by itself
	wrong bool  // it was
}

// Error implements error. The text has no line breaks and no secrets.
func (e *Error) Error() string {
	text := e.Title
	switch {
	case text == "" && e.Status != 0:
		if text = http.StatusText(e.Status); text == "" {
			text = "an answer that means nothing here"
		}
	case text == "" && e.err != nil:
		text = e.err.Error()
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d)", e.Status)
		if e.err != nil {
			text += ": " + e.err.Error()
		}
	}
	if e.Attempts > 1 {
		text += fmt.Sprintf(", after %d attempts", e.Attempts)
	}
	return "notify: " + e.Op + ": " + printable(text)
}

// Unwrap returns what ended the last try without an answer, or nil.
func (e *Error) Unwrap() error { return e.err }

// Is tells of which kind the error is.
func (e *Error) Is(kind error) bool {
	switch kind {
	case ErrInvalid:
		return e.Status == http.StatusBadRequest || e.wrong
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrConflict:
		return e.Status == http.StatusUnprocessableEntity
	case ErrTooLarge:
		return e.Status == http.StatusRequestEntityTooLarge
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests
	case ErrDiskFull:
		return e.Status == http.StatusInsufficientStorage
	case ErrUnavailable:
		switch e.Status {
		case http.StatusTooManyRequests, http.StatusInsufficientStorage:
			return false
		case 0:
			return !e.wrong && !contextual(e.err)
		default:
			return temporary(e.Status)
		}
	default:
		return false
	}
}

// Problem is the last part of the type, such as "too-large" or "idempotency-conflict"
// (docs/problems.md lists them); empty without one.
func (e *Error) Problem() string {
	_, slug, _ := strings.Cut(e.Type, "/problems/")
	return slug
}

// temporary reports whether the same request may succeed later. What is done is done
// once however often it is asked for, so no status needs to say that nothing was.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	default:
		return status >= 500 && status <= 599
	}
}

// invalid is the error of a call that is wrong by itself.
func invalid(op string, err error) *Error { return &Error{Op: op, err: err, wrong: true} }

// printable keeps foreign text on one line of a log.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}
