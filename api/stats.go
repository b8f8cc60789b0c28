package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/transports"
)

// DiskUse is the log on disk as GET /stats shows it.
type DiskUse struct {
	Bytes   int64  `json:"bytes"`
	Records uint64 `json:"records"`
}

// statsAnswer is what GET /stats says. Totals are since the start.
type statsAnswer struct {
	UptimeSeconds float64         `json:"uptimeSeconds"`
	Users         userStats       `json:"users"`
	Connections   connectionStats `json:"connections"`
	Events        eventStats      `json:"events"`
	Gaps          uint64          `json:"gaps"`
	Log           logStats        `json:"log"`
	Rates         ratesAnswer     `json:"rates"`
	Limits        map[string]any  `json:"limits"`
}

type userStats struct {
	Online  int `json:"online"`
	WithLog int `json:"withLog"`
	KeptOut int `json:"keptOut"`
}

type connectionStats struct {
	Total       int            `json:"total"`
	Negotiated  int            `json:"negotiated"`
	ByTransport map[string]int `json:"byTransport"`
	ByDialect   map[string]int `json:"byDialect"`
}

type eventStats struct {
	Published  uint64 `json:"published"`
	Duplicates uint64 `json:"duplicates"`
	Delivered  uint64 `json:"delivered"`
	Replayed   uint64 `json:"replayed"`
}

type logStats struct {
	Events int64    `json:"events"`
	Bytes  int64    `json:"bytes"`
	Disk   *DiskUse `json:"disk"` // null: events are in memory alone
}

// stats serves GET /stats.
func (a *API) stats(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	now := time.Now()
	b, s := a.broker.Stats(), a.broker.Store().Stats()
	out := statsAnswer{
		UptimeSeconds: now.Sub(a.started).Seconds(),
		Users:         userStats{b.Users, s.Users, a.keptOut.held()},
		Connections:   a.connectionStats(),
		Events:        eventStats{b.Published, b.Duplicates, b.Delivered, b.Replayed},
		Gaps:          b.Gaps,
		Log:           logStats{Events: int64(s.Events), Bytes: int64(s.Bytes)},
		Rates:         a.rates.until(newSample(now, &b)),
		Limits:        a.cfg.Limits,
	}
	if out.Limits == nil {
		out.Limits = map[string]any{}
	}
	if a.disk != nil {
		use := a.disk()
		out.Log.Disk = &use
	}
	return answerJSON(c, http.StatusOK, out)
}

// connectionStats counts the live connections.
func (a *API) connectionStats() connectionStats {
	st := connectionStats{Negotiated: a.server.Negotiated(), ByTransport: map[string]int{}, ByDialect: map[string]int{}}
	for _, t := range transports.All() {
		st.ByTransport[t.Label()] = 0
	}
	for _, d := range []string{dialectNative, dialectSignalR, dialectBitwarden} {
		st.ByDialect[d] = 0
	}
	a.broker.Connections(func(list []broker.Connection) bool {
		for i := range list {
			if conn, ok := list[i].Waker.(*transports.Connection); ok {
				st.Total++
				st.ByTransport[conn.Transport().Label()]++
				st.ByDialect[a.dialectOf(conn)]++
			}
		}
		return true
	})
	return st
}
