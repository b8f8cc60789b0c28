package api

import (
	"html"
	"net/http"

	"github.com/labstack/echo/v4"
)

// problemTexts explain the types of problems; each is a page of the server, so
// that the type of an answer is an address that can be opened, and a label in
// the metrics.
var problemTexts = map[string]string{ //nolint:gosec // explanations, no credentials
	"bad-request":          "The request does not follow the documentation in /api/openapi.yaml. The detail names the first field that does not.",
	"body-timeout":         "The body did not arrive within body-timeout. Send it faster, or in smaller pieces.",
	"cursor":               "A cursor is epoch-seq, as every event carries it; a bare seq, 0, latest and, for clients whose token names a device, device are accepted too.",
	"idempotency-conflict": "The Idempotency-Key, or the event's id, was used before with another content. Repeat a publish byte for byte, or use a new key.",
	slugInternal:           "The server failed. Its log has the details under the time of the answer.",
	"keys-unavailable":     "The server has not been able to fetch the keys of jwks-url, without which it can check no token. It goes on trying; try again after Retry-After.",
	"method-not-allowed":   "The path exists, with other methods: see the header Allow.",
	"no-channels":          "This server has no channels: publish to users, or broadcast.",
	"no-token":             "The request had no credentials. Send an API key or a token as Authorization: Bearer.",
	"not-found":            "No route of the server has this path.",
	"origin":               "The page's origin is not in allowed-origins. CORS does not protect WebSockets, so the server checks the origin itself.",
	"scope":                "The credentials are good, but lack the scope of this call: publish, read or admin.",
	"stopping":             "The server is stopping. Another instance, or the next start, will answer: try again after Retry-After.",
	"ticket":               "A ticket of /events/negotiate is good once, for a short time, and for the user who got it. Negotiate again.",
	"token-expired":        "The token's exp has passed. Fetch a new token and come back with the same cursor.",
	"token-invalid":        "The token is malformed, not yet valid, or not signed as configured (jwt-secret-file, jwt-public-key-file, jwks-url, jwt-issuer, jwt-audience).",
	"too-large":            "The body, an event or the batch exceeds its limit: max-publish-bytes, max-batch-bytes, max-batch-items.",
	"full":                 "The server has as many connections as it may (max-connections). Try again after Retry-After.",
	"too-many-connections": "The user or the address has as many connections as allowed: max-connections-per-user, max-connections-per-ip.",
	"too-many-negotiated":  "Too many connections were negotiated and not used (max-negotiated). Try again after Retry-After.",
	"upgrade-required":     "The path is for WebSockets. A proxy may have dropped the Upgrade and Connection headers.",
}

// problemPage serves GET /problems/{slug}.
func (a *API) problemPage(c echo.Context) error {
	slug := c.Param("slug")
	t, ok := problemTexts[slug]
	if !ok {
		return notFound()
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	return c.HTML(http.StatusOK, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>`+
		html.EscapeString(slug)+"</title><h1>"+html.EscapeString(slug)+"</h1><p>"+html.EscapeString(t)+"</p>\n")
}
