package replay

import (
	"testing"
	"time"
)

func TestSurveyOfAForgottenUserChangesEpoch(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 1, MaxWatermarks: 1})
	f.append("ann", 5)
	old := f.State("ann").Epoch
	f.append("bob", 1) // ann becomes the watermark
	f.append("cid", 1) // bob does; ann is forgotten
	st := f.State("ann")
	if st.Epoch == old || st.Head != 0 || st.Oldest != 1 {
		t.Fatalf("State = %+v, want head 0 in another epoch than %s", st, old)
	}
	f.append("ann", 7)
	sv := f.Survey("ann", Since{SinceCursor, Cursor{old, 5}}, nil)
	if got, want := sv.text(), "start 0, lost 0..0 epoch, 7 match, gap"; got != want {
		t.Errorf("Survey = %s, want %s", got, want)
	}
}

func TestSurveyCountsOnlyWhatMatches(t *testing.T) {
	f := newFixture(t, Config{})
	for i := range 6 {
		ev := f.event(0)
		if ev.Type = "a"; i%2 == 1 {
			ev = f.ttl(time.Second)
			ev.Type = "b"
		}
		f.Append("ann", ev)
	}
	f.advance(time.Second)
	match := func(want string) func(*Event) bool { return func(ev *Event) bool { return ev.Type == want } }
	tests := []struct{ since, typ, want string }{
		{"E-1", "a", "start 1, lost none, 2 match, recovered"}, // the expired ones were not for this reader
		{"E-1", "b", "start 1, lost none, 0 match, gap"},
		{"E-5", "b", "start 5, lost none, 0 match, gap"},
		{"E-6", "b", "start 6, lost none, 0 match, recovered"},
		{"0", "a", "start 0, lost none, 3 match, recovered"},
		{"0", "b", "start 0, lost none, 0 match, gap"},
		{"0", "c", "start 0, lost none, 0 match, recovered"},
		{"X-3", "a", "start 0, lost 0..0 epoch, 3 match, gap"},
		{"latest", "b", "start 6, lost none, 0 match, recovered"},
	}
	for _, tt := range tests {
		sv := f.Survey("ann", f.since("ann", tt.since), match(tt.typ))
		if got := sv.text(); got != tt.want {
			t.Errorf("Survey(%s, %s) = %s, want %s", tt.since, tt.typ, got, tt.want)
		}
	}
}

func TestReadPages(t *testing.T) {
	f := newFixture(t, Config{MaxEvents: 8})
	for i := range 10 {
		if i == 4 || i == 5 {
			f.Append("ann", f.ttl(time.Second))
			continue
		}
		f.Append("ann", f.event(100*(i%2)))
	}
	f.advance(time.Second)
	const small, large = eventOverhead, eventOverhead + 100
	tests := []struct {
		name           string
		after          uint64
		room, maxBytes int
		want           string
	}{
		{"no room", 2, 0, 1 << 20, ""},
		{"room for the gap alone", 0, 1, 1 << 20, "[1..2 limit]"},
		{"one", 2, 1, 1 << 20, "3"},
		{"a gap at the end of the page is whole", 2, 3, 1 << 20, "3 4 [5..6 expired]"},
		{"from within a gap", 5, 1, 1 << 20, "[6..6 expired]"},
		{"bytes at the limit", 2, 9, small + large, "3 4 [5..6 expired]"},
		{"bytes one below", 2, 9, small + large - 1, "3"},
		{"the first is given whatever its size", 3, 9, 1, "4 [5..6 expired]"},
		{"no bytes at all", 3, 9, 0, "4 [5..6 expired]"},
		{"after a gap only what fits", 0, 9, 1, "[1..2 limit]"},
		{"one gap counts no bytes", 4, 9, small, "[5..6 expired] 7"},
		{"at the head", 10, 9, 1 << 20, ""},
		{"beyond the head", 11, 9, 1 << 20, ""},
		{"far beyond the head", 1<<64 - 1, 9, 1 << 20, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept := Entry{Seq: 99}
			got, st := f.Read("ann", tt.after, append(make([]Entry, 0, tt.room+1), kept), tt.maxBytes, nil)
			if got[0] != kept {
				t.Errorf("Read changed what was in dst: %v", got[0])
			}
			if text := entriesText(got[1:]); text != tt.want {
				t.Errorf("Read = %s, want %s", text, tt.want)
			}
			if st.Head != 10 || st.Oldest != 3 {
				t.Errorf("State = %+v", st)
			}
		})
	}
	for n := 1; n < 12; n++ {
		if got, want := entriesText(readAll(f.Store, "ann", 0, n, 1)), "[1..2 limit] 3 4 [5..6 expired] 7 8 9 10"; got != want {
			t.Errorf("in pages of %d: %s, want %s", n, got, want)
		}
	}
}
