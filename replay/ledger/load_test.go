package ledger

import (
	"testing"

	"hubline/replay"
)

// A chain is followed only where it leads: to the user's own events, one before the
// other.
func TestLoadBelievesNothing(t *testing.T) {
	f := newFixture(t, Options{})
	epoch := f.Epoch()
	entry := func(user string, seq, prev, body uint64) Entry {
		e := Entry{User: user, Epoch: epoch, Seq: seq, Prev: prev, Body: body}
		if body == 0 {
			e.Event = f.event(user)
		}
		return e
	}
	body := Entry{Event: f.event("body")}
	_, err := f.Append([]Entry{
		entry("ann", 1, 0, 0),  // at 1
		entry("ann", 2, 1, 0),  // at 2
		entry("bob", 1, 0, 0),  // at 3
		entry("ann", 3, 3, 0),  // at 4, follows bob's
		entry("ann", 4, 2, 0),  // at 5, leaves one out
		entry("ann", 3, 6, 0),  // at 6, follows itself
		entry("ann", 3, 99, 0), // at 7, follows what is not there
		entry("ann", 3, 2, 3),  // at 8, its body is an event of somebody
		body,                   // at 9
		entry("ann", 3, 2, 9),  // at 10, sound
		entry("ann", 3, 9, 9),  // at 11, follows a body
	})
	must(t, err)
	tests := []struct{ at, below, want uint64 }{
		{2, 3, 2},
		{2, 2, 1},
		{2, 1, 0},
		{2, 0, 0},
		{0, 3, 0},
		{10, 4, 3},
		{10, 3, 2}, // sound ones
		{4, 4, 1},
		{5, 5, 1},
		{6, 4, 0},
		{7, 4, 0},
		{8, 4, 0},
		{11, 4, 1},
		{9, 4, 0},
		{3, 4, 0},
		{99, 4, 0},
		{2, 9, 0}, // not where the user stands
	}
	for _, tt := range tests {
		got := uint64(0)
		why := f.Load("ann", tt.at, tt.below, func(seq uint64, _ *replay.Event) bool {
			if seq != tt.below-1-got {
				t.Errorf("from %d below %d: seq %d", tt.at, tt.below, seq)
			}
			got++
			return true
		})
		if got != tt.want || why != replay.Evicted {
			t.Errorf("from %d below %d: %d events, want %d (%s)", tt.at, tt.below, got, tt.want, why)
		}
	}
	logged := f.Count("event could not be read")
	for range 3 {
		f.Load("ann", 4, 4, func(uint64, *replay.Event) bool { return true })
	}
	if n := f.Count("event could not be read"); n != logged || f.Stats().Damaged != uint64(n) {
		t.Errorf("logged %d times, then %d: %+v", logged, n, f.Stats())
	}
}

func TestLoadStopsWhenAsked(t *testing.T) {
	f := newFixture(t, Options{})
	for range 5 {
		f.put("x", "ann")
	}
	st, _ := f.Find("ann")
	n := 0
	f.Load("ann", st.At, st.Head+1, func(uint64, *replay.Event) bool { n++; return n < 3 })
	if n != 3 {
		t.Errorf("%d events", n)
	}
}
