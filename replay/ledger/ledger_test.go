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
