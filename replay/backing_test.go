package replay

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shelf is a Backing in memory.
type shelf struct {
	events  map[string][]*Event
	dropped map[string]int // how many of the oldest are gone, by user
	loads   int
}

func newShelf() *shelf { return &shelf{events: map[string][]*Event{}, dropped: map[string]int{}} }

func (*shelf) Epoch() string { return "base" }

func (s *shelf) Find(user string) (Standing, bool) {
	n := uint64(len(s.events[user]))
	return Standing{Epoch: "base", Head: n, At: n}, n > 0
}

func (s *shelf) Load(user string, at, below uint64, take func(uint64, *Event) bool) Reason {
	s.loads++
	for seq := min(at, below-1); seq > uint64(s.dropped[user]); seq-- { //nolint:gosec // a count
		if !take(seq, s.events[user][seq-1]) {
			break
		}
	}
	return Evicted
}

// append is what a publisher does: on the shelf first, then into the store.
func (s *shelf) append(to *Store, user string, ev *Event) Cursor {
	c := to.AppendAt(user, ev, uint64(len(s.events[user])+1))
	s.events[user] = append(s.events[user], ev)
	return c
}

// A store with little memory and a Backing answers as one does that has room for
// everything, whatever was evicted meanwhile.
func TestBackedStoreIsLikeAnEndlessOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		cfg := Config{
			MaxEvents: rapid.IntRange(1, 8).Draw(t, "maxEvents"),
			MaxBytes:  rapid.IntRange(1, 8).Draw(t, "maxBytes") * eventOverhead,
			MaxAge:    time.Duration(rapid.IntRange(5, 50).Draw(t, "maxAge")) * time.Millisecond,
			Now:       clock.time,
		}
		endless := NewStore(cfg)
		cfg.MaxUsers = rapid.IntRange(1, 3).Draw(t, "maxUsers")
		cfg.MaxTotalBytes = rapid.Int64Range(1, 10).Draw(t, "maxTotalBytes") * eventOverhead
		cfg.MaxWatermarks = rapid.IntRange(1, 3).Draw(t, "maxWatermarks")
		back := newShelf()
		cfg.Backing = back
		backed := NewStore(cfg)
		pins := map[string][]*Log{}
		// An event may be gone for two reasons: the stores may name either.
		plain := func(g *Gap) string {
			if g == nil {
				return "none"
			}
			return fmt.Sprint(g.From, g.To)
		}
		user := func(t *rapid.T) string { return rapid.SampledFrom(modelUsers).Draw(t, "user") }
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				ev := clock.event(rapid.SampledFrom([]int{0, 0, 1, eventOverhead, 9 * eventOverhead}).Draw(t, "size"))
				if ttl := rapid.SampledFrom([]int64{0, 0, 0, 1, 10}).Draw(t, "ttl"); ttl != 0 {
					ev.Expires = ev.Time + ttl
				}
				if rapid.Bool().Draw(t, "given") {
					ev.ID, ev.IDGiven = fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id")), true
				}
				u := user(t)
				if a, b := back.append(backed, u, ev), endless.Append(u, ev); a.Seq != b.Seq || a.Epoch != "base" {
					t.Fatalf("appended at %v, want seq %d", a, b.Seq)
				}
			},
			"advance": func(t *rapid.T) {
				clock.advance(time.Duration(rapid.IntRange(1, 20).Draw(t, "ms")) * time.Millisecond)
			},
			"pin": func(t *rapid.T) { u := user(t); pins[u] = append(pins[u], backed.Pin(u)) },
			"unpin": func(t *rapid.T) {
				u := user(t)
				if n := len(pins[u]); n > 0 {
					backed.Unpin(pins[u][n-1])
					pins[u] = pins[u][:n-1]
				}
			},
			"sweep": func(*rapid.T) { backed.Sweep(clock.time()); endless.Sweep(clock.time()) },
			"find": func(t *rapid.T) {
				u, id := user(t), fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
				a, eva, oka := backed.Find(u, id)
				b, evb, okb := endless.Find(u, id)
				if a.Seq != b.Seq || eva != evb || oka != okb {
					t.Fatalf("found %v %v, want %v %v", a, oka, b, okb)
				}
			},
			"read": func(t *rapid.T) {
				u := user(t)
				head := endless.State(u).Head
				after := uint64(rapid.IntRange(0, int(head)+2).Draw(t, "after")) //nolint:gosec // small
				since := Since{Kind: SinceKind(rapid.IntRange(0, 2).Draw(t, "since")), Cursor: Cursor{Seq: after}}
				a, b := backed.Survey(u, since, nil), endless.Survey(u, since, nil)
				if a.Start != b.Start || a.Head != b.Head || a.Oldest != b.Oldest || a.Matching != b.Matching ||
					a.Recovered != b.Recovered || plain(a.Lost) != plain(b.Lost) {
					t.Fatalf("survey of %s since %v: %+v %s, want %+v %s", u, since, a, a.Lost.text(), b, b.Lost.text())
				}
				page := rapid.IntRange(1, 4).Draw(t, "page")
				got, want := readAll(backed, u, after, page, 1<<20), readAll(endless, u, after, page, 1<<20)
				text := func(entries []Entry) (out []string) {
					for _, e := range entries {
						out = append(out, fmt.Sprintf("%d %p %s", e.Seq, e.Event, plain(e.Lost)))
					}
					return out
				}
				if diff := cmp.Diff(text(want), text(got)); diff != "" {
					t.Fatalf("read of %s after %d (-want +got):\n%s", u, after, diff)
				}
			},
			"": func(t *rapid.T) {
				if err := checkStore(backed); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// What the Backing has given up is announced with its reason.
func TestWhatTheBackingHasLost(t *testing.T) {
	back := newShelf()
	f := newFixture(t, Config{Backing: back, MaxUsers: 1})
	for range 6 {
		back.append(f.Store, "ann", f.event(0))
	}
	back.append(f.Store, "bob", f.event(0)) // evicts ann
	back.dropped["ann"] = 4
	if got, want := f.Survey("ann", f.since("ann", "E-1"), nil).text(), "start 4, lost 2..4 evicted, 2 match, gap"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := entriesText(readAll(f.Store, "ann", 1, 10, 1<<20)), "[2..4 evicted] 5 6"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	back.append(f.Store, "bob", f.event(0))
	back.dropped["ann"] = 6
	if got, want := f.Survey("ann", f.since("ann", "E-6"), nil).text(), "start 6, lost none, 0 match, recovered"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := f.Standing("ann"); got.Head != 6 || got.Epoch != "base" {
		t.Errorf("stands at %+v", got)
	}
}

// Who only appends needs nothing back, and a log that is whole is not asked for twice.
func TestLoadsAreForReaders(t *testing.T) {
	back := newShelf()
	f := newFixture(t, Config{Backing: back, MaxUsers: 1})
	for range 100 {
		for _, user := range []string{"ann", "bob"} {
			back.append(f.Store, user, f.event(0))
		}
	}
	if back.loads != 0 {
		t.Errorf("%d loads", back.loads)
	}
	for range 3 {
		if got := readAll(f.Store, "bob", 0, 10, 1<<20); len(got) != 100 {
			t.Errorf("%d events", len(got))
		}
	}
	if back.loads != 1 {
		t.Errorf("%d loads, want 1", back.loads)
	}
}

// Connected users cannot be evicted, and yet what they read must not stay.
func TestPinnedLogsGiveBackWhatWasLoaded(t *testing.T) {
	back := newShelf()
	f := newFixture(t, Config{Backing: back, MaxTotalBytes: 4*logOverhead + 20*eventOverhead})
	users := []string{"ann", "bob", "cid", "dan"}
	for range 20 {
		for _, user := range users {
			back.append(f.Store, user, f.event(0))
		}
	}
	for _, user := range users {
		l := f.Pin(user)
		t.Cleanup(func() { f.Unpin(l) })
	}
	for range 3 {
		for _, user := range users {
			if got := len(readAll(f.Store, user, 0, 7, 1<<20)); got != 20 {
				t.Errorf("%s: %d events", user, got)
			}
			if got := f.Stats().Bytes; got > 4*logOverhead+20*eventOverhead+int64(len(users))*eventOverhead {
				t.Errorf("%d bytes are held", got)
			}
		}
	}
	if back.loads < len(users) {
		t.Errorf("%d loads", back.loads)
	}
}
