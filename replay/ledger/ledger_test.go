package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hubline/internal/leaktest"
	"hubline/replay"
)

// Find tells of an event when Note has, whatever a checkpoint does meanwhile; a
// restart tells of all.
func TestFindWaitsForNote(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("x", "ann", "bob")
	st, _ := f.Find("ann")
	first, err := f.Append([]Entry{
		{User: "ann", Event: f.event("ann2"), Epoch: st.Epoch, Seq: 2, Prev: st.At},
		{User: "cid", Event: f.event("cid1"), Epoch: st.Epoch, Seq: 1},
	})
	must(t, err)
	f.Note("cid", replay.Standing{Epoch: st.Epoch, Head: 1, At: first + 1})
	for range 2 {
		must(t, f.Checkpoint())
		if got, _ := f.Find("ann"); got != st {
			t.Errorf("ann stands at %+v, want %+v", got, st)
		}
	}
	if lag := f.Stats().Lag; lag != 2 {
		t.Errorf("the table is %d behind, want 2", lag)
	}
	f.crash()
	for user, want := range map[string]uint64{"ann": 2, "bob": 1, "cid": 1} {
		if got, ok := f.Find(user); !ok || got.Head != want || got.Epoch != st.Epoch {
			t.Errorf("%s stands at %+v", user, got)
		}
	}
	if f.Stats().Lag != 0 {
		t.Errorf("%+v", f.Stats())
	}
}

// Entries that nobody notes are not looked at again and again, and are all there.
func TestManyEntriesBeforeNote(t *testing.T) {
	f := newFixture(t, Options{})
	entries := make([]Entry, 3*manyPending)
	for i := range entries {
		entries[i] = Entry{User: fmt.Sprint("u", i), Event: f.event("x"), Epoch: f.Epoch(), Seq: 1}
	}
	first, err := f.Append(entries)
	must(t, err)
	f.put("x", "ann")
	if len(f.pending) < len(entries) || f.many <= len(entries) {
		t.Errorf("%d pending, looked at when %d", len(f.pending), f.many)
	}
	for i, e := range entries {
		f.Note(e.User, replay.Standing{Epoch: e.Epoch, Head: 1, At: first + uint64(i)})
	}
	must(t, f.Checkpoint())
	if st := f.Stats(); st.Lag != 0 || st.Users != uint64(len(entries)+1) || len(f.pending) != 0 {
		t.Errorf("%+v", st)
	}
}

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
	logged := f.count("event could not be read")
	for range 3 {
		f.Load("ann", 4, 4, func(uint64, *replay.Event) bool { return true })
	}
	if n := f.count("event could not be read"); n != logged || f.Stats().Damaged != uint64(n) {
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

// What cannot be kept is refused before anything is written.
func TestBadEntries(t *testing.T) {
	f := newFixture(t, Options{})
	ev, long := f.event("x"), strings.Repeat("x", maxName+1)
	good := Entry{User: "ann", Event: ev, Epoch: "e", Seq: 1}
	for i, e := range []Entry{
		{},
		{User: "ann", Epoch: "e", Seq: 1},
		{User: "ann", Event: ev, Seq: 1},
		{User: "ann", Event: ev, Epoch: "e"},
		{User: "ann", Event: ev, Epoch: strings.Repeat("e", 33), Seq: 1},
		{User: long, Event: ev, Epoch: "e", Seq: 1},
		{User: "ann", Event: ev, Epoch: "e", Seq: 1, Keys: []Key{{}}},
		{User: "ann", Event: ev, Epoch: "e", Seq: 1, Keys: []Key{{Name: long}}},
	} {
		if _, err := f.Append([]Entry{good, e}); err == nil {
			t.Errorf("entry %d was taken", i)
		}
	}
	for _, c := range []DeviceCursor{{Device: "d"}, {User: "ann"}, {User: long, Device: "d"}, {User: "ann", Device: long}} {
		if err := f.SaveCursors([]DeviceCursor{c}); !errors.Is(err, ErrName) {
			t.Errorf("%.9s: %v", c.User, err)
		}
	}
	if _, err := f.Append(nil); err == nil {
		t.Error("nothing was taken")
	}
	if f.Next() != 1 {
		t.Errorf("something was written: next is %d", f.Next())
	}
	// The longest names fit into the table.
	long = long[:maxName]
	_, err := f.Append([]Entry{{User: long, Event: ev, Epoch: f.Epoch(), Seq: 1, Keys: []Key{{Name: long}}}})
	must(t, err)
	f.Note(long, replay.Standing{Epoch: f.Epoch(), Head: 1, At: 1})
	must(t, f.SaveCursors([]DeviceCursor{{User: long, Device: long}}))
	f.reopen()
	if st, ok := f.Find(long); !ok || st.Head != 1 {
		t.Errorf("%+v", st)
	}
}

func TestOptions(t *testing.T) {
	bad := Options{MaxBytes: -1, KeyTTL: -1, ForgetAfter: -1, CheckpointEvery: -1, CheckpointSize: -1}
	if _, err := Open(t.TempDir(), bad); err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("%v", err)
	}
	o := Options{MaxAge: 48 * time.Hour, MaxBytes: 80 << 20}.withDefaults()
	if o.KeyTTL != 48*time.Hour || o.Journal.SegmentBytes != 10<<20 || o.ForgetAfter != 30*24*time.Hour {
		t.Errorf("%+v", o)
	}
	if o := (Options{MaxAge: 99 * 24 * time.Hour, MaxBytes: 8 << 30}).withDefaults(); o.ForgetAfter != o.MaxAge || o.Journal.SegmentBytes != 0 {
		t.Errorf("%+v", o)
	}
}

