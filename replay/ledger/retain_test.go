package ledger

import (
	"testing"
	"time"

	"hubline/replay"
)

// Old events give their space back, and readers are told that they expired.
func TestRetentionByAge(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	for range 30 {
		f.put("old", "ann", "bob")
	}
	f.advance(time.Hour - time.Millisecond)
	f.put("new", "ann")
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First != 1 {
		t.Fatalf("too early: %+v", st)
	}
	before := f.Stats().Bytes
	f.advance(time.Millisecond)
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First < 50 || st.Bytes > before/3 || len(f.files()) > 2 {
		t.Errorf("first %d, %d bytes of %d, files %v", st.First, st.Bytes, before, f.files())
	}
	check := func() {
		t.Helper()
		for user, want := range map[string]uint64{"ann": 31, "bob": 30} {
			st, _ := f.Find(user)
			texts, why := f.events(user)
			if st.Head != want || len(texts) == 0 != (user == "bob") && len(texts) > 6 || why != replay.Expired {
				t.Errorf("%s stands at %+v with %d events: %s", user, st, len(texts), why)
			}
		}
	}
	check()
	f.crash()
	check()
	if f.Count("level=ERROR") != 0 || f.Stats().Damaged != 0 {
		t.Error(f.String())
	}
}

// When all is old, the segment that is being written goes too, but not at each call.
func TestEverythingIsOld(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	f.put("old", "ann")
	f.advance(time.Hour)
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First != 2 || st.Last != 1 {
		t.Errorf("%+v", st)
	}
	must(t, f.SaveCursors([]DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: 1}}}))
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First != 2 || st.Last != 2 {
		t.Errorf("%+v", st)
	}
	f.reopen()
	f.put("new", "ann")
	if texts, why := f.events("ann"); len(texts) != 1 || why != replay.Expired {
		t.Errorf("%v: %s", texts, why)
	}
}

// A log that is too large loses its oldest segments, and readers are told that these
// had to go.
func TestRetentionByBytes(t *testing.T) {
	const most = 10_000
	f := newFixture(t, Options{MaxBytes: most})
	for range 300 {
		f.put("x", "ann")
	}
	must(t, f.Retain(f.time()))
	st := f.Stats()
	if st.Bytes > most || st.Bytes < most/2 || st.First < 100 {
		t.Errorf("%+v", st)
	}
	texts, why := f.events("ann")
	if len(texts) != int(st.Last-st.First+1) || why != replay.Evicted {
		t.Errorf("%d events, %s: %+v", len(texts), why, st)
	}
	f.crash()
	if again, why := f.events("ann"); len(again) != len(texts) || why != replay.Evicted {
		t.Errorf("%d events, %s", len(again), why)
	}
}

// Which of the two it was is known of each.
func TestReasonsAreKeptApart(t *testing.T) {
	var m meta
	for i := range uint64(200) {
		m.drop(2*i+1, replay.Expired)
		m.drop(2*i+2, replay.Evicted)
	}
	m.drop(400, replay.Evicted)
	if len(m.drops) > maxDrops || m.reason(399) != replay.Expired || m.reason(400) != replay.Evicted || m.reason(401) != replay.Evicted {
		t.Errorf("%v", m.drops)
	}
}

// What the table does not have yet is not dropped.
func TestNothingIsDroppedBeforeItIsNoted(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	for range 20 {
		f.put("x", "ann")
	}
	st, _ := f.Find("ann")
	if _, err := f.Append([]Entry{{User: "ann", Event: f.event("ann21"), Epoch: st.Epoch, Seq: 21, Prev: st.At}}); err != nil {
		t.Fatal(err)
	}
	at := f.Next() - 1
	f.advance(2 * time.Hour)
	must(t, f.Retain(f.time()))
	f.crash() // before Note
	if st, _ := f.Find("ann"); st.Head != 21 || st.At != at {
		t.Errorf("%+v, want the event at %d", st, at)
	}
}

