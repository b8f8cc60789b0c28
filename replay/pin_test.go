package replay

import "testing"

func TestUnpinOfALogThatNeverHadAnEventLeavesNothing(t *testing.T) {
	f := newFixture(t, Config{})
	l := f.Pin("ann")
	f.Unpin(l)
	if got := f.Stats(); got != (Stats{}) {
		t.Errorf("Stats = %+v, want nothing", got)
	}
}

func TestUnpinTooOftenPanics(t *testing.T) {
	f := newFixture(t, Config{})
	l := f.Pin("ann")
	f.Unpin(l)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		f.State("ann") // the lock was released
	}()
	f.Unpin(l)
}

func TestLogAndStoreAreTheSameLog(t *testing.T) {
	f := newFixture(t, Config{})
	f.append("ann", 1)
	l := f.Pin("ann")
	l.Append(f.event(0))
	f.append("ann", 1)
	if l.State() != f.State("ann") || l.State().Head != 3 {
		t.Errorf("log at %+v, store at %+v", l.State(), f.State("ann"))
	}
	a, _ := l.Read(0, make([]Entry, 0, 9), 1<<20, nil)
	b, _ := f.Read("ann", 0, make([]Entry, 0, 9), 1<<20, nil)
	if entriesText(a) != "1 2 3" || entriesText(b) != "1 2 3" {
		t.Errorf("log reads %s, store reads %s", entriesText(a), entriesText(b))
	}
	if a, b := l.Survey(Since{Kind: SinceAll}, nil), f.Survey("ann", Since{Kind: SinceAll}, nil); a != b {
		t.Errorf("log surveys %+v, store surveys %+v", a, b)
	}
}

func TestLogUsedAfterUnpinIsStillTheUsersLog(t *testing.T) {
	f := newFixture(t, Config{})
	l := f.Pin("ann")
	f.Unpin(l) // dropped: it never had an event
	l.Append(f.event(0))
	l.Append(f.event(0))
	if got, want := f.State("ann").Head, uint64(2); got != want || l.State().Head != want {
		t.Errorf("head %d by the store, %d by the log, want %d", got, l.State().Head, want)
	}
	if f.Pin("ann") == l {
		t.Error("a dropped log was pinned again")
	}
}

func TestAppendToUnpinnedReachesJustThese(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 3})
	f.Pin("idle")
	f.Pin("ann")
	f.append("ann", 1)
	f.append("bob", 1)
	f.append("cid", 4)
	n := 0
	for i := range f.Shards() {
		n += f.AppendToUnpinned(i, f.event(0))
	}
	if n != 2 {
		t.Errorf("reached %d logs, want 2", n)
	}
	for user, want := range map[string]uint64{"idle": 0, "ann": 1, "bob": 2, "cid": 5, "nobody": 0} {
		if got := f.State(user).Head; got != want {
			t.Errorf("%s is at %d, want %d", user, got, want)
		}
	}
}

func TestBroadcastOverTheBytesShrinks(t *testing.T) {
	const most = 2*logOverhead + 5*eventOverhead
	f := newFixture(t, Config{MaxTotalBytes: most})
	f.append("ann", 2)
	f.append("bob", 1)
	for i := range f.Shards() {
		f.AppendToUnpinned(i, f.event(0))
	}
	if got := f.Stats(); got.Bytes > most || got.Users != 2 {
		t.Errorf("Stats = %+v, want both users at the limit", got)
	}
	for i := range f.Shards() {
		f.AppendToUnpinned(i, f.event(0))
	}
	if got := f.Stats(); got.Bytes > most || got.Users != 1 || f.State("bob").Oldest != 1 {
		t.Errorf("Stats = %+v, want ann evicted", got)
	}
}

func TestShardOfIsStableAndSpreads(t *testing.T) {
	f := newFixture(t, Config{})
	if n := f.Shards(); n < minShards || n&(n-1) != 0 {
		t.Fatalf("%d shards", n)
	}
	seen := make(map[int]bool)
	for i := range 1000 {
		user := string(rune('a'+i%26)) + string(rune('a'+i/26))
		sh := f.ShardOf(user)
		if sh < 0 || sh >= f.Shards() || sh != f.ShardOf(user) {
			t.Fatalf("ShardOf(%q) = %d", user, sh)
		}
		seen[sh] = true
	}
	if len(seen) != f.Shards() {
		t.Errorf("1000 users are in %d shards of %d", len(seen), f.Shards())
	}
	for cores, want := range map[int]int{1: 16, 4: 16, 5: 32, 16: 64, 1000: 256} {
		if got := shardCount(cores); got != want {
			t.Errorf("shardCount(%d) = %d, want %d", cores, got, want)
		}
	}
}
