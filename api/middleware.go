package api

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// recoverPanic turns a broken invariant into a 500 with a log entry.
func (a *API) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // a sentinel by contract
					panic(v)
				}
				a.metrics.panics.Inc()
				a.log.LogAttrs(c.Request().Context(), slog.LevelError, "handler panicked",
					slog.String("route", c.Path()), slog.Any("err", v), slog.String("stack", string(debug.Stack())))
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		return next(c)
	}
}

// cors answers preflights and marks answers, errors too, for allowed origins.
// Credentials need the exact origin, which is why "*" is never answered.
func (a *API) cors() echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOriginFunc: func(origin string) (bool, error) { return a.cfg.Origins.Contains(origin), nil },
		AllowMethods:    []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete},
		AllowHeaders: []string{
			"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID",
			"X-Requested-With", "X-SignalR-User-Agent",
		},
		AllowCredentials: !a.cfg.Origins.Any(),
		MaxAge:           600,
	})
}

// ipExtractor believes forwarded addresses from the named proxies only.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	o := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		bits := 32
		if p.Addr().Is6() {
			bits = 128
		}
		o = append(o, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}))
	}
	return echo.ExtractIPFromXFFHeader(o...)
}
