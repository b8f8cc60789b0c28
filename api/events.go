package api

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/longpoll"
	"hubline/native"
	"hubline/replay"
	"hubline/sse"
	"hubline/transports"
	"hubline/websocket"
)

// scopeEvents is the endpoint that native tickets are good for.
const scopeEvents = "/events"

var (
	errOrigin = problem("origin", "Start the server with --allowed-origins and this page's origin, such as https://app.example.org.")
	errTicket = problem("ticket",
		"A ticket of /events/negotiate is good once, for a short time: negotiate again.")
	errBody = badRequest("A GET takes no body here: what follows the headers would be taken for the next request.")
)

// serveEvents serves GET /events: which transport is meant follows from the
// request.
func (a *API) serveEvents(c echo.Context) error {
	r := c.Request()
	switch {
	case websocket.IsUpgrade(r):
		return a.subscribe(c, transports.WebSockets)
	case transports.Query(r).Has("wait"), strings.Contains(r.Header.Get("Accept"), "application/json"):
		return a.subscribe(c, transports.LongPolling)
	}
	return a.subscribe(c, transports.ServerSentEvents)
}

// subscribe opens a native connection.
func (a *API) subscribe(c echo.Context, t transports.Transport) error {
	r := c.Request()
	if !a.originAllowed(r) {
		return errOrigin
	}
	if r.ContentLength != 0 {
		return errBody
	}
	if t != transports.LongPolling { // polls come again and again, and count for their user alone
		if err := a.attempt(r); err != nil {
			return err
		}
	}
	q, err := query(r)
	if err != nil {
		return err
	}
	o, err := options(r, q, t)
	if err != nil {
		return err
	}
	wait, limit, err := pollBounds(q, t)
	if err != nil {
		return err
	}
	conn, id, err := a.attach(c, q, t)
	if err != nil {
		return err
	}
	if err := a.admitted(id); err != nil {
		conn.End(transports.ReasonHandshake)
		return err
	}
	o.User, o.Device, o.Expires = id.User, id.Device, a.expiry(id)
	if o.Since.Kind == replay.SinceDevice && o.Device == "" {
		conn.End(transports.ReasonHandshake)
		return errNoDevice
	}
	if !o.Expires.IsZero() {
		left := time.Until(o.Expires)
		if left <= 0 { // only a ticket gets this far
			conn.End(transports.ReasonExpired)
			return auth.ErrExpired
		}
		wait = min(wait, left)
	}
	if err := a.enter(conn); err != nil {
		conn.End(transports.ReasonHandshake)
		return err
	}
	session, err := a.session(conn, o, t, limit)
	if err != nil {
		conn.End(transports.ReasonHandshake)
		return err
	}
	conn.Bind(session)
	if err := a.admitted(id); err != nil { // since a moment ago
		conn.End(transports.ReasonHandshake)
		return err
	}
	a.metrics.opened[t].Inc()
	a.carry(c, conn, t, wait, q)
	return nil
}

// carry hands the request to its carrier. The carrier gets the HTTP server's own
// writer, since echo uses its wrapper for another request once this one returns.
func (a *API) carry(c echo.Context, conn *transports.Connection, t transports.Transport, wait time.Duration, q url.Values) {
	w, r := c.Response().Writer, c.Request()
	returned := false
	defer func() {
		if !returned { // a panic: the connection must not outlive its request
			conn.End(transports.ReasonInternal)
		}
	}()
	switch t {
	case transports.WebSockets:
		websocket.Serve(a.server, w, r, conn, &websocket.Options{})
	case transports.ServerSentEvents:
		sse.Serve(a.server, w, r, conn, sse.Options{Pad: q.Get("pad") == "1", Retry: 2 * time.Second})
	default:
		longpoll.ServeOnce(a.parker, w, r, conn, wait, "application/json")
	}
	returned = true
}

func (a *API) session(conn *transports.Connection, o native.Options, t transports.Transport, limit int) (transports.Session, error) {
	if t == transports.LongPolling {
		return native.NewPoll(a.broker, conn, o, limit)
	}
	return native.New(&a.native, a.broker, conn, o)
}

// attach finds who is asking: by a ticket of negotiate, else by a token.
func (a *API) attach(c echo.Context, q url.Values, t transports.Transport) (*transports.Connection, *auth.Identity, error) {
	r := c.Request()
	ticket := q.Get("id")
	if ticket == "" {
		id, err := a.subscriber(r)
		if err != nil {
			return nil, nil, err
		}
		return a.server.Open(scopeEvents, id.User, a.clientIP(r), id, t, false), id, nil
	}
	conn, ok := a.server.Take(scopeEvents, ticket, t)
	if !ok {
		return nil, nil, errTicket
	}
	id, ok := conn.Identity.(*auth.Identity)
	if !ok {
		conn.End(transports.ReasonInternal)
		return nil, nil, errors.New("ticket without an identity")
	}
	if a.other(r, id) {
		conn.End(transports.ReasonHandshake)
		return nil, nil, errTicket
	}
	return conn, id, nil
}

// expiry is when a native connection of id ends: with its token, or, if it came
// in thanks to the leeway, with that. Zero means never.
func (a *API) expiry(id *auth.Identity) time.Time {
	if id.Expires.IsZero() || time.Now().Before(id.Expires) {
		return id.Expires
	}
	return id.Expires.Add(a.verify.Leeway())
}
