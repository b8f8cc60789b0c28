package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"hubline/internal/loopback"
)

// demoSession gives the page a token in demo mode.
func (a *API) demoSession(c echo.Context) error {
	user, token, err := a.cfg.Demo()
	if err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = noStore
	return c.JSON(http.StatusOK, map[string]string{
		"user": user, "token": token,
		"note": "This server runs with --demo: anybody who reaches it may watch the user " + user + ".",
	})
}

// demoKey gives the page on this machine the demo's API key, so that its views
// for administrators can be tried without pasting one. It is a POST, so that
// browsers name the origin, and answers nobody but the server's own page:
// neither another site's, nor one whose name was made to resolve here. Whoever
// gets around that from this machine, with a program, has a key that reads and
// replays imaginary backups.
func (a *API) demoKey(c echo.Context) error {
	if !loopback.OwnPage(c.Request()) {
		return problem("demo-key", "It is for the page at / in a browser on the server's own machine. Paste an API key instead.")
	}
	c.Response().Header()["Cache-Control"] = noStore
	return c.JSON(http.StatusOK, map[string]string{"key": a.cfg.DemoKey})
}
