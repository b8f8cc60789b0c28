package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"hubline/api/auth"
	"hubline/api/webhook"
	"hubline/broker"
	"hubline/longpoll"
	"hubline/native"
	"hubline/signalr"
	"hubline/transports"
)

// Config of the HTTP surface. Its limits have no defaults here: package
// internal/config has them, with their reasons.
type Config struct {
	BasePath        string // "" or "/realtime": before every route
	MaxPublishBytes int64
	MaxBatchItems   int
	MaxBatchBytes   int64
	MaxMessageBytes int64
	MaxBodies       int64 // bytes of the bodies of all requests together; zero: no limit
	BodyTimeout     time.Duration
	TicketTTL       time.Duration
	NegotiateTTL    time.Duration
	// CloseOnExpiry ends connections of hubs when their token does.
	CloseOnExpiry bool
	// StatefulReconnect lets clients of hubs ask for stateful reconnect.
	StatefulReconnect bool
	PingInterval      time.Duration
	ClientTimeout     time.Duration
	HandshakeTime     time.Duration
	PollTimeout       time.Duration
	MaxPerIP          int // zero: no limit
	TrustedProxies    []netip.Prefix
	ForwardedHeader   string // in which they tell the client's address; empty: x-forwarded-for
	Callers           Limits // what callers may do
	Origins           auth.Origins
	// TokenCookie, if set, is the cookie that may hold a client's token.
	TokenCookie string
	// RevocationTTL is how long a revocation is remembered. Tokens must not live longer.
	RevocationTTL time.Duration
	// Webhook, if set, decides who may join private channels, besides the tokens.
	Webhook    *webhook.Authorizer
	MaxKeptOut int            // users and devices refused by administrators
	Limits     map[string]any // the limits in force, as GET /stats shows them, by flag
	// Demo, if set, answers GET demo/session: a token for the page.
	Demo func() (user, token string, err error)
	// DemoKey, if set, is what POST demo/key gives to a page on the server's own
	// machine: an API key, which Deps.Keys knows, for that user alone.
	DemoKey string
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
	Page     http.Handler // of / and /console/; nil: no page
	// StoredDevices, if set, knows devices of a user that only a durable store
	// remembers.
	StoredDevices func(user string) []broker.Device
	// Disk, if set, tells how large the log on disk is.
	Disk func() DiskUse
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

	webhook *webhook.Authorizer // nil: there is none

	stored     func(user string) []broker.Device
	corsOff    bool // no other origin is allowed
	clientAddr func(*http.Request) netip.Addr
	hubs       []*mountedHub
	hubPaths   []string                    // as mounted, negotiate's too
	refuse     map[string]http.HandlerFunc // of hubPaths: answers methods that are not served
	metrics    *metrics
	perIP      *counter
	anonymous  *anonymous
	limits     *limits
	refused    refusals
	draining   atomic.Bool
	bodies     bodyRoom
	delayed    atomic.Uint64     // messages of native clients that were read later
	dialects   map[string]string // of hubs, by the path as mounted
	keptOut    keepouts
	revoking   sync.Mutex // one at a time, or the disk may know another than the memory
	rates      rates
	disk       func() DiskUse
	started    time.Time
}

// mountedHub is a hub and the name that it has in metrics.
type mountedHub struct {
	name string
	hub  *signalr.Hub
}

// New returns the API.
func New(cfg Config, d Deps) *API {
	a := &API{
		cfg: cfg, echo: echo.New(), broker: d.Broker, server: d.Server, parker: d.Parker,
		verify: d.Verifier, keys: d.Keys, log: d.Logger,
		native:     native.Config{PingInterval: cfg.PingInterval, MaxMessageBytes: int(cfg.MaxMessageBytes), MessageRate: cfg.Callers.Messages}.WithDefaults(),
		stored:     d.StoredDevices,
		corsOff:    len(cfg.Origins.Strings()) == 0,
		clientAddr: clientAddr(cfg.TrustedProxies, cfg.ForwardedHeader),
		perIP:      newCounter(cfg.MaxPerIP),
		anonymous:  newAnonymous(cfg.Callers.MaxAnonymous, cfg.Callers.MaxAnonymousPerIP),
		limits:     newLimits(cfg.Callers),
		bodies:     bodyRoom{limit: cfg.MaxBodies},
		refused:    refusals{log: d.Logger},
		webhook:    cfg.Webhook,
		keptOut:    keepouts{limit: cfg.MaxKeptOut},
		disk:       d.Disk,
		started:    time.Now(),
		dialects:   make(map[string]string),
		refuse:     make(map[string]http.HandlerFunc),
	}
	a.native.Channels, a.native.Renew = a.connectionMembership, a.renewConnection
	e := a.echo
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = a.fail
	e.IPExtractor, e.SchemeExtractor = a.clientIP, schemeOf // echo believes headers of everybody
	a.native.Delayed = &a.delayed
	a.routes(d)
	a.metrics = newMetrics(d.Registry, a)
	return a
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Drain makes /readyz answer 503 from now on, and /events/negotiate too.
func (a *API) Drain() { a.draining.Store(true) }

// ServeHTTP implements http.Handler. What concerns every request stands here
// and not in echo's middleware, which is put together anew for each of them.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.canonicalPath(r)
	if r.ProtoMajor == 2 {
		w = newStream(w, a.server.SendTimeout())
	}
	if a.cors(w, r) {
		return
	}
	if r.ContentLength != 0 {
		if b := a.limitBody(w, r); b != nil {
			defer b.release()
		}
	}
	a.echo.ServeHTTP(w, r)
}