// A user who is forgotten comes back as a new one, in an epoch in which that user
// never had an event; those who are not forgotten keep theirs.
func TestForgottenUsersGetAnotherEpoch(t *testing.T) {
	const long = 40 * 24 * time.Hour
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	base := f.Epoch()
	f.put("x", "ann")
	must(t, f.SaveCursors([]DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: base, Seq: 1}}}))
	for range 20 {
		f.put("x", "bob")
	}
	f.advance(long)
	f.put("x", "bob")
	store := replay.NewStore(replay.Config{Backing: f.Ledger, Now: f.time})
	for i := range 2 {
		must(t, f.Retain(f.time()))
		// A Store that was there before says the same as one that comes later.
		if st := store.State("ann"); i == 0 && (st.Epoch == base || st.Head != 0) {
			t.Errorf("in the store ann stands at %+v, base %s", st, base)
		}
		if st, ok := f.Find("ann"); ok || st.Epoch == base || st.Head != 0 || st.At != 0 || st.Epoch != f.Epoch() {
			t.Errorf("ann stands at %+v %v, base %s", st, ok, base)
		}
		if st, _ := f.Find("bob"); st.Epoch != base || st.Head != 21 {
			t.Errorf("bob stands at %+v", st)
		}
		if _, ok := f.FindCursor("ann", "d"); ok || f.Stats().Users != 1 {
			t.Errorf("something of ann is left: %+v", f.Stats())
		}
		f.crash()
		if st, ok := f.Find("ann"); ok || st.Head != 0 {
			t.Errorf("ann stands at %+v", st)
		}
	}
	f.put("x", "ann")
	f.crash()
	if st, _ := f.Find("ann"); st.Epoch == base || st.Head != 1 {
		t.Errorf("ann stands at %+v", st)
	}
}

// One who was forgotten in the table but not by the store goes on.
func TestForgottenUserThatTheStoreRemembers(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	f.put("x", "ann")
	st, _ := f.Find("ann")
	f.advance(40 * 24 * time.Hour)
	must(t, f.Retain(f.time()))
	if _, err := f.Append([]Entry{{User: "ann", Event: f.event("ann2"), Epoch: st.Epoch, Seq: 2, Prev: st.At}}); err != nil {
		t.Fatal(err)
	}
	want := replay.Standing{Epoch: st.Epoch, Head: 2, At: f.Next() - 1}
	f.Note("ann", want)
	for range 2 {
		if got, _ := f.Find("ann"); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		f.crash()
	}
}

// A device that has not been seen for a year is forgotten.
func TestCursorsAreForgotten(t *testing.T) {
	f := newFixture(t, Options{MaxAge: time.Hour})
	f.put("x", "ann")
	must(t, f.SaveCursors([]DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: 1}}}))
	must(t, f.Checkpoint())
	for i := range 12 {
		if _, ok := f.FindCursor("ann", "d"); !ok {
			t.Fatal("gone after months:", i)
		}
		f.advance(30 * 24 * time.Hour)
		f.put("x", "ann")
		must(t, f.Retain(f.time()))
	}
	if _, ok := f.FindCursor("ann", "d"); ok {
		t.Error("still there")
	}
}

// An event whose body went with an older segment is gone for the same reason.
func TestBodyIsDroppedBeforeItsEvents(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	body := f.Next()
	_, err := f.Append([]Entry{{Event: f.event("body")}})
	must(t, err)
	for range 20 {
		f.put("x", "bob")
	}
	f.advance(2 * time.Hour)
	f.put("x", "ann")
	st, _ := f.Find("ann")
	_, err = f.Append([]Entry{{User: "ann", Epoch: st.Epoch, Seq: 2, Prev: st.At, Body: body}})
	must(t, err)
	f.Note("ann", replay.Standing{Epoch: st.Epoch, Head: 2, At: f.Next() - 1})
	must(t, f.Retain(f.time()))
	if texts, why := f.events("ann"); len(texts) != 0 || why != replay.Expired || f.Stats().Damaged != 0 {
		t.Errorf("%v: %s, %+v", texts, why, f.Stats())
	}
}
