package api

import (
	_ "embed"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed openapi.yaml
var openapiYAML []byte

// healthz tells that the process answers.
func (a *API) healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readyz tells whether traffic should come here: it takes every lock of the
// data path once, so that it hangs if that does, and is 503 while draining.
func (a *API) readyz(c echo.Context) error {
	if a.draining.Load() {
		return problem(http.StatusServiceUnavailable, "stopping", "The server is stopping", "")
	}
	a.broker.Stats()
	a.broker.Store().Stats()
	return c.String(http.StatusOK, "ready\n")
}

// alive is what health checks of the Bitwarden family ask for: the date.
func (a *API) alive(c echo.Context) error {
	return c.JSON(http.StatusOK, time.Now().UTC().Format(time.RFC3339Nano))
}

func (a *API) openapi(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", openapiYAML)
}

// demoSession gives the page a token in demo mode.
func (a *API) demoSession(c echo.Context) error {
	user, token, err := a.cfg.Demo()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{
		"user": user, "token": token,
		"note": "This server runs with --demo: anybody who reaches it may watch the user " + user + ".",
	})
}
