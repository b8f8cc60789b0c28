package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of an answer, in bytes: the largest is a part of a log, 1 MiB of events and
// one more, or the receipts of a batch. What an error says is short.
const (
	maxAnswerBytes  = 16 << 20
	maxProblemBytes = 64 << 10
)

// request is what a call asks for.
type request struct {
	method, path string // below /api/v1, escaped
	body         []byte // JSON, or nil
	// answer reads what came with a 2xx.
	answer func(text []byte) error
}

// do makes a request, as often as it takes.
func (n *Notifier) do(ctx context.Context, op string, req request) error {
	tries := n.begin(ctx, op)
	for {
		e := tries.try(req)
		if e == nil {
			return nil
		}
		if !tries.again(e) {
			return e
		}
	}
}

// failure is an error of one try, and whether another may help.
type failure struct {
	*Error
	retry bool
	sent  bool // it may have been done all the same
}

// once makes a request once. A nil Error is success.
func (n *Notifier) once(ctx context.Context, op string, req request) failure {
	limited, cancel := context.WithTimeout(ctx, n.cfg.AttemptTimeout)
	defer cancel()
	r, err := n.newRequest(limited, req)
	if err != nil {
		return failure{Error: &Error{Op: op, err: err}}
	}
	resp, err := n.http.Do(r)
	var text []byte
	if err == nil {
		defer resp.Body.Close() //nolint:errcheck // only read from
		text, err = readAnswer(resp)
	}
	if err != nil {
		return n.unanswered(ctx, limited, op, err)
	}
	if resp.StatusCode/100 != 2 {
		return refused(op, resp, text)
	}
	if err = req.answer(text); err != nil {
		// Of JSON perhaps a piece is missing; anything else is another program's.
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		return failure{
			Error: &Error{Op: op, Status: resp.StatusCode, Title: "the answer is not that of Hubline's API; is Config.URL right?", err: err},
			retry: kind == "application/json", sent: true,
		}
	}
	return failure{}
}

func (n *Notifier) newRequest(ctx context.Context, req request) (*http.Request, error) {
	var body io.Reader
	if req.body != nil {
		body = bytes.NewReader(req.body)
	}
	r, err := http.NewRequestWithContext(ctx, req.method, n.base+req.path, body)
	if err != nil {
		return nil, err
	}
	r.Header = http.Header{
		"Authorization": n.auth, "Accept": acceptJSON, "User-Agent": userAgent,
		// Without a value it is not sent. It tells net/http that the request may be
		// repeated at once when an idle connection turns out to be closed.
		"Idempotency-Key": nil,
	}
	if req.body != nil {
		r.Header["Content-Type"] = contentJSON
	}
	return r, nil
}

var (
	acceptJSON  = []string{"application/json, application/problem+json"}
	contentJSON = []string{"application/json"}
	userAgent   = []string{"hubline-notify"}
)

var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxAnswerBytes)

// readAnswer reads the body to its end, so that the connection can be used again.
func readAnswer(resp *http.Response) ([]byte, error) {
	limit := int64(maxAnswerBytes)
	if resp.StatusCode/100 != 2 {
		limit = maxProblemBytes
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer was cut off: %w", err)
	case int64(len(text)) <= limit:
		return text, nil
	case limit == maxProblemBytes:
		return nil, nil // what is so long is no problem of ours; the status will do
	default:
		return nil, errTooLong
	}
}

// unanswered is the failure of a try without an answer.
func (n *Notifier) unanswered(ctx, limited context.Context, op string, err error) failure {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL has the user in it
	}
	f := failure{Error: &Error{Op: op}, retry: true, sent: true}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		f.sent = false
	}
	switch {
	case ctx.Err() != nil:
		err, f.retry = ctx.Err(), false
	case limited.Err() != nil:
		err = fmt.Errorf("no answer within %v", n.cfg.AttemptTimeout)
	case errors.Is(err, errTooLong):
		f.retry = false
	case forGood(err):
		f.retry, f.sent = false, false
	}
	f.err = err
	return f
}

// refused is the failure of a try that was answered with an error.
func refused(op string, resp *http.Response, text []byte) failure {
	e := &Error{Op: op}
	var p problem
	if json.Unmarshal(text, &p) == nil {
		p.fill(e)
	}
	e.Status, e.RetryAfter = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	if e.Status/100 == 3 {
		e.Title = "the server redirects; is Config.URL right?"
	}
	return failure{Error: e, retry: temporary(e.Status), sent: mayBeDone(e)}
}

// problem is one of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *problem) fill(e *Error) {
	e.Type, e.Title, e.Detail, e.Status = p.Type, p.Title, p.Detail, p.Status
}

// plausible reports whether it can be the problem of an item.
func (p *problem) plausible() bool { return p.Status >= 400 && p.Status <= 599 }

// mayBeDone reports whether an error leaves open what became of the request: those
// of proxies do, and the server's own failure.
func mayBeDone(e *Error) bool {
	switch e.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		return e.Problem() == ""
	default:
		return false
	}
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds or a date.
// Zero if there is none.
func retryAfter(text string) time.Duration {
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second // #nosec G115 -- 31 bits
	}
	if t, err := http.ParseTime(strings.TrimSpace(text)); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
