package api

import (
	"html"
	"net/http"

	"github.com/labstack/echo/v4"
)

// explanation is what the page of a type of problem says.
type explanation struct{ title, text string }

// problemTexts explain the types of problems; each is a page of the server, so
// that the type of an answer is an address that can be opened, and a label in
// the metrics.
var problemTexts = map[string]explanation{ //nolint:gosec // explanations, no credentials
	"bad-request": {
		"The request is not valid",
		"The request does not follow the documentation in /api/openapi.yaml. The detail names the first field that does not.",
	},
	"body-timeout": {
		"The body came too slowly",
		"The body did not arrive within body-timeout. Send it faster, or in smaller pieces.",
	},
	"busy": {
		"Too much waits for the disk",
		"More was published than the disk could take so far. Nothing of this request was published: try again after Retry-After, slower.",
	},
	"cursor": {
		"The cursor is not valid",
		"A cursor is epoch-seq, as every event carries it; a bare seq, 0, latest and, for clients whose token names a device, device are accepted too.",
	},
	"disk-full": {
		"The disk is full",
		"The file system of the data directory has no room. Nothing was published. Delivery and replay of what was published before go on, and publishing does as soon as there is room: delete something, or keep less (log-age, log-disk-bytes).",
	},
	"idempotency-conflict": {
		"The key was used before",
		"The Idempotency-Key, or the event's id, was used before with another content. Repeat a publish byte for byte, or use a new key.",
	},
	slugInternal: {
		"Something went wrong here",
		"The server failed. Its log has the details under the time of the answer.",
	},
	"keys-unavailable": {
		"Tokens cannot be checked yet",
		"The server has not been able to fetch the keys of jwks-url, without which it can check no token. It goes on trying; try again after Retry-After.",
	},
	"log-failed": {
		"The log cannot be written",
		"A write to the disk has failed, so that it is not known what is on it. Nothing was published, and nothing will be until the server is started again and has looked; what it has acknowledged before is safe. Look at the disk: the server's log has the error.",
	},
	"method-not-allowed": {
		"This path has no such method",
		"The path exists, with other methods: see the header Allow.",
	},
	"no-channels": {
		"This server has no channels",
		"This server has no channels: publish to users, or broadcast.",
	},
	"no-token": {
		"The request has no credentials",
		"The request had no credentials. Send an API key or a token as Authorization: Bearer.",
	},
	"not-found": {
		"There is nothing here",
		"No route of the server has this path. With --base-path every path begins with that.",
	},
	"origin": {
		"This origin may not connect",
		"The page's origin is neither the server's own, as the Host header names it, nor one of --allowed-origins (https://app.example.org, with its port if it has one). CORS does not protect WebSockets, so the server checks the origin itself. Its log names the origin that was refused.",
	},
	"scope": {
		"The scope is missing",
		"The credentials are good, but lack the scope of this call: publish, read or admin.",
	},
	"stopping": {
		"The server is stopping",
		"The server is stopping. Another instance, or the next start, will answer: try again after Retry-After.",
	},
	"ticket": {
		"The ticket is not valid",
		"A ticket of /events/negotiate is good once, for a short time, and for the user who got it. Negotiate again.",
	},
	"token-expired": {
		"The token has expired",
		"The token's exp has passed. Fetch a new token and come back with the same cursor.",
	},
	"token-invalid": {
		"The token or API key is not accepted",
		"A token is accepted if it is a JSON Web Token with sub (the user) and exp (seconds since 1970; compulsory), its nbf has come, and it is signed as configured: jwt-secret-file or the data directory's signing-secret (the text of the file, without its line end), jwt-public-key-file or jwks-url; with iss and aud as in jwt-issuer and jwt-audience. An API key must be that of the data directory or of api-key-file, and is good for the backend API only: clients need a token.",
	},
	"too-large": {
		"The body is too large",
		"The body, an event or the batch exceeds its limit: max-publish-bytes, max-batch-bytes, max-batch-items.",
	},
	"full": {
		"The server is full",
		"The server has as many connections as it may (max-connections). Try again after Retry-After.",
	},
	"too-many-connections": {
		"Too many connections",
		"The user or the address has as many connections as allowed: max-connections-per-user, max-connections-per-ip.",
	},
	"too-many-negotiated": {
		"Too many connections are being made",
		"Too many connections were negotiated and not used (max-negotiated). Try again after Retry-After.",
	},
	"upgrade-required": {
		"A WebSocket upgrade was expected",
		"The path is for WebSockets. A proxy may have dropped the Upgrade and Connection headers.",
	},
}

// problemPolicy lets the page of a problem have the console's style, and nothing
// else.
const problemPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// problemPage serves GET /problems/{slug}. Its links lead up, so that they hold
// under a base path, and behind a proxy that adds one.
func (a *API) problemPage(c echo.Context) error {
	slug := c.Param("slug")
	p, ok := problemTexts[slug]
	if !ok {
		return notFound()
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", problemPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	title := html.EscapeString(p.title)
	return c.HTML(http.StatusOK, `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>`+title+` – Hubline</title>
<link rel="icon" href="../console/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="../console/css/tokens.css">
<link rel="stylesheet" href="../console/css/layout.css">
<header class="top"><p class="brand"><span class="brand-name">Hubline</span> <span class="brand-sub">problem</span></p></header>
<main><section class="card sign-in">
<h1>`+title+`</h1>
<p>`+html.EscapeString(p.text)+`</p>
<p class="hint">Type: <code>`+slug+`</code></p>
</section></main>
<footer class="foot"><p><a href="../api/openapi.yaml">API description</a></p></footer>
</html>
`)
}
