package replay

import (
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// resume is a client: it asks for a position and reads to the head, in pages.
func (m *model) resume(t *rapid.T) {
	user := m.user(t)
	m.state(t, user) // so that the present generation has a text
	since := Since{Kind: SinceKind(rapid.IntRange(0, 3).Draw(t, "kind"))}
	gen := rapid.IntRange(-1, len(m.epochs)).Draw(t, "gen")
	switch {
	case since.Kind != SinceCursor:
	case gen >= 0 && gen < len(m.epochs):
		since.Cursor.Epoch = m.epochs[gen]
	case gen == len(m.epochs):
		since.Cursor.Epoch = "foreign"
	}
	if l := m.oracle.look(user); since.Kind == SinceCursor {
		m.State(user)
		since.Cursor.Seq = rapid.Uint64Range(0, l.head+2).Draw(t, "seq")
	}
	var match func(*Event) bool
	if rapid.Bool().Draw(t, "filter") {
		match = func(ev *Event) bool { return ev.Type == "x" }
	}

	want := m.oracle.survey(user, since.Kind, gen, gen == -1, since.Cursor.Seq, match)
	log := m.handle(t, user)
	var got Survey
	if log != nil {
		got = log.Survey(since, match)
	} else {
		got = m.Survey(user, since, match)
	}
	want.Epoch = got.Epoch
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Survey(%s, %s) (-want +got):\n%s", user, since, diff)
	}

	entries := m.read(t, user, log, got.Start, match)
	m.checkHonest(t, user, since, match, got, entries)
	if since.Kind == SinceCursor {
		m.read(t, user, log, since.Cursor.Seq, match) // as a caller that asks by seq alone
	}
}

func (m *model) read(t *rapid.T, user string, log *Log, after uint64, match func(*Event) bool) []Entry {
	want := m.oracle.read(user, after, match)
	room := rapid.IntRange(1, 5).Draw(t, "room")
	maxBytes := rapid.IntRange(0, 4).Draw(t, "bytes") * eventOverhead
	var got []Entry
	for at := after; ; at = got[len(got)-1].Seq {
		page := make([]Entry, 0, room)
		if log != nil {
			page, _ = log.Read(at, page, maxBytes, match)
		} else {
			page, _ = m.Read(user, at, page, maxBytes, match)
		}
		if len(page) == 0 {
			break
		}
		// A gap that a page's end has cut would be met again as two.
		if n := len(got); n > 0 && got[n-1].Lost != nil && page[0].Lost != nil && got[n-1].Lost.Reason == page[0].Lost.Reason {
			t.Fatalf("one gap on two pages: %s, %s", got[n-1].Lost.text(), page[0].Lost.text())
		}
		got = append(got, page...)
	}
	same := cmp.Comparer(func(a, b *Event) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Fatalf("Read(%s, %d) (-want +got):\n%s", user, after, diff)
	}
	return got
}

func (m *model) checkHonest(t *rapid.T, user string, since Since, match func(*Event) bool, sv Survey, entries []Entry) {
	if since.Kind == SinceLatest || since.Kind == SinceDevice {
		return
	}
	next, matching := sv.Start+1, 0
	delivered := make(map[uint64]bool)
	for _, e := range entries {
		if e.Lost != nil {
			if e.Lost.From != next || e.Seq != e.Lost.To || e.Lost.To < e.Lost.From {
				t.Fatalf("gap %s at %d, seq %d", e.Lost.text(), next, e.Seq)
			}
		} else {
			if e.Seq != next || e.Event != m.given[user+" "+Cursor{sv.Epoch, e.Seq}.String()] {
				t.Fatalf("seq %d at %d, or another event under it", e.Seq, next)
			}
			if delivered[e.Seq] = true; match == nil || match(e.Event) {
				matching++
			}
		}
		next = e.Seq + 1
	}
	if next != sv.Head+1 || matching != sv.Matching {
		t.Fatalf("reading ended at %d with %d, the survey said %d with %d", next-1, matching, sv.Head, sv.Matching)
	}
	if !sv.Recovered {
		return
	}
	asked := since.Cursor.Seq // 0 with SinceAll
	for seq := asked + 1; seq <= sv.Head; seq++ {
		ev := m.given[user+" "+Cursor{sv.Epoch, seq}.String()]
		if !delivered[seq] && (match == nil || match(ev)) {
			t.Fatalf("recovered, but %d is missing", seq)
		}
	}
}
