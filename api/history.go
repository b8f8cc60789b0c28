package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
	"hubline/native"
	"hubline/replay"
)

// Bounds of one answer: how much is read from the log at a time, and after how
// many bytes of envelopes an answer is full, whatever the limit asked for.
const (
	historyPage  = 64 << 10
	historyBytes = 1 << 20
)

// userEvents serves GET /users/{user}/events: what is kept of a user's log, in
// order. Reading acknowledges nothing and moves nobody's cursor.
func (a *API) userEvents(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
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
	h := history{since: replay.Since{Kind: replay.SinceAll}}
	if text := q.Get("since"); text != "" {
		// A backend has no device of its own whose cursor could be meant.
		if h.since, err = replay.ParseSince(text); err != nil || h.since.Kind == replay.SinceDevice {
			return errCursor
		}
	}
	if h.filter, err = logFilterOf(q); err != nil {
		return err
	}
	if h.limit, err = limitOf(q); err != nil {
		return err
	}
	h.read(a.broker.Store(), user)
	out := bodies.Get().(*body)
	defer out.free()
	if out.b, err = h.appendTo(out.b[:0]); err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = noStore
	return writeBody(c.Response(), http.StatusOK, jsonType, out.b)
}

// history is one look into a log.
type history struct {
	since  replay.Since
	limit  int
	filter logFilter

	state  replay.State
	pos    uint64 // everything up to here has been passed
	gap    *replay.Gap
	n      int
	events []byte // envelopes with commas between them
}

// read fills the history. Should the log begin another life in the middle (it was
// evicted, and what is remembered of it too), the answer ends there, in the old
// epoch; the next one announces the gap.
func (h *history) read(store *replay.Store, user string) {
	sv := store.Survey(user, h.since, nil)
	h.state, h.pos, h.gap = sv.State, sv.Start, sv.Lost
	var page [32]replay.Entry
	for h.n < h.limit && len(h.events) < historyBytes {
		entries, state := store.Read(user, h.pos, page[:0], historyPage, nil) // what is lost may have been of any type
		if state.Epoch != h.state.Epoch {
			return
		}
		h.state = state
		if len(entries) == 0 || !h.take(entries) {
			return
		}
	}
}

// take lays the entries out. It reports false when the answer is full, or ends
// before a gap: an answer has one gap at most, before its first event, so the
// next one begins with it.
func (h *history) take(entries []replay.Entry) (more bool) {
	for _, e := range entries {
		switch {
		case e.Lost != nil:
			if h.n > 0 || h.gap != nil {
				return false
			}
			h.gap = e.Lost
		case h.n == h.limit:
			return false
		case h.filter.wants(e.Event):
			if h.n++; h.n > 1 {
				h.events = append(h.events, ',')
			}
			h.events = native.AppendEvent(h.events, e.Event, h.state.Epoch, e.Seq)
		}
		h.pos = e.Seq
	}
	return true
}

// appendTo appends the answer.
func (h *history) appendTo(b []byte) ([]byte, error) {
	gap := []byte("null")
	if h.gap != nil {
		var err error
		gap, err = json.Marshal(native.Gap{From: h.gap.From, To: h.gap.To, Reason: h.gap.Reason})
		if err != nil {
			return b, err
		}
	}
	b = append(b, `{"epoch":`...)
	b = jsonscan.AppendString(b, h.state.Epoch)
	b = append(b, `,"head":`...)
	b = strconv.AppendUint(b, h.state.Head, 10)
	b = append(b, `,"oldest":`...)
	b = strconv.AppendUint(b, h.state.Oldest, 10)
	b = append(b, `,"events":[`...)
	b = append(b, h.events...)
	b = append(b, `],"cursor":"`...)
	b = replay.Cursor{Epoch: h.state.Epoch, Seq: h.pos}.AppendTo(b)
	b = append(b, `","gap":`...)
	return append(append(b, gap...), '}'), nil
}
