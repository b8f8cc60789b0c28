package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"
)

// routes mounts everything below the base path. openapi.yaml lists the same
// operations; a test compares them.
func (a *API) routes(d Deps) {
	a.get("/healthz", a.healthz)
	a.get("/readyz", a.readyz)
	a.get("/alive", a.alive)
	a.get("/metrics", serveMetrics(d.Registry))
	a.get("/api/openapi.yaml", a.openapi)
	a.get("/problems/:slug", a.problemPage)

	a.get("/api/v1/users/:user/events", refuseQuerySecrets(a.userEvents))
	a.post("/api/v1/users/:user/events", refuseQuerySecrets(a.publishUser))
	a.post("/api/v1/users/:user/replays", refuseQuerySecrets(a.replay))
	a.get("/api/v1/users/:user/devices", refuseQuerySecrets(a.userDevices))
	a.get("/api/v1/users/:user/presence", refuseQuerySecrets(a.presence))
	a.mount(http.MethodDelete, "/api/v1/users/:user/connections", refuseQuerySecrets(a.disconnect))
	a.get("/api/v1/connections", refuseQuerySecrets(a.connections))
	a.get("/api/v1/stats", refuseQuerySecrets(a.stats))
	a.post("/api/v1/channels/:channel/events", refuseQuerySecrets(a.publishChannel))
	a.get("/api/v1/channels/:channel/members", refuseQuerySecrets(a.channelMembers))
	a.mount(http.MethodPut, "/api/v1/channels/:channel/members/:user", refuseQuerySecrets(a.putMember))
	a.mount(http.MethodDelete, "/api/v1/channels/:channel/members/:user", refuseQuerySecrets(a.deleteMember))
	a.get("/api/v1/users/:user/channels", refuseQuerySecrets(a.userChannels))
	a.post("/api/v1/tokens:revoke", refuseQuerySecrets(a.revoke))
	a.post("/api/v1/broadcasts", refuseQuerySecrets(a.broadcast))
	a.post("/api/v1/events:batch", refuseQuerySecrets(a.batch))

	a.post("/internal/notify", refuseQuerySecrets(a.notify))
	a.get("/internal/online", refuseQuerySecrets(a.onlineDevices))

	// Not get: a HEAD has no use for a stream, and would wait for it.
	a.mount(http.MethodGet, "/events", a.serveEvents)
	a.mount(http.MethodGet, "/ws", a.inPlainWords(a.serveSocket))
	a.post("/events/negotiate", a.negotiate)
	a.post("/events/renew", a.renewEvents)
	a.post("/channels/subscribe", a.subscribeChannel)
	a.post("/channels/unsubscribe", a.unsubscribeChannel)
	a.get("/channels/:channel/members", a.clientMembers)
	a.mountHubs()

	if a.cfg.Demo != nil {
		a.get("/demo/session", a.demoSession)
	}
	if a.cfg.DemoKey != "" {
		a.post("/demo/key", a.demoKey)
	}
	if d.Page != nil {
		page := echo.WrapHandler(d.Page)
		a.get("/", page)
		a.get("/console/*", page)
		if a.cfg.BasePath != "" {
			a.get("", page)
		}
	}
}

func (a *API) post(path string, h echo.HandlerFunc) { a.mount(http.MethodPost, path, h) }

// get mounts a GET, and the HEAD that every GET without a stream implies (RFC
// 9110, section 9.1). The HTTP server drops the body.
func (a *API) get(path string, h echo.HandlerFunc) {
	a.mount(http.MethodGet, path, h)
	a.mount(http.MethodHead, path, h)
}

// mount mounts a route. A colon that does not begin a segment, as in
// events:batch, is a plain character, where echo would begin a parameter.
func (a *API) mount(method, path string, h echo.HandlerFunc) {
	parts := strings.Split(a.cfg.BasePath+path, "/")
	for i, part := range parts {
		if k := strings.IndexByte(part, ':'); k > 0 {
			parts[i] = part[:k] + `\` + part[k:]
		}
	}
	a.echo.Add(method, strings.Join(parts, "/"), a.recovered(h))
}

// recovered turns a broken invariant into a 500 with a log entry.
func (a *API) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // a sentinel by contract
				panic(v)
			}
			a.metrics.panics.Inc()
			a.log.LogAttrs(c.Request().Context(), slog.LevelError, "handler panicked",
				slog.String("route", c.Path()), slog.Any("err", v), slog.String("stack", string(debug.Stack())))
			err = panicError{fmt.Sprint(v)}
		}()
		return next(c)
	}
}

// panicError is what a recovered panic becomes; it has been logged already.
type panicError struct{ text string }

func (e panicError) Error() string { return "panic: " + e.text }
