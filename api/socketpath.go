package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/transports"
	"hubline/websocket"
)

// serveSocket serves GET /ws, WebSocket only. Whether the request is an upgrade is
// looked at before its credentials.
func (a *API) serveSocket(c echo.Context) error {
	r := c.Request()
	if websocket.IsUpgrade(r) {
		return a.subscribe(c, transports.WebSockets)
	}
	missing := "Upgrade: websocket"
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		missing = "Connection: Upgrade"
	}
	// RFC 9110, section 15.5.22: the answer names the protocol, and Connection
	// names that header.
	c.Response().Header().Set("Upgrade", "websocket")
	c.Response().Header().Set("Connection", "Upgrade")
	return problem("upgrade-required",
		"The request came without "+missing+". nginx drops it unless proxy_http_version is 1.1 and the Upgrade and Connection "+
			"headers are set; Apache needs upgrade=websocket on ProxyPass (2.4.47 or later); HTTP/1.0 proxies and some corporate "+
			"ones always drop it: use /events there, as Server-Sent Events or long polling.")
}

var plainText = []string{"text/plain;charset=UTF-8"}

// inPlainWords has the two refusals of /ws that durable-notifier knows begin like
// its own, as text: "Expected WebSocket upgrade", with what is missing behind it, and
// "Unauthorized" alone. Who asks for JSON gets the problem.
func (a *API) inPlainWords(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed || strings.Contains(c.Request().Header.Get("Accept"), "json") {
			return err
		}
		known := asProblem(err)
		var text string
		switch known.Status {
		case http.StatusUpgradeRequired:
			text = known.Title + "\n\n" + known.Detail + "\n"
		case http.StatusUnauthorized:
			text = "Unauthorized"
		default:
			return err
		}
		p, h := a.answer(c, err), c.Response().Header()
		p.writeHeader(h)
		h["Cache-Control"] = noStore
		return writeBody(c.Response(), p.Status, plainText, []byte(text))
	}
}
