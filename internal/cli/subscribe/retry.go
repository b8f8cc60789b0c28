package subscribe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hubline/internal/cli/eventstream"
)

// maxPause bounds what a server may ask a client to wait.
const maxPause = 10 * time.Minute

var errUnknownTransport = errors.New("unknown transport: use ws, sse or poll")

// StatusError is a refusal by HTTP status.
type StatusError struct {
	// Code is the status, Detail the server's explanation, on one line and
	// without control characters; it may be empty.
	Code   int
	Detail string
	// Problem is the last part of the problem's type, such as token-revoked, as
	// the server sent it; empty if it sent none. It is for comparing.
	Problem string
	// RetryAfter is the pause the server asks for; negative if it does not.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
	if e.Detail != "" {
		text += ": " + strings.TrimSuffix(e.Detail, ".") // more may follow
	}
	return text
}

// permanentError marks an error that a reconnect cannot mend.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// unwrapFinal removes the mark, which callers of Run have no use for.
func unwrapFinal(err error) error {
	if p, ok := errors.AsType[*permanentError](err); ok {
		return p.err
	}
	return err
}

// final reports whether trying again is useless. A 401 in the course of a
// connection that began well (a later poll) only means that the token has
// ended: the next connection brings a new one. Once a connection has
// succeeded, a 404 or the like comes from a proxy whose server is restarting.
func (s *subscriber) final(err error) bool {
	if _, ok := errors.AsType[*permanentError](err); ok || errors.Is(err, eventstream.ErrTooLong) {
		return true
	}
	status, ok := errors.AsType[*StatusError](err)
	if !ok {
		return !s.everConnected && stranger(err)
	}
	switch status.Code {
	case http.StatusUnauthorized:
		return !s.connected
	case http.StatusBadRequest, http.StatusForbidden:
		return true
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly:
		return false
	default:
		return status.Code < 500 && !s.everConnected
	}
}

// stranger reports whether who answered cannot be the server that is meant: its
// certificate is not accepted here, or it speaks no TLS. One that is not valid yet, or no
// longer, may be soon: a clock is set, or it is renewed.
func stranger(err error) bool {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return false
	}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return certificate || plain || errors.Is(err, http.ErrSchemeMismatch)
}

// pause returns how long to wait before the next connection: what the server
// asked for, else the next step of the backoff.
func (s *subscriber) pause(err error) time.Duration {
	if s.closing != nil && s.closing.RetryAfter >= 0 {
		return min(s.closing.RetryAfter, maxPause)
	}
	if status, ok := errors.AsType[*StatusError](err); ok && status.RetryAfter >= 0 {
		return min(status.RetryAfter, maxPause)
	}
	return s.retry.NextBackOff()
}

// reason prefers what the server said to how the connection then ended.
func (s *subscriber) reason(err error) error {
	if s.closing != nil {
		return fmt.Errorf("closed by the server: %s", printable(s.closing.Reason))
	}
	return err
}

// retryAfter reads a Retry-After header given in seconds (RFC 9110 section
// 10.2.3); the form with a date counts as absent, because clocks differ.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Retry-After"), 10, 31)
	if err != nil {
		return -1
	}
	return time.Duration(seconds) * time.Second // #nosec G115 -- 31 bits
}
