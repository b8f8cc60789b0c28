package check

import (
	"slices"

	"hubline/test/internal/client"
)

// gap checks that the range is exactly what is missing.
func (w *walk) gap(m *client.Message) {
	g := m.Gap
	if !slices.Contains(w.truth.Reasons, g.Reason) {
		w.fail(GapReason, "%d to %d %q cannot be in this configuration", g.From, g.To, g.Reason)
	}
	defer func() { w.owed = false }()
	// What was still kept at the welcome may be pushed out before it could be sent:
	// then "recovered" was true when it was said.
	if w.promised && g.From <= w.ready.Head && (g.From < w.ready.Oldest || g.Reason != "limit") && !w.ttl(g) {
		w.fail(FalseRecovered, "recovered was said (%+v), then the gap %d to %d %q", *w.ready, g.From, g.To, g.Reason)
	}
	if g.Reason == "epoch" {
		w.newLife(m)
		return
	}
	if !w.known && !w.begins(m) {
		w.fail(GapRange, "%d to %d %q, though only what is there was asked for", g.From, g.To, g.Reason)
		return
	}
	if w.resuming && w.ready != nil && w.pos.Seq+1 < w.ready.Oldest && g.To != w.ready.Oldest-1 {
		w.fail(GapRange, "%d to %d %q, but oldest is %d", g.From, g.To, g.Reason, w.ready.Oldest)
	}
	if g.From != w.pos.Seq+1 || g.To < g.From {
		w.fail(GapRange, "%d to %d %q after %s", g.From, g.To, g.Reason, w.pos)
	}
	if head := w.u.heads[w.pos.Epoch]; w.truth.LogEvents > 0 && g.To+w.truth.LogEvents > head {
		w.fail(GapRange, "%d to %d %q, but of %d events the newest %d are kept", g.From, g.To, g.Reason, head, w.truth.LogEvents)
	}
	if g.Reason == "expired" && !w.ttl(g) {
		w.fail(GapReason, "%d to %d %q, but not all of them have a time to live", g.From, g.To, g.Reason)
	}
	w.arrive(client.Cursor{Epoch: w.pos.Epoch, Seq: g.To})
	if m.SSEID != "" && m.Cursor != w.pos {
		w.fail(GapRange, "%d to %d carries the cursor %s", g.From, g.To, m.Cursor)
	}
}

// begins takes the gap for the beginning of what a client knows. Only a poll can
// begin so: it is not told where it was let in, and what was kept then may be pushed
// out before it is answered.
func (w *walk) begins(m *client.Message) bool {
	if w.asked.Transport != Poll || m.Gap.From < 1 || m.Gap.Reason == "ahead" {
		return false
	}
	w.pos, w.known = client.Cursor{Epoch: m.Cursor.Epoch, Seq: m.Gap.From - 1}, true
	return true
}

// newLife follows a gap that says that the epoch changed.
func (w *walk) newLife(m *client.Message) {
	g := m.Gap
	if g.From != 0 || !w.resuming {
		w.fail(GapRange, "%d to %d %q in the middle of a stream, or not from 0", g.From, g.To, g.Reason)
	}
	if w.ready != nil && g.To != w.ready.Oldest-1 {
		w.fail(GapRange, "%d to %d %q, but oldest is %d", g.From, g.To, g.Reason, w.ready.Oldest)
	}
	w.pos, w.known, w.anyLife, w.resuming = client.Cursor{Seq: g.To}, true, true, false
	if m.SSEID == "" {
		return
	}
	if m.Cursor.Seq != g.To || m.Cursor.Epoch == w.from.Epoch {
		w.fail(GapRange, "%d to %d %q after %s carries the cursor %s", g.From, g.To, g.Reason, w.from, m.Cursor)
	}
	w.arrive(m.Cursor)
}

// ttl reports whether everything in the gap could expire on its own.
func (w *walk) ttl(g client.Missing) bool {
	for s := g.From; s <= g.To; s++ {
		if e := w.u.at[client.Cursor{Epoch: w.pos.Epoch, Seq: s}]; e == nil || !e.TTL {
			return false
		}
	}
	return true
}
