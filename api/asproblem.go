package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/transports"
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
		return problem("idempotency-conflict",
			"An Idempotency-Key or event id may be repeated only with the same content. Use a new one for a new event.")
	case errors.Is(err, broker.ErrNoSpace):
		return problem("disk-full",
			"Nothing was published. Make room in the data directory; what was published before is delivered and replayed as ever.")
	case errors.Is(err, broker.ErrLog):
		return problem("log-failed",
			"Nothing was published, and nothing will be until the server is started again: a write to the disk has failed.")
	case errors.Is(err, errTooMuch):
		return problem("too-much-at-once", "Nothing was done. Try again in a moment, with less at a time; see max-inflight-bytes.")
	case errors.Is(err, broker.ErrBusy):
		return problem("busy", "Nothing was published. Try again in a moment.")
	case errors.Is(err, auth.ErrTooManyRevocations):
		return problem("too-many-revocations", "Nothing was revoked. Raise max-revocations, or revoke by user or by time of issue instead of token by token.")
	case errors.Is(err, broker.ErrTooManyChannels):
		return problem("too-many-channels", "Leave some, or raise max-channels-per-user.")
	case errors.Is(err, broker.ErrTooManyMembers):
		return problem("too-many-members", "See max-channel-members.")
	case errors.Is(err, broker.ErrTooManyPresent):
		return problem("too-many-present", "See max-presence-members.")
	case errors.Is(err, broker.ErrTooManyMemberships):
		return problem("too-many-memberships", "See max-memberships.")
	case errors.Is(err, broker.ErrTooManyConnections):
		return tooManyConnections("Close some, or raise max-connections-per-user.")
	case errors.Is(err, broker.ErrFull):
		return problem("full", "Try again later, or raise max-connections.")
	case errors.Is(err, transports.ErrTooMany):
		return problem("too-many-negotiated", "Try again in a moment; see max-negotiated.")
	case errors.Is(err, broker.ErrDraining):
		return problem("stopping", "Try again in a moment.")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem("too-large", "See max-publish-bytes and max-batch-bytes.")
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch he.Code {
		case http.StatusNotFound:
			return notFound()
		case http.StatusMethodNotAllowed:
			return problem("method-not-allowed", "Check it against /api/openapi.yaml.")
		}
	}
	return problem(slugInternal, "The server's log has the details under the time of this answer.")
}

func tooManyConnections(detail string) *Problem {
	return problem("too-many-connections", detail)
}

// authProblem is asProblem for the errors of package auth; nil for others.
func authProblem(err error) *Problem {
	for _, known := range [...]error{
		auth.ErrInvalid, auth.ErrNotYet, auth.ErrIssuer, auth.ErrAudience,
		auth.ErrAlgorithm, auth.ErrUnknownKey, auth.ErrNoSubject,
	} {
		if errors.Is(err, known) {
			return badToken("token-invalid", tokenAdvice)
		}
	}
	switch {
	case errors.Is(err, auth.ErrNoToken):
		return problem("no-token", "Send an API key or a token as Authorization: Bearer.")
	case errors.Is(err, auth.ErrRevoked):
		return badToken("token-revoked", "The token has been revoked. Get a new one, if you may.")
	case errors.Is(err, auth.ErrExpired):
		return badToken("token-expired", "Get a new one.")
	case errors.Is(err, auth.ErrKeysUnavailable):
		return problem("keys-unavailable",
			"The keys of jwks-url have not been fetched. The token may be good: try again in a moment.")
	}
	return nil
}

// tokenAdvice does not say which it is: a forger has no use for the truth.
const tokenAdvice = "It is malformed, lacks exp or sub, is not yet valid, is signed with a key or algorithm that is not configured here, or was made by or for somebody else." //nolint:gosec // an explanation, no credential

// notAJWT explains a refused credential that is no token at all: most likely an
// API key, of another server or at the wrong door. Other errors stay as they are.
func notAJWT(err error, credential, detail string) error {
	if strings.HasPrefix(credential, "eyJ") || !errors.Is(err, auth.ErrInvalid) {
		return err
	}
	return badToken("token-invalid", detail)
}

func badToken(slug, detail string) *Problem {
	p := problem(slug, detail)
	p.badToken = true
	return p
}
