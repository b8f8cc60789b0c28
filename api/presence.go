package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
)

// presenceAnswer is what GET /users/{user}/presence says.
type presenceAnswer struct {
	Online      bool     `json:"online"`
	Connections int      `json:"connections"`
	Devices     []string `json:"devices"` // of the connections that name one, each once, sorted
}

// presence serves GET /users/{user}/presence.
func (a *API) presence(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	connections := a.broker.ConnectionsOf(user, "")
	out := presenceAnswer{Online: len(connections) > 0, Connections: len(connections), Devices: []string{}}
	for i := range connections {
		if d := connections[i].Device; d != "" {
			out.Devices = append(out.Devices, d)
		}
	}
	slices.Sort(out.Devices)
	out.Devices = slices.Compact(out.Devices)
	return answerJSON(c, http.StatusOK, out)
}
