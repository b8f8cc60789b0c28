package replay

import (
	"fmt"
	"testing"
	"time"
)

func (f *fixture) appendID(user, id string, given bool) Cursor {
	ev := f.event(0)
	ev.ID, ev.IDGiven = id, given
	return f.Append(user, ev)
}

func TestFindKnowsGivenIDsWhileRetained(t *testing.T) {
	for _, n := range []int{1, 3, idIndexMin, idIndexMin + 1, 100} {
		t.Run(fmt.Sprint(n, " ids"), func(t *testing.T) {
			f := newFixture(t, Config{MaxEvents: 2 * n})
			for i := range 5 * n {
				f.appendID("ann", fmt.Sprint("made", i), false)
				want := f.appendID("ann", fmt.Sprint("id", i), true)
				if c, ev, ok := f.Find("ann", fmt.Sprint("id", i)); !ok || c != want || ev.ID != fmt.Sprint("id", i) {
					t.Fatalf("Find of the newest = %v, %v, %v; want %v", c, ev, ok, want)
				}
				if _, _, ok := f.Find("ann", fmt.Sprint("made", i)); ok {
					t.Fatal("found an id that no publisher gave")
				}
			}
			for i := range 5 * n {
				if _, _, ok := f.Find("ann", fmt.Sprint("id", i)); ok != (i >= 4*n) {
					t.Errorf("Find(id%d) = %v", i, ok)
				}
			}
			if _, _, ok := f.Find("bob", "id1"); ok {
				t.Error("found another user's event")
			}
			if err := checkStore(f.Store); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFindReturnsTheLaterOfTwo(t *testing.T) {
	for _, filler := range []int{0, 2 * idIndexMin} { // by scan, by index
		f := newFixture(t, Config{MaxEvents: filler + 2})
		f.appendID("ann", "x", true)
		want := f.appendID("ann", "x", true)
		for i := range filler {
			f.appendID("ann", fmt.Sprint(i), true)
		}
		if c, _, ok := f.Find("ann", "x"); !ok || c != want {
			t.Errorf("Find = %v, %v; want %v", c, ok, want)
		}
		f.append("ann", 1) // the first x goes
		if c, _, ok := f.Find("ann", "x"); !ok || c != want {
			t.Errorf("after the first was dropped: Find = %v, %v; want %v", c, ok, want)
		}
		f.append("ann", 1)
		if _, _, ok := f.Find("ann", "x"); ok {
			t.Error("found a dropped event")
		}
	}
}

func TestFindForgetsAgedAndEvicted(t *testing.T) {
	f := newFixture(t, Config{MaxAge: time.Minute, MaxUsers: 1})
	f.appendID("ann", "x", true)
	f.advance(time.Minute - 1)
	if _, _, ok := f.Find("ann", "x"); !ok {
		t.Error("not found before its age")
	}
	f.advance(1 * time.Millisecond)
	if _, _, ok := f.Find("ann", "x"); ok {
		t.Error("found an aged event")
	}
	f.appendID("ann", "y", true)
	f.append("bob", 1)
	if _, _, ok := f.Find("ann", "y"); ok {
		t.Error("found an evicted event")
	}
}
