package api

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
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

// Bounds of a long poll.
const (
	defaultWait  = 25
	maxWait      = 60
	defaultLimit = 100
	maxLimit     = 1000
)

// maxTypes bounds the filter of one subscription.
const maxTypes = 64

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

// serveSocket serves GET /ws, WebSocket only.
func (a *API) serveSocket(c echo.Context) error {
	r := c.Request()
	if websocket.IsUpgrade(r) {
		return a.subscribe(c, transports.WebSockets)
	}
	missing := "Upgrade: websocket"
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		missing = "Connection: Upgrade"
	}
	c.Response().Header().Set("Upgrade", "websocket")
	return problem(http.StatusUpgradeRequired, "upgrade-required", "Expected WebSocket upgrade",
		"The request came without "+missing+". nginx drops it unless proxy_http_version is 1.1 and the Upgrade and Connection "+
			"headers are set; Apache needs upgrade=websocket on ProxyPass (2.4.47 or later); HTTP/1.0 proxies and some corporate "+
			"ones always drop it: use /events there, as Server-Sent Events or long polling.")
}

// subscribe opens a native connection.
func (a *API) subscribe(c echo.Context, t transports.Transport) error {
	r, w := c.Request(), c.Response()
	if !a.cfg.Origins.Allowed(r) {
		return errOrigin
	}
	q := transports.Query(r)
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
	o.User, o.Device, o.Expires = id.User, id.Device, id.Expires
	if !o.Expires.IsZero() && !time.Now().Before(o.Expires) {
		conn.End(transports.ReasonExpired)
		return auth.ErrExpired
	}
	if !a.perIP.enter(conn.Addr) {
		conn.End(transports.ReasonHandshake)
		return problem(http.StatusTooManyRequests, "too-many-connections", "Too many connections", "See max-connections-per-ip.")
	}
	if a.cfg.MaxPerIP > 0 {
		conn.OnEnd(func() { a.perIP.leave(conn.Addr) })
	}
	session, err := a.session(conn, o, t, limit)
	if err != nil {
		conn.End(transports.ReasonHandshake)
		return err
	}
	conn.Bind(session)
	a.metrics.opened[t].Inc()
	switch t {
	case transports.WebSockets:
		websocket.Serve(a.server, w, r, conn, &websocket.Options{})
	case transports.ServerSentEvents:
		sse.Serve(a.server, w, r, conn, sse.Options{Pad: q.Get("pad") == "1", Retry: 2 * time.Second})
	default:
		longpoll.ServeOnce(a.parker, w, r, conn, wait, "application/json")
	}
	return nil
}

func (a *API) session(conn *transports.Connection, o native.Options, t transports.Transport, limit int) (transports.Session, error) {
	if t == transports.LongPolling {
		return native.NewPoll(a.broker, conn, o, limit)
	}
	return native.New(&a.native, a.broker, conn, o)
}

// attach finds who is asking: by a ticket of negotiate, else by a token.
func (a *API) attach(c echo.Context, q url.Values, t transports.Transport) (*transports.Connection, *auth.Identity, error) {
	if ticket := q.Get("id"); ticket != "" {
		conn, ok := a.server.Take(scopeEvents, ticket, t)
		if !ok {
			return nil, nil, problem(http.StatusUnauthorized, "ticket", "The ticket is not valid",
				"A ticket of /events/negotiate is good once, for a short time: negotiate again.")
		}
		id, ok := conn.Identity.(*auth.Identity)
		if !ok {
			return nil, nil, errors.New("ticket without an identity")
		}
		return conn, id, nil
	}
	id, err := a.client(c.Request())
	if err != nil {
		return nil, nil, err
	}
	return a.server.Open(scopeEvents, id.User, c.RealIP(), id, t, false), id, nil
}

// options reads the query of a subscription.
func options(r *http.Request, q url.Values, t transports.Transport) (native.Options, error) {
	o := native.Options{Named: q.Get("named") == "1"}
	since := q.Get("since")
	if t == transports.ServerSentEvents {
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			since = last // what the client saw last is later than what its URL says
		}
	}
	var err error
	if o.Since, err = replay.ParseSince(since); err != nil {
		return o, problem(http.StatusBadRequest, "cursor", "The cursor is not valid",
			`"since" is a cursor such as k7q2-57, a seq, 0 for everything kept, "latest" or "device".`)
	}
	if types := q.Get("types"); types != "" {
		o.Types = strings.Split(strings.Clone(types), ",")
		if len(o.Types) > maxTypes {
			return o, badRequest("At most " + strconv.Itoa(maxTypes) + " types can be named.")
		}
	}
	// A stock client of older servers must see only its events and pong.
	o.Control = t != transports.WebSockets || since != ""
	switch q.Get("control") {
	case "1", "true":
		o.Control = true
	case "0", "false":
		o.Control = false
	}
	return o, nil
}

// pollBounds reads wait and limit.
func pollBounds(q url.Values, t transports.Transport) (wait time.Duration, limit int, err error) {
	if t != transports.LongPolling {
		return 0, 0, nil
	}
	seconds, limit := float64(defaultWait), defaultLimit
	if v := q.Get("wait"); v != "" {
		seconds, err = strconv.ParseFloat(v, 64)
		if err != nil || !(seconds >= 0) {
			return 0, 0, badRequest(`"wait" is a number of seconds, at most 60.`)
		}
	}
	if v := q.Get("limit"); v != "" {
		limit, err = strconv.Atoi(v)
		if err != nil || limit < 1 {
			return 0, 0, badRequest(`"limit" is a number of events, 1 to 1000.`)
		}
	}
	return time.Duration(min(seconds, maxWait) * float64(time.Second)), min(limit, maxLimit), nil
}