// After a hundred thousand users memory is that of the changes since a checkpoint.
func TestUsersCostNoMemory(t *testing.T) {
	f := newFixture(t, Options{CheckpointSize: 1000})
	const users = 100_000
	var base int64
	epoch := f.Epoch()
	entries := make([]Entry, 0, 1000)
	for i := range users {
		entries = append(entries, Entry{User: fmt.Sprint("user-", i), Event: f.event("x"), Epoch: epoch, Seq: 1})
		if len(entries) < cap(entries) {
			continue
		}
		first, err := f.Append(entries)
		must(t, err)
		for i, e := range entries {
			f.Note(e.User, replay.Standing{Epoch: epoch, Head: 1, At: first + uint64(i)})
		}
		entries = entries[:0]
		if i == users/10-1 {
			must(t, f.Checkpoint())
			base = leaktest.Heap()
		}
	}
	must(t, f.Checkpoint())
	clear(entries[:cap(entries)])
	if grown := leaktest.Heap() - base; grown > 2<<20 {
		t.Errorf("%d users more cost %d bytes", users*9/10, grown)
	}
	n := 0
	f.Users(func(_ string, st replay.Standing) bool { n++; return st.Head == 1 })
	if n != users || f.Stats().Users != users {
		t.Errorf("%d users: %+v", n, f.Stats())
	}
	f.Users(func(string, replay.Standing) bool { n++; return n < users+10 })
	if n != users+10 {
		t.Errorf("not stopped: %d", n-users)
	}
}

// What a device has received never goes back within an epoch.
func TestCursorsOnlyGoForward(t *testing.T) {
	f := newFixture(t, Options{})
	at := func(epoch string, seq uint64) DeviceCursor {
		return DeviceCursor{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: epoch, Seq: seq}}
	}
	for i, tt := range []struct {
		save    []DeviceCursor
		want    replay.Cursor
		records uint64
	}{
		{[]DeviceCursor{at("e", 5)}, replay.Cursor{Epoch: "e", Seq: 5}, 1},
		{[]DeviceCursor{at("e", 4), at("e", 5)}, replay.Cursor{Epoch: "e", Seq: 5}, 1},
		{[]DeviceCursor{at("e", 9), at("e", 7)}, replay.Cursor{Epoch: "e", Seq: 9}, 2},
		{[]DeviceCursor{at("f", 1)}, replay.Cursor{Epoch: "f", Seq: 1}, 3},
		{nil, replay.Cursor{Epoch: "f", Seq: 1}, 3},
	} {
		must(t, f.SaveCursors(tt.save))
		if i%2 == 0 {
			must(t, f.Checkpoint())
		}
		if got, ok := f.FindCursor("ann", "d"); !ok || got != tt.want || f.Stats().Last != tt.records {
			t.Errorf("step %d: %v, want %v, %d records", i, got, tt.want, f.Stats().Last)
		}
	}
	f.crash()
	if got, _ := f.FindCursor("ann", "d"); got != (replay.Cursor{Epoch: "f", Seq: 1}) {
		t.Error(got)
	}
	for range f.Cursors("ann") {
		break
	}
}

// Checkpoints come by themselves, when much has changed and when time has passed.
func TestCheckpointsComeByThemselves(t *testing.T) {
	for what, o := range map[string]Options{"much": {CheckpointSize: 1}, "time": {CheckpointEvery: time.Millisecond}} {
		f := newFixture(t, o)
		f.put("x", "ann")
		f.put("x", "bob")
		for deadline := time.Now().Add(10 * time.Second); f.Stats().Users < 1; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %+v", what, f.Stats())
			}
			f.put("x", "ann")
		}
	}
}

func TestSpans(t *testing.T) {
	var s spans
	for _, p := range []span{{5, 6}, {1, 2}, {9, 9}, {3, 3}, {6, 7}, {20, 30}} {
		s = s.add(p)
	}
	if got, want := fmt.Sprint(s), "[{1 3} {5 7} {9 9} {20 30}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i, want := range []bool{false, true, true, true, false, true, true, true, false, true, false} {
		if s.has(uint64(i)) != want {
			t.Errorf("has %d: %v", i, !want)
		}
	}
	for got, want := range map[string]string{
		fmt.Sprint(s.without(span{0, 40})):                 "[{0 0} {4 4} {8 8} {10 19} {31 40}]",
		fmt.Sprint(s.without(span{6, 9})):                  "[{8 8}]",
		fmt.Sprint(s.without(span{2, 2})):                  "[]",
		fmt.Sprint(s.from(7)):                              "[{5 7} {9 9} {20 30}]",
		fmt.Sprint(s.upTo(21)):                             "[{1 3} {5 7} {9 9} {20 21}]",
		fmt.Sprint(s.behind(6), s.behind(30), s.behind(0)): "13 0 18",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
