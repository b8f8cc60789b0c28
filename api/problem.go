package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
)

// Problem is an error answer of RFC 9457. Type is stable and names a section
// of the documentation; Detail says what to do.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	// RetryAfter is sent as a header when it is not zero.
	RetryAfter time.Duration `json:"-"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// HTTPStatus is the status of the answer.
func (p *Problem) HTTPStatus() int { return p.Status }

// problemBase is where the types are explained; relative, so that the page is
// the running server's own.
const problemBase = "/problems/"

func problem(status int, slug, title, detail string) *Problem {
	return &Problem{Type: problemBase + slug, Title: title, Status: status, Detail: detail}
}

func badRequest(detail string) *Problem {
	return problem(http.StatusBadRequest, "bad-request", "The request is not valid", detail)
}

func notFound() *Problem {
	return problem(http.StatusNotFound, "not-found", "There is nothing here", "Check the path against /api/openapi.yaml.")
}

// asProblem maps every error to its answer: the one place that does.
func asProblem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, auth.ErrNoToken):
		return problem(http.StatusUnauthorized, "no-token", "Who are you?",
			"Send an API key or a token as Authorization: Bearer.")
	case errors.Is(err, auth.ErrExpired):
		return problem(http.StatusUnauthorized, "token-expired", "The token has expired", "Get a new one.")
	case isAuth(err):
		return problem(http.StatusUnauthorized, "token-invalid", "The token is not accepted",
			"It is malformed, not yet valid, signed with a key or algorithm that is not configured here, or made by or for somebody else.")
	case errors.Is(err, broker.ErrConflict):
		return problem(http.StatusUnprocessableEntity, "idempotency-conflict", "The key was used before",
			"An Idempotency-Key or event id may be repeated only with the same content. Use a new one for a new event.")
	case errors.Is(err, broker.ErrTooManyConnections):
		p := problem(http.StatusTooManyRequests, "too-many-connections", "Too many connections",
			"Close some, or raise max-connections or max-connections-per-user.")
		p.RetryAfter = 5 * time.Second
		return p
	case errors.Is(err, broker.ErrDraining):
		p := problem(http.StatusServiceUnavailable, "stopping", "The server is stopping", "Try again in a moment.")
		p.RetryAfter = 2 * time.Second
		return p
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too-large", "The body is too large",
			"See max-publish-bytes and max-batch-bytes.")
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch he.Code {
		case http.StatusNotFound:
			return notFound()
		case http.StatusMethodNotAllowed:
			return problem(he.Code, "method-not-allowed", "This path has no such method", "Check it against /api/openapi.yaml.")
		}
		return problem(he.Code, "http-"+strconv.Itoa(he.Code), http.StatusText(he.Code), "")
	}
	return problem(http.StatusInternalServerError, "internal", "Something went wrong here",
		"The server's log has the details under the time of this answer.")
}

func isAuth(err error) bool {
	for _, e := range []error{
		auth.ErrInvalid, auth.ErrNotYet, auth.ErrIssuer, auth.ErrAudience,
		auth.ErrAlgorithm, auth.ErrUnknownKey, auth.ErrNoSubject,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// writeProblem sends the answer.
func writeProblem(w http.ResponseWriter, p *Problem) {
	b, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status) // a struct of strings always marshals
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(b)
}
