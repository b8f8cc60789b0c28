package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/transports"
)

// slugInternal is the problem that is our fault.
const slugInternal = "internal"

// Times after which to come back.
const (
	retrySoon  = 2 * time.Second // another instance, or this one again, will be there
	retryLater = 5 * time.Second // somebody must make room first
)

// asProblem maps every error to its answer: the one place that does. What it
// returns may be shared and must not be changed.
func asProblem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if p := authProblem(err); p != nil {
		return p
	}
	switch {
	case errors.Is(err, broker.ErrConflict):
		return problem(http.StatusUnprocessableEntity, "idempotency-conflict", "The key was used before",
			"An Idempotency-Key or event id may be repeated only with the same content. Use a new one for a new event.")
	case errors.Is(err, broker.ErrNoSpace):
		return problem(http.StatusInsufficientStorage, "disk-full", "The disk is full",
			"Nothing was published. Make room in the data directory; what was published before is delivered and replayed as ever.").after(retryLater)
	case errors.Is(err, broker.ErrLog):
		return problem(http.StatusServiceUnavailable, "log-failed", "The log cannot be written",
			"Nothing was published, and nothing will be until the server is started again: a write to the disk has failed.").after(retryLater)
	case errors.Is(err, broker.ErrBusy):
		return problem(http.StatusServiceUnavailable, "busy", "Too much waits for the disk", "Try again in a moment.").after(retrySoon)
	case errors.Is(err, broker.ErrTooManyConnections):
		return tooManyConnections("Close some, or raise max-connections-per-user.")
	case errors.Is(err, broker.ErrFull):
		return problem(http.StatusServiceUnavailable, "full", "The server has as many connections as it may",
			"Try again later, or raise max-connections.").after(retryLater)
	case errors.Is(err, transports.ErrTooMany):
		return problem(http.StatusServiceUnavailable, "too-many-negotiated", "Too many connections are being made",
			"Try again in a moment; see max-negotiated.").after(retryLater)
	case errors.Is(err, broker.ErrDraining):
		return problem(http.StatusServiceUnavailable, "stopping", "The server is stopping", "Try again in a moment.").after(retrySoon)
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
	}
	return problem(http.StatusInternalServerError, slugInternal, "Something went wrong here",
		"The server's log has the details under the time of this answer.")
}

func tooManyConnections(detail string) *Problem {
	return problem(http.StatusTooManyRequests, "too-many-connections", "Too many connections", detail).after(retryLater)
}

// authProblem is asProblem for the errors of package auth; nil for others.
func authProblem(err error) *Problem {
	for _, known := range [...]error{
		auth.ErrInvalid, auth.ErrNotYet, auth.ErrIssuer, auth.ErrAudience,
		auth.ErrAlgorithm, auth.ErrUnknownKey, auth.ErrNoSubject,
	} {
		if errors.Is(err, known) {
			return badToken("token-invalid", "The token is not accepted", tokenAdvice)
		}
	}
	switch {
	case errors.Is(err, auth.ErrNoToken):
		return problem(http.StatusUnauthorized, "no-token", "Who are you?", "Send an API key or a token as Authorization: Bearer.")
	case errors.Is(err, auth.ErrExpired):
		return badToken("token-expired", "The token has expired", "Get a new one.")
	case errors.Is(err, auth.ErrKeysUnavailable):
		return problem(http.StatusServiceUnavailable, "keys-unavailable", "Tokens cannot be checked yet",
			"The keys of jwks-url have not been fetched. The token may be good: try again in a moment.").after(retryLater)
	}
	return nil
}

// tokenAdvice does not say which it is: a forger has no use for the truth.
const tokenAdvice = "It is malformed, lacks exp or sub, is not yet valid, is signed with a key or algorithm that is not configured here, or was made by or for somebody else." //nolint:gosec // an explanation, no credential

// notAJWT explains a refused credential that is no token at all: most likely an
// API key, of another server or at the wrong door. Other errors stay as they are.
func notAJWT(err error, credential, title, detail string) error {
	if strings.HasPrefix(credential, "eyJ") || !errors.Is(err, auth.ErrInvalid) {
		return err
	}
	return badToken("token-invalid", title, detail)
}

func badToken(slug, title, detail string) *Problem {
	p := problem(http.StatusUnauthorized, slug, title, detail)
	p.badToken = true
	return p
}
