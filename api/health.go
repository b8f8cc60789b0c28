package api

import (
	_ "embed"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/broker"
)

//go:embed openapi.yaml
var openapiYAML []byte

// healthz tells that the process answers.
func (a *API) healthz(c echo.Context) error { return health(c, "ok\n") }

// readyz tells whether traffic should come here: it takes every lock of the
// data path once, so that it hangs if that does. It is 503 while the server
// stops, as long as it cannot check tokens, and when the log on disk has failed.
func (a *API) readyz(c echo.Context) error {
	if a.draining.Load() {
		return broker.ErrDraining
	}
	if err := a.verify.Ready(); err != nil {
		return err
	}
	if err := a.broker.Err(); err != nil {
		return err
	}
	a.broker.Stats()
	a.broker.Store().Stats()
	return health(c, "ready\n")
}

// health answers with the state of this moment, which no proxy may keep.
func health(c echo.Context, state string) error {
	c.Response().Header()["Cache-Control"] = noStore
	return c.String(http.StatusOK, state)
}

// alive is what health checks of the Bitwarden family ask for: the date.
func (a *API) alive(c echo.Context) error {
	c.Response().Header()["Cache-Control"] = noStore
	return c.JSON(http.StatusOK, time.Now().UTC().Format(time.RFC3339Nano))
}

func (a *API) openapi(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", openapiYAML)
}
