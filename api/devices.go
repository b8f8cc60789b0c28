package api

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
)

// devicesAnswer is what GET /users/{user}/devices says.
type devicesAnswer struct {
	Epoch   string         `json:"epoch"`
	Head    uint64         `json:"head"`
	Devices []deviceAnswer `json:"devices"`
}

// deviceAnswer is one device. What is not known is null.
type deviceAnswer struct {
	Device      string  `json:"device"`
	Online      bool    `json:"online"`
	Connections int     `json:"connections"`
	Cursor      *string `json:"cursor"`
	Lag         *uint64 `json:"lag"`      // events after the cursor, those for others included
	LastSeen    *int64  `json:"lastSeen"` // Unix milliseconds
}

// userDevices serves GET /users/{user}/devices.
func (a *API) userDevices(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	devices, log := a.broker.Devices(user, a.stored)
	out := devicesAnswer{Epoch: log.Epoch, Head: log.Head, Devices: make([]deviceAnswer, 0, len(devices))}
	for i := range devices {
		d := &devices[i]
		one := deviceAnswer{Device: d.Name, Online: d.Connections > 0, Connections: d.Connections}
		if d.Cursor != nil {
			one.Cursor = new(d.Cursor.String())
			if d.Cursor.Epoch == log.Epoch {
				one.Lag = new(log.Head - min(log.Head, d.Cursor.Seq))
			}
		}
		if !d.LastSeen.IsZero() {
			one.LastSeen = new(d.LastSeen.UnixMilli())
		}
		out.Devices = append(out.Devices, one)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = noStore
	return writeBody(c.Response(), http.StatusOK, jsonType, b)
}
