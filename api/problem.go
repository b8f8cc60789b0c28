package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Problem is an error answer of RFC 9457. Its type is stable, and the address of
// a page of the server that explains it; Detail says what to do.
type Problem struct {
	// Type is /problems/<slug>, below the base path of the server that sends it.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	slug string
	// retryAfter is sent as a header when it is not zero.
	retryAfter time.Duration
	// badToken: there was a token, and it is not accepted.
	badToken bool
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// problemBase is where the types are explained; relative to the host, so that
// the page is the running server's own.
const problemBase = "/problems/"

// problem returns a problem of a type in the table of types, with what is to be said
// of this one. It panics if there is no such type, which a test looks for.
func problem(slug, detail string) *Problem {
	t, ok := problemsBySlug[slug]
	if !ok {
		panic("no type of problem is called " + slug)
	}
	return &Problem{Type: problemBase + slug, slug: slug, Title: t.title, Status: t.status, Detail: detail, retryAfter: t.wait}
}

func badRequest(detail string) *Problem {
	return problem("bad-request", detail)
}

func notFound() *Problem {
	return problem("not-found", "Check the path against /api/openapi.yaml.")
}

// answer makes the problem of an error, counts it, and logs it if it is ours.
func (a *API) answer(c echo.Context, err error) *Problem {
	p := *asProblem(err) // some are shared
	p.Type = a.cfg.BasePath + p.Type
	if base := a.cfg.BasePath; p.slug == "not-found" && base != "" && !strings.HasPrefix(c.Request().URL.Path, base+"/") {
		p.Detail = "Every path of this server begins with " + base + "."
	}
	a.metrics.problem(p.slug)
	if _, logged := errors.AsType[panicError](err); p.slug == slugInternal && !logged {
		a.log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("route", c.Path()), slog.Any("err", err))
	}
	return &p
}

// fail is echo's error handler: every error becomes a problem.
func (a *API) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := a.answer(c, err)
	w := c.Response()
	if h := a.refuse[c.Request().URL.Path]; h != nil && p.Status == http.StatusMethodNotAllowed {
		h(w, c.Request())
		return
	}
	p.writeHeader(w.Header())
	w.Header()["Cache-Control"] = noStore
	b, err := json.Marshal(p)
	if err != nil {
		b = nil // a struct of strings always marshals
	}
	_ = writeBody(w, p.Status, problemMedia, b) // the client is gone
}

var problemMedia = []string{"application/problem+json"}

// writeHeader sets the headers that the problem asks for, besides the type.
func (p *Problem) writeHeader(h http.Header) {
	if p.retryAfter > 0 {
		// Whole seconds (RFC 9110, section 10.2.3), never too few.
		h.Set("Retry-After", strconv.FormatInt(int64((p.retryAfter+time.Second-1)/time.Second), 10))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		// RFC 6750, section 3.1: no code when there were no credentials at all.
		challenge := "Bearer"
		if p.badToken {
			challenge = `Bearer error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	case http.StatusRequestTimeout:
		h.Set("Connection", "close") // RFC 9110, section 15.5.9
	}
}

// appendProblem appends an error in the place of a batch item's result.
func (a *API) appendProblem(c echo.Context, out []byte, err error) []byte {
	b, err := json.Marshal(struct {
		Error *Problem `json:"error"`
	}{a.answer(c, err)})
	if err != nil {
		return append(out, `{"error":null}`...) // a struct of strings always marshals
	}
	return append(out, b...)
}
