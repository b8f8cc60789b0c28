package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/longpoll"
	"hubline/native"
	"hubline/transports"
)

// Config of the HTTP surface.
type Config struct {
	BasePath        string
	MaxPublishBytes int64
	MaxBatchItems   int
	MaxBatchBytes   int64
	MaxMessageBytes int64
	BodyTimeout     time.Duration
	TicketTTL       time.Duration
	NegotiateTTL    time.Duration
	PingInterval    time.Duration
	ClientTimeout   time.Duration
	HandshakeTime   time.Duration
	PollTimeout     time.Duration
	MaxPerIP        int
	TrustedProxies  []netip.Prefix
	Origins         auth.Origins
	OriginList      []string
	// Demo, if set, answers GET demo/session: a token for the page.
	Demo func() (user, token string, err error)
}

// Deps are what the API stands on.
type Deps struct {
	Broker   *broker.Broker
	Server   *transports.Server
	Parker   *longpoll.Parker
	Verifier *auth.Verifier
	Keys     []*auth.Keys // looked through in order
	Registry *prometheus.Registry
	Logger   *slog.Logger
	Page     http.Handler
}

// API is the HTTP handler of everything. It is safe for concurrent use.
type API struct {
	cfg    Config
	echo   *echo.Echo
	broker *broker.Broker
	server *transports.Server
	parker *longpoll.Parker
	verify *auth.Verifier
	keys   []*auth.Keys
	log    *slog.Logger
	native native.Config

	events   []transports.Transport // what /events offers
	hubPaths map[string]string      // lower case → as mounted
	metrics  *metrics
	perIP    *counter
	draining atomic.Bool
}

// New returns the API.
func New(cfg Config, d Deps) *API {
	a := &API{
		cfg: cfg, echo: echo.New(), broker: d.Broker, server: d.Server, parker: d.Parker,
		verify: d.Verifier, keys: d.Keys, log: d.Logger,
		native: native.Config{PingInterval: cfg.PingInterval, MaxMessageBytes: int(cfg.MaxMessageBytes)}.WithDefaults(),
		events: transports.All(), hubPaths: map[string]string{},
		metrics: newMetrics(d.Registry, d.Broker, d.Server, d.Parker),
		perIP:   newCounter(cfg.MaxPerIP),
	}
	e := a.echo
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = a.fail
	e.IPExtractor = ipExtractor(cfg.TrustedProxies)
	e.Pre(a.canonicalPath)
	e.Use(a.recoverPanic, a.cors())
	a.routes(d)
	return a
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }

// Drain makes /readyz answer 503 from now on.
func (a *API) Drain() { a.draining.Store(true) }

// routes mounts everything below the base path.
func (a *API) routes(d Deps) {
	g := a.echo.Group(a.cfg.BasePath)
	g.GET("/healthz", a.healthz)
	g.GET("/readyz", a.readyz)
	g.GET("/alive", a.alive)
	g.GET("/metrics", a.serveMetrics(d.Registry))
	g.GET("/api/openapi.yaml", a.openapi)
	g.GET("/problems/:slug", a.problemPage)

	v1 := g.Group("/api/v1", a.refuseQuerySecrets, a.slowBody)
	v1.POST("/users/:user/events", a.publishUser)
	v1.POST("/broadcasts", a.broadcast)
	v1.POST("/events:batch", a.batch)

	g.GET("/events", a.serveEvents)
	g.GET("/ws", a.serveSocket)
	g.POST("/events/negotiate", a.negotiate)
	a.hubs(g)

	if a.cfg.Demo != nil {
		g.GET("/demo/session", a.demoSession)
	}
	if d.Page != nil {
		page := echo.WrapHandler(d.Page)
		g.GET("/*", page)
		g.HEAD("/*", page)
		if a.cfg.BasePath != "" {
			g.GET("", func(c echo.Context) error { return c.Redirect(http.StatusPermanentRedirect, a.cfg.BasePath+"/") })
		}
	}
}

// fail is echo's error handler: every error becomes a problem.
func (a *API) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := asProblem(err)
	if p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusNotImplemented {
		a.log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("route", c.Path()), slog.Any("err", err))
	}
	a.metrics.problem(p.Status)
	writeProblem(c.Response(), p)
}

// require authenticates a backend and checks its scope.
func (a *API) require(c echo.Context, scope auth.Scope) (*auth.Identity, error) {
	token, ok := auth.FromRequest(c.Request(), false)
	if !ok {
		return nil, auth.ErrNoToken
	}
	id, err := a.identify(c.Request().Context(), token)
	if err != nil {
		return nil, err
	}
	if !id.Scopes.Has(scope) {
		return nil, problem(http.StatusForbidden, "scope", "Not allowed",
			"This call needs the scope "+scope.String()+".")
	}
	return id, nil
}

// identify tells who has the token or API key.
func (a *API) identify(ctx context.Context, token string) (*auth.Identity, error) {
	for _, k := range a.keys {
		if id, ok := k.Lookup(token); ok {
			return id, nil
		}
	}
	return a.verify.Verify(ctx, token)
}

// client authenticates a subscriber: a token with a user.
func (a *API) client(r *http.Request) (*auth.Identity, error) {
	token, ok := auth.FromRequest(r, true)
	if !ok {
		return nil, auth.ErrNoToken
	}
	id, err := a.verify.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if id.User == "" {
		return nil, auth.ErrNoSubject
	}
	return id, nil
}

var errOrigin = problem(http.StatusForbidden, "origin", "This origin may not connect",
	"Add it to allowed-origins.")

// refuseQuerySecrets keeps backend credentials out of URLs, and so out of logs.
func (a *API) refuseQuerySecrets(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if raw := c.Request().URL.RawQuery; raw != "" {
			for k := range transports.Query(c.Request()) {
				switch k {
				case "access_token", "api_key", "apikey", "token":
					return badRequest("Secrets are not taken from the query here: send Authorization: Bearer.")
				}
			}
		}
		return next(c)
	}
}

// slowBody bounds how long a body may take to arrive.
func (a *API) slowBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength == 0 || r.Body == http.NoBody {
			return next(c)
		}
		rc := http.NewResponseController(c.Response())
		if err := rc.SetReadDeadline(time.Now().Add(a.cfg.BodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return next(c)
	}
}

// canonicalPath gives the paths of hubs the spelling under which they are
// mounted: clients of SignalR spell them as they like.
func (a *API) canonicalPath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		for i := range len(u.Path) {
			if b := u.Path[i]; b >= 'A' && b <= 'Z' {
				if p, ok := a.hubPaths[strings.ToLower(u.Path)]; ok {
					u.Path, u.RawPath = p, ""
				}
				break
			}
		}
		return next(c)
	}
}
