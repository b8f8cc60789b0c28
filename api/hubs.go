package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/longpoll"
	"hubline/native"
	"hubline/replay"
	"hubline/signalr"
	"hubline/signalr/serve"
	"hubline/sse"
	"hubline/transports"
	"hubline/websocket"
)

// maxHold is how long calls of our hubs, which are short, may keep a client from
// being read.
const maxHold = 10 * time.Second

// mountHubs mounts the SignalR hubs.
func (a *API) mountHubs() {
	cfg := signalr.Config{
		HandshakeTimeout: a.cfg.HandshakeTime, KeepAliveInterval: a.cfg.PingInterval,
		ClientTimeout: a.cfg.ClientTimeout, MaxHold: maxHold, MaxMessageBytes: int(a.cfg.MaxMessageBytes), Logger: a.log,
		Channels:    a.connectionMembership,
		MaxMessages: a.cfg.Callers.Messages.Count, MessageWindow: a.cfg.Callers.Messages.Per,
		Envelopes: signalr.Envelopes{Event: native.AppendEvent, Redelivered: native.AppendRedelivered, Gap: native.AppendGap},
	}
	events := &mountedHub{"events", signalr.NewEvents(cfg, a.broker)}
	bitwarden := &mountedHub{"bitwarden", signalr.NewBitwarden(cfg, a.broker, signalr.Family{})}
	a.hubs = []*mountedHub{events, bitwarden}
	a.mountHub("/hubs/events", events.hub, false)
	// Proxies of the Bitwarden family strip the prefix.
	a.mountHub("/notifications/hub", bitwarden.hub, true)
	a.mountHub("/hub", bitwarden.hub, true)
}

// mountHub mounts one hub path and its negotiate.
func (a *API) mountHub(path string, hub *signalr.Hub, bitwarden bool) {
	full := a.cfg.BasePath + path
	a.dialects[full] = dialectSignalR
	if bitwarden {
		a.dialects[full] = dialectBitwarden
	}
	e := serve.NewEndpoint(full, a.server, func() *longpoll.Parker { return a.parker }, serve.Options{
		PollTimeout: a.cfg.PollTimeout, NegotiateTTL: a.cfg.NegotiateTTL, BodyTimeout: a.cfg.BodyTimeout,
		Stateful: a.cfg.StatefulReconnect,
	})
	e.Authenticate = func(w http.ResponseWriter, r *http.Request) (transports.Who, bool) {
		return a.hubClient(w, r, bitwarden)
	}
	e.Open = func(c *transports.Connection, r *http.Request) (transports.Session, error) {
		return a.openHub(hub, c, r)
	}
	a.mountAny(path, func(c echo.Context) error {
		if r := c.Request(); r.Method == http.MethodGet && r.ContentLength != 0 {
			return errBody
		}
		e.ServeHTTP(c.Response().Writer, c.Request())
		return nil
	}, http.MethodGet, http.MethodPost, http.MethodDelete)
	a.mountAny(path+"/negotiate", func(c echo.Context) error {
		if bitwarden { // as that family's servers have it; ASP.NET Core sends no such header
			c.Response().Header()["Cache-Control"] = noStore
		}
		e.ServeNegotiate(c.Response(), c.Request())
		if c.Response().Status == http.StatusServiceUnavailable && c.Response().Header().Get("Content-Type") != "" {
			a.metrics.problem("too-many-negotiated") // a refusal of ours has no type, and is counted
		}
		return nil
	}, http.MethodPost)
	a.hubPaths = append(a.hubPaths, full, full+"/negotiate")
	a.refuse[full], a.refuse[full+"/negotiate"] = e.ServeHTTP, e.ServeNegotiate
}

// methods are those that a hub's handler gets: what it does not serve it answers
// as ASP.NET Core does. Methods that echo knows nothing of come from refuse.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodTrace, http.MethodConnect,
}

// mountAny mounts a handler for all methods, of which it serves some.
func (a *API) mountAny(path string, h echo.HandlerFunc, serves ...string) {
	for _, m := range methods {
		a.mount(m, path, h)
	}
	allow := strings.Join(append(serves, http.MethodOptions), ", ")
	a.mount(http.MethodOptions, path, func(c echo.Context) error {
		c.Response().Header().Set("Allow", allow)
		return c.NoContent(http.StatusNoContent)
	})
}

// hubClient authenticates a request to a hub. Refusals have an empty body,
// from which SignalR's clients make their error texts; the Bitwarden family's
// sockets get that family's error object.
func (a *API) hubClient(w http.ResponseWriter, r *http.Request, bitwarden bool) (transports.Who, bool) {
	id, err := a.hubCaller(r)
	if err == nil {
		return transports.Who{User: id.User, Identity: id, Addr: a.clientIP(r)}, true
	}
	p := asProblem(err)
	a.metrics.problem(p.slug)
	p.writeHeader(w.Header())
	if bitwarden && websocket.IsUpgrade(r) {
		writeBitwardenError(w, p)
	} else {
		w.WriteHeader(p.Status)
	}
	return transports.Who{}, false
}

// hubCaller tells who makes a request to a hub. Those that open or negotiate a
// connection are attempts of the address too.
func (a *API) hubCaller(r *http.Request) (*auth.Identity, error) {
	if !a.originAllowed(r) {
		return nil, errOrigin
	}
	negotiates := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/negotiate")
	if negotiates || r.Method == http.MethodGet && (websocket.IsUpgrade(r) || sse.IsRequest(r)) {
		if err := a.attempt(r); err != nil {
			return nil, err
		}
	}
	id, err := a.subscriber(r)
	if err == nil && negotiates {
		err = a.admitted(id) // later requests bring the goodbye to who was here
	}
	return id, err
}

// hubError is an error of opening a hub connection, with the status to answer.
type hubError struct {
	status int
	text   string
}

func (e *hubError) Error() string { return e.text }
func (e *hubError) Status() int   { return e.status }

// openHub makes the session of a hub connection.
func (a *API) openHub(hub *signalr.Hub, c *transports.Connection, r *http.Request) (transports.Session, error) {
	s, err := a.hubSession(hub, c, r)
	if err == nil {
		a.metrics.opened[c.Transport()].Inc()
		return s, nil
	}
	p := asProblem(err)
	a.metrics.problem(p.slug)
	if p.slug != slugInternal {
		return nil, &hubError{p.Status, p.Title}
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "hub connection failed", slog.Any("err", err))
	return nil, &hubError{p.Status, ""}
}

func (a *API) hubSession(hub *signalr.Hub, c *transports.Connection, r *http.Request) (transports.Session, error) {
	id, ok := c.Identity.(*auth.Identity)
	if !ok {
		return nil, errors.New("connection without an identity")
	}
	q, err := query(r)
	if err != nil {
		return nil, err
	}
	o := signalr.Options{User: id.User, Device: id.Device, IssuedAt: id.IssuedAt, Stateful: c.Stateful()}
	if a.cfg.CloseOnExpiry {
		o.Expires = a.expiry(id)
	}
	if err := o.ReadQuery(q.Get); err != nil {
		return nil, errCursor
	}
	if o.Since.Kind == replay.SinceDevice && o.Device == "" {
		return nil, errNoDevice
	}
	if err := a.admitted(id); err != nil {
		return nil, err
	}
	if err := a.enter(c); err != nil {
		return nil, err
	}
	s, err := hub.Open(c, o)
	if err != nil {
		return nil, err
	}
	if err := a.admitted(id); err != nil { // since a moment ago
		s.Closed(transports.ReasonHandshake)
		return nil, err
	}
	return s, nil
}
