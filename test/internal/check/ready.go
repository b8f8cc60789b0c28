package check

import "hubline/test/internal/client"

// welcomed checks hubline.ready: its numbers against each other, against what was
// asked, and "recovered" against both.
func (w *walk) welcomed(m *client.Message) {
	r := m.Ready
	w.ready = &r
	if w.began {
		w.fail(Swapped, "ready was not the first message")
	}
	if r.Oldest < 1 || r.Oldest > r.Head+1 || m.Cursor.String() != r.Cursor {
		w.fail(Miscounted, "%+v", r)
		return
	}
	if n := w.truth.LogEvents; n > 0 && r.Oldest != max(1, sub(r.Head+1, n)) {
		w.fail(Miscounted, "oldest is %d, but of %d events the newest %d are kept", r.Oldest, r.Head, n)
	}
	floor := r.Oldest - 1
	switch w.asked.Since {
	case "latest":
		if m.Cursor.Seq != r.Head || r.Replayed != 0 || !r.Recovered {
			w.fail(Miscounted, "latest was asked for: %+v", r)
		}
		w.arrive(m.Cursor)
	case "0":
		if m.Cursor.Seq != floor {
			w.fail(Miscounted, "all was asked for, and it begins after %s: %+v", m.Cursor, r)
		}
		w.arrive(m.Cursor)
		w.judge(floor == 0, r)
		w.promised = r.Recovered
		w.count(m.Cursor, r)
	default:
		w.resumed(m, floor)
	}
}

// resumed checks the answer to a cursor.
func (w *walk) resumed(m *client.Message, floor uint64) {
	r := m.Ready
	if m.Cursor.Epoch != w.from.Epoch || m.Cursor.Seq != w.from.Seq {
		w.fail(Miscounted, "resumed from %s and told %s", w.from, m.Cursor)
		return
	}
	whole := w.from.Seq >= floor && w.from.Seq <= r.Head
	if w.anotherLife(r) {
		whole = false
	}
	w.judge(whole, r)
	w.promised, w.owed = r.Recovered, !r.Recovered
	if whole && r.Recovered {
		w.count(w.from, r)
	}
}

// anotherLife reports that the numbers cannot be those of the epoch asked with: its
// log has been longer. Otherwise the epoch is learned from what follows.
func (w *walk) anotherLife(r client.Welcome) bool { return !r.Recovered && r.Head < w.from.Seq }

// judge compares "recovered" with what the numbers say.
func (w *walk) judge(whole bool, r client.Welcome) {
	switch {
	case r.Recovered && !whole:
		w.fail(FalseRecovered, "since %s: %+v", w.asked.Since, r)
	case !r.Recovered && whole && !w.mayDiffer():
		w.fail(FalseLoss, "since %s: %+v", w.asked.Since, r)
	}
}

// mayDiffer reports whether events may be missing for reasons that the numbers of
// ready do not show: a new epoch, or single events that expired. The gap that must
// then follow is checked on its own.
func (w *walk) mayDiffer() bool {
	for _, r := range w.truth.Reasons {
		if r == "epoch" || r == "expired" {
			return true
		}
	}
	return false
}

// count compares "replayed" with the events between the position and the head.
func (w *walk) count(from client.Cursor, r client.Welcome) {
	n := 0
	for s := from.Seq + 1; s <= r.Head; s++ {
		e := w.u.at[client.Cursor{Epoch: from.Epoch, Seq: s}]
		if e == nil || e.TTL {
			return // not known well enough
		}
		if e.wanted(w.c) {
			n++
		}
	}
	if n != r.Replayed {
		w.fail(Miscounted, "replayed is %d, but %d events after %s are for this client: %+v", r.Replayed, n, from, r)
	}
}

// sub is a-b, and 0 where that would be negative.
func sub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
