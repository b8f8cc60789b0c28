package replay

import (
	"fmt"
	"testing"
	"time"
)

func TestEvictionTakesTheLeastRecentlyUsedOverAllShards(t *testing.T) {
	users := []string{"ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"}
	tests := []struct {
		name string
		use  func(f *fixture)
		want []string // evicted first
	}{
		{"in order of appends", func(*fixture) {}, []string{"ann", "bob", "cid"}},
		{"an append is a use", func(f *fixture) { f.append("ann", 1) }, []string{"bob", "cid", "dan"}},
		{"a read is a use", func(f *fixture) { f.Read("bob", 0, make([]Entry, 0, 1), 1, nil) }, []string{"ann", "cid", "dan"}},
		{"a survey is a use", func(f *fixture) { f.Survey("ann", Since{}, nil) }, []string{"bob", "cid", "dan"}},
		{"an unpin is a use", func(f *fixture) { f.Unpin(f.Pin("ann")) }, []string{"bob", "cid", "dan"}},
		{"pinned ones are passed over", func(f *fixture) { f.Pin("ann"); f.Pin("cid") }, []string{"bob", "dan", "eve"}},
		{"until the last unpin", func(f *fixture) {
			l := f.Pin("ann")
			if f.Pin("ann") != l {
				f.t.Error("two pins, two logs")
			}
			f.Unpin(l)
		}, []string{"bob", "cid", "dan"}},
		{"a look is no use", func(f *fixture) {
			f.State("ann")
			f.Find("ann", "x")
			f.Sweep(f.time())
			f.Stats()
		}, []string{"ann", "bob", "cid"}},
		{"a broadcast is no use", func(f *fixture) {
			for i := range f.Shards() {
				f.AppendToUnpinned(i, f.event(0))
			}
		}, []string{"ann", "bob", "cid"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{MaxUsers: len(users)})
			for _, u := range users {
				f.append(u, 1)
			}
			tt.use(f)
			for i, victim := range tt.want {
				if st := f.State(victim); st.Oldest > st.Head {
					t.Errorf("%s was evicted before its turn", victim)
				}
				f.append("new"+users[i], 1)
				if st := f.State(victim); st.Oldest <= st.Head {
					t.Errorf("%s was not evicted", victim)
				}
			}
		})
	}
}

func TestUnpinShrinksWhatPinsHeldOverTheBounds(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 1})
	ann, bob := f.Pin("ann"), f.Pin("bob")
	ann.Append(f.event(0))
	bob.Append(f.event(0))
	f.Unpin(ann)
	if st := f.Stats(); st.Users != 1 || st.EvictedUsers != 1 {
		t.Errorf("Stats = %+v, want ann evicted", st)
	}
	if st := bob.State(); st.Oldest != 1 {
		t.Errorf("bob, still pinned: %+v", st)
	}
}

func TestEvictedLogGoesOnInItsEpoch(t *testing.T) {
	for _, how := range []string{"append", "pin"} {
		t.Run(how, func(t *testing.T) {
			f := newFixture(t, Config{MaxUsers: 1, MaxWatermarks: 2})
			f.append("ann", 5)
			epoch := f.State("ann").Epoch
			for i := range 4 { // ann is evicted in the first round; each later one forgets somebody
				f.append(fmt.Sprint("user", i), 1)
				f.State("ann") // keeps the watermark in use
			}
			if n := f.Stats().DroppedWatermarks; n != 2 {
				t.Fatalf("%d users forgotten, want 2", n)
			}
			if got, want := f.Append("ann", f.event(0)), (Cursor{epoch, 6}); how == "append" && got != want {
				t.Errorf("Append = %v, want %v", got, want)
			}
			f.append("bob", 1)
			if l := f.Pin("ann"); l.State() != (State{Epoch: epoch, Head: 6, Oldest: 7}) {
				t.Errorf("State = %+v", l.State())
			}
			if n := f.Stats().Watermarks; n > 2 {
				t.Errorf("%d watermarks", n)
			}
		})
	}
}

func TestEpochChangesOnlyWhenAForgottenUserCouldComeBackInIt(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 1, MaxWatermarks: 1})
	epoch := func() string { return f.State("nobody").Epoch }
	first := epoch()
	f.append("ann", 1)
	f.append("bob", 1) // ann a watermark
	if epoch() != first {
		t.Fatal("epoch changed while everybody is remembered")
	}
	f.append("cid", 1) // bob a watermark, ann forgotten: she was in first
	second := epoch()
	if second == first {
		t.Fatal("a forgotten user would start again in the old epoch")
	}
	f.append("dan", 1) // in second; cid, of first, a watermark; bob, of first, forgotten
	f.append("eve", 1) // cid, of first, forgotten
	if epoch() != second {
		t.Error("epoch changed for users of an earlier one")
	}
	f.append("fay", 1) // dan, of second, forgotten
	if epoch() == second {
		t.Error("epoch did not change with a forgotten user of the present one")
	}
}

func TestLogKeepsItsEpochForLife(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 2, MaxWatermarks: 1})
	l := f.Pin("ann")
	c := l.Append(f.event(0))
	for i := range 10 {
		f.append(fmt.Sprint("user", i), 1)
	}
	if f.State("nobody").Epoch == c.Epoch {
		t.Fatal("the epoch of new logs has not changed")
	}
	if got, want := l.Append(f.event(0)), (Cursor{c.Epoch, 2}); got != want {
		t.Errorf("Append = %v, want %v", got, want)
	}
}

func TestAgedLogIsAWatermarkUnlessPinned(t *testing.T) {
	f := newFixture(t, Config{MaxAge: time.Minute})
	f.append("ann", 2)
	bob := f.Pin("bob")
	bob.Append(f.event(0))
	f.advance(time.Minute)
	f.Sweep(f.time())
	got := f.Stats()
	if want := (Stats{Pinned: 1, Watermarks: 1, Appended: 3, TrimmedExpired: 3}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	if bob.ring.buf != nil {
		t.Error("an empty log keeps its ring")
	}
	f.Unpin(bob)
	if got := f.Stats(); got.Watermarks != 2 || got.Pinned != 0 {
		t.Errorf("Stats = %+v, want two watermarks", got)
	}
	if got := f.Append("bob", f.event(0)).Seq; got != 2 {
		t.Errorf("Seq = %d, want 2", got)
	}
}
