package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/longpoll"
	"hubline/signalr"
	"hubline/sse"
	"hubline/transports"
	"hubline/websocket"
)

// hubs mounts the SignalR hubs.
func (a *API) hubs(g *echo.Group) {
	cfg := signalr.Config{
		HandshakeTimeout: a.cfg.HandshakeTime, KeepAliveInterval: a.cfg.PingInterval,
		ClientTimeout: a.cfg.ClientTimeout, MaxMessageBytes: int(a.cfg.MaxMessageBytes), Logger: a.log,
	}
	a.mountHub(g, "/hubs/events", signalr.NewEvents(cfg, a.broker), false)
	bitwarden := signalr.NewBitwarden(cfg, a.broker, signalr.Family{})
	// Proxies of the Bitwarden family strip the prefix.
	a.mountHub(g, "/notifications/hub", bitwarden, true)
	a.mountHub(g, "/hub", bitwarden, true)
}

// mountHub mounts one hub path and its negotiate.
func (a *API) mountHub(g *echo.Group, path string, hub *signalr.Hub, bitwarden bool) {
	polls := longpoll.Options{PollTimeout: a.cfg.PollTimeout}
	sockets := &websocket.Options{NormalClose: true}
	full := a.cfg.BasePath + path
	e := &transports.Endpoint{
		Scope: full, Server: a.server, Offer: transports.All(),
		IsWebSocket: websocket.IsUpgrade, IsSSE: sse.IsRequest, NoCache: longpoll.NoCache,
		TTL: a.cfg.NegotiateTTL,
		Authenticate: func(w http.ResponseWriter, r *http.Request) (transports.Who, bool) {
			return a.hubClient(w, r, bitwarden)
		},
		Open: func(c *transports.Connection, r *http.Request) (transports.Session, error) {
			return a.openHub(hub, c, r)
		},
		Carriers: transports.Carriers{
			WebSocket: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				websocket.Serve(a.server, w, r, c, sockets)
			},
			SSE: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				sse.Serve(a.server, w, r, c, sse.Options{Hub: true})
			},
			Poll: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				longpoll.Serve(a.parker, w, r, c, polls)
			},
		},
	}
	h := func(c echo.Context) error {
		e.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	n := func(c echo.Context) error {
		e.ServeNegotiate(c.Response(), c.Request())
		return nil
	}
	g.Any(path, h)
	g.Any(path+"/negotiate", n)
	for _, p := range []string{full, full + "/negotiate"} {
		a.hubPaths[strings.ToLower(p)] = p
	}
}

// hubClient authenticates a request to a hub. Refusals have an empty body,
// from which SignalR's clients make their error texts; the Bitwarden family's
// sockets get that family's error object.
func (a *API) hubClient(w http.ResponseWriter, r *http.Request, bitwarden bool) (transports.Who, bool) {
	if !a.cfg.Origins.Allowed(r) {
		w.WriteHeader(http.StatusForbidden)
		return transports.Who{}, false
	}
	id, err := a.client(r)
	if err != nil {
		p := asProblem(err)
		a.metrics.problem(p.Status)
		if bitwarden && websocket.IsUpgrade(r) {
			writeBitwardenError(w, p)
		} else {
			w.WriteHeader(p.Status)
		}
		return transports.Who{}, false
	}
	return transports.Who{User: id.User, Identity: id, Addr: a.echo.IPExtractor(r)}, true
}

// writeBitwardenError answers with the error object of the Bitwarden family.
func writeBitwardenError(w http.ResponseWriter, p *Problem) {
	type model struct {
		Message string `json:"message"`
		Object  string `json:"object"`
	}
	b, err := json.Marshal(struct {
		Message          string              `json:"message"`
		ValidationErrors map[string][]string `json:"validationErrors"`
		ErrorModel       model               `json:"errorModel"`
		Error            string              `json:"error"`
		Description      string              `json:"error_description"`
		ExceptionMessage *string             `json:"exceptionMessage"`
		ExceptionStack   *string             `json:"exceptionStackTrace"`
		InnerException   *string             `json:"innerExceptionMessage"`
		Object           string              `json:"object"`
	}{
		Message: p.Title, ValidationErrors: map[string][]string{"": {p.Title}},
		ErrorModel: model{p.Title, "error"}, Object: "error",
	})
	if err != nil {
		w.WriteHeader(p.Status) // a struct of strings always marshals
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b)
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
	id, ok := c.Identity.(*auth.Identity)
	if !ok {
		return nil, errors.New("connection without an identity")
	}
	o := signalr.Options{User: id.User, Device: id.Device, IssuedAt: id.IssuedAt}
	if err := o.ReadQuery(transports.Query(r).Get); err != nil {
		return nil, &hubError{http.StatusBadRequest, "The cursor is not valid"}
	}
	if !a.perIP.enter(c.Addr) {
		return nil, &hubError{http.StatusTooManyRequests, "Too many connections"}
	}
	if a.cfg.MaxPerIP > 0 {
		c.OnEnd(func() { a.perIP.leave(c.Addr) })
	}
	s, err := hub.Open(c, o)
	switch {
	case errors.Is(err, broker.ErrTooManyConnections):
		return nil, &hubError{http.StatusTooManyRequests, "Too many connections"}
	case errors.Is(err, broker.ErrDraining):
		return nil, &hubError{http.StatusServiceUnavailable, ""}
	case err != nil:
		return nil, err
	}
	a.metrics.opened[c.Transport()].Inc()
	return s, nil
}
