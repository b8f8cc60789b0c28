package api

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/transports"
)

// disconnectAnswer says what became of the connections.
type disconnectAnswer struct {
	Disconnected int    `json:"disconnected"`
	RefusedUntil *int64 `json:"refusedUntil"` // Unix milliseconds; null: nothing was set
}

// disconnect serves DELETE /users/{user}/connections. Whoever asks for it is named in
// the log.
func (a *API) disconnect(c echo.Context) error {
	who, err := a.backend(c, auth.ScopeAdmin)
	if err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	q, err := query(c.Request())
	if err != nil {
		return err
	}
	device, err := deviceOf(q)
	if err != nil {
		return err
	}
	in, err := readBody(c.Request(), maxDisconnectBytes)
	if err != nil {
		return err
	}
	asked, err := scanDisconnect(in.b)
	in.free()
	if err != nil {
		return err
	}
	var out disconnectAnswer
	if asked.refuse != nil {
		// Before the connections are looked for: whoever comes meanwhile is found
		// by one of the two, see admitted.
		now := time.Now()
		if !a.keptOut.set(user, device, now, *asked.refuse) {
			return problem("too-many-kept-out", "Let some in again with refuseSeconds 0, or raise max-kept-out. Nobody was disconnected.")
		}
		if *asked.refuse > 0 {
			out.RefusedUntil = new(now.Add(*asked.refuse).UnixMilli())
		}
	}
	connections := a.broker.ConnectionsOf(user, device)
	for i := range connections {
		if conn, ok := connections[i].Waker.(*transports.Connection); ok && conn.Disconnect(asked.reason) {
			out.Disconnected++
		}
	}
	a.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "connections ended by an administrator",
		slog.String("by", caller(who)), slog.String("user", user), slog.String("device", device),
		slog.Int("connections", out.Disconnected), slog.Any("refused_until", out.RefusedUntil))
	return answerJSON(c, http.StatusOK, out)
}

// caller names a backend in the log.
func caller(who *auth.Identity) string {
	if who.KeyName != "" {
		return "key:" + who.KeyName
	}
	return "user:" + who.User
}

// deviceOf reads the device that a query names. An empty one is an error: it would
// mean all.
func deviceOf(q map[string][]string) (string, error) {
	v, ok := q["device"]
	if !ok {
		return "", nil
	}
	if !auth.Usable(v[0], auth.MaxDeviceBytes) {
		return "", errDevice
	}
	return strings.Clone(v[0]), nil
}
