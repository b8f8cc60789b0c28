package api

import (
	"github.com/labstack/echo/v4"
)

// hubs mounts the SignalR hubs.
func (a *API) hubs(_ *echo.Group) {}
