package api

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/native"
	"hubline/transports"
)

// replayAnswer says what was delivered again, or would be.
type replayAnswer struct {
	Epoch       string             `json:"epoch"`
	From        uint64             `json:"from"`
	To          uint64             `json:"to"`
	DryRun      bool               `json:"dryRun"`
	Matching    int                `json:"matching"`
	Sent        int                `json:"sent"`
	NotSent     int                `json:"notSent"`
	Gaps        []native.Gap       `json:"gaps"`
	Connections []replayConnection `json:"connections"`
	Events      []replayEvent      `json:"events,omitempty"`
}

// replayConnection is one recipient.
type replayConnection struct {
	ConnectionID string  `json:"connectionId"`
	Transport    string  `json:"transport"`
	Device       *string `json:"device"`
	Sent         int     `json:"sent"`
	NotSent      int     `json:"notSent"`
	Last         *uint64 `json:"last"` // seq of the last event sent
}

// replayEvent is an event as a dry run lists it.
type replayEvent struct {
	Seq          uint64 `json:"seq"`
	ID           string `json:"id"`
	Type         string `json:"type"`
	TS           int64  `json:"ts"`
	Device       string `json:"device,omitempty"`
	ExceptDevice string `json:"exceptDevice,omitempty"`
}

// replay serves POST /users/{user}/replays: events of the log are delivered once more.
// Whoever asks for it is named in the log.
func (a *API) replay(c echo.Context) error {
	who, err := a.backend(c, auth.ScopeAdmin)
	if err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	in, err := readBody(c.Request(), maxReplayBytes)
	if err != nil {
		return err
	}
	asked, err := scanReplay(in.b)
	in.free()
	if err != nil {
		return err
	}
	r, err := a.broker.Redeliver(user, asked.redelivery())
	if err != nil {
		return err
	}
	out := newReplayAnswer(&r, asked.dryRun)
	a.auditReplay(c, who, user, &asked, out)
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = noStore
	return writeBody(c.Response(), http.StatusOK, jsonType, b)
}

// auditReplay counts and logs.
func (a *API) auditReplay(c echo.Context, who *auth.Identity, user string, asked *replayBody, out *replayAnswer) {
	if !asked.dryRun {
		a.metrics.replays.Inc()
		a.metrics.redelivered.Add(float64(out.Sent))
		a.metrics.notRedelivered.Add(float64(out.NotSent))
	}
	until := ""
	if asked.until != nil {
		until = asked.until.String()
	}
	a.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "events redelivered",
		slog.String("by", caller(who)), slog.String("user", user), slog.String("since", asked.since.String()), slog.String("until", until),
		slog.Any("types", asked.types), slog.String("device", asked.device), slog.Bool("dry_run", asked.dryRun),
		slog.Int("events", out.Matching), slog.Int("connections", len(out.Connections)),
		slog.Int("sent", out.Sent), slog.Int("not_sent", out.NotSent))
}

// newReplayAnswer lists connections by device and id.
func newReplayAnswer(r *broker.Redelivered, dryRun bool) *replayAnswer {
	out := &replayAnswer{
		Epoch: r.Epoch, From: r.From, To: r.To, DryRun: dryRun, Matching: r.Events,
		Gaps: make([]native.Gap, 0, len(r.Gaps)), Connections: make([]replayConnection, 0, len(r.Recipients)),
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, native.Gap{From: g.From, To: g.To, Reason: g.Reason})
	}
	for i := range r.Recipients {
		one := newReplayConnection(&r.Recipients[i])
		out.Sent += one.Sent
		out.NotSent += one.NotSent
		out.Connections = append(out.Connections, one)
	}
	slices.SortFunc(out.Connections, func(a, b replayConnection) int {
		return cmp.Or(cmp.Compare(deref(a.Device), deref(b.Device)), cmp.Compare(a.ConnectionID, b.ConnectionID))
	})
	for _, e := range r.Listed {
		ev := e.Event
		out.Events = append(out.Events, replayEvent{
			Seq: e.Seq, ID: ev.ID, Type: ev.Type, TS: ev.Time, Device: ev.Device, ExceptDevice: ev.ExceptDevice,
		})
	}
	return out
}

func newReplayConnection(to *broker.Recipient) replayConnection {
	one := replayConnection{Sent: to.Sent, NotSent: to.Rejected}
	if conn, ok := to.Waker.(interface {
		ConnectionID() string
		Transport() transports.Transport
	}); ok {
		one.ConnectionID, one.Transport = conn.ConnectionID(), conn.Transport().Label()
	}
	if to.Device != "" {
		one.Device = &to.Device
	}
	if to.Last > 0 {
		one.Last = &to.Last
	}
	return one
}

// deref is the text, or an empty one.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
