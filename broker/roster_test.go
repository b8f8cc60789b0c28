package broker

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shardByLength makes neighbours that are not neighbours by name.
func shardByLength(user string) int { return len(user) % 3 }

var rosterUsers = []string{"a", "b", "bb", "bbb", "ccc", "dd", "e"}

// A roster is like a map of sets.
func TestRosterIsLikeAMapOfSets(t *testing.T) {
	refusals := map[error]int{}
	rapid.Check(t, func(t *rapid.T) {
		bounds := rosterBounds{
			perUser: rapid.IntRange(1, 4).Draw(t, "perUser"), perChannel: rapid.IntRange(1, 5).Draw(t, "perChannel"),
			all: rapid.IntRange(1, 12).Draw(t, "all"),
		}
		r := newRoster(shardByLength)
		want := map[string]map[string]bool{} // users by channel
		channel := rapid.SampledFrom([]string{"x", "y", "z", "zz"})
		user := rapid.SampledFrom(rosterUsers)
		count := func(pred func(c, u string) bool) (n int) {
			for c, users := range want {
				for u := range users {
					if pred(c, u) {
						n++
					}
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				c, u := channel.Draw(t, "channel"), user.Draw(t, "user")
				var refused error
				switch {
				case want[c][u]:
				case count(func(_, u2 string) bool { return u2 == u }) >= bounds.perUser:
					refused = ErrTooManyChannels
				case len(want[c]) >= bounds.perChannel:
					refused = ErrTooManyMembers
				case count(func(string, string) bool { return true }) >= bounds.all:
					refused = ErrTooManyMemberships
				}
				added, err := r.addLocked(c, u, bounds)
				if !errors.Is(err, refused) || added != (refused == nil && !want[c][u]) {
					t.Fatalf("added %v, %v, want %v", added, err, refused)
				}
				if refused != nil {
					refusals[refused]++
					return
				}
				if want[c] == nil {
					want[c] = map[string]bool{}
				}
				want[c][u] = true
			},
			"remove": func(t *rapid.T) {
				c, u := channel.Draw(t, "channel"), user.Draw(t, "user")
				if removed := r.removeLocked(c, u); removed != want[c][u] {
					t.Fatalf("removed %v, want %v", removed, want[c][u])
				}
				if delete(want[c], u); len(want[c]) == 0 {
					delete(want, c)
				}
			},
			"load": func(*rapid.T) {
				r = newRoster(shardByLength)
				r.load(func(yield func(c, u string) bool) {
					for c, users := range want {
						for u := range users {
							yield(c, u)
						}
					}
				})
			},
			"": func(t *rapid.T) { compareRoster(t, r, want) },
		})
	})
	if len(refusals) != 3 {
		t.Errorf("not every bound was met: %v", refusals)
	}
}

func compareRoster(t *rapid.T, r *roster, want map[string]map[string]bool) {
	all := 0
	if len(r.channels) != len(want) {
		t.Fatalf("%d channels, want %d", len(r.channels), len(want))
	}
	ofUser := map[string][]string{}
	for c, users := range want {
		var got []string
		list := r.snapshot(c, nil)
		if !slices.IsSortedFunc(list, r.byShard) {
			t.Fatalf("members of %s are not in order", c)
		}
		for _, m := range list {
			got = append(got, m.name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(users)), got); diff != "" {
			t.Fatalf("members of %s (-want +got):\n%s", c, diff)
		}
		all += len(got)
		for u := range users {
			ofUser[u] = append(ofUser[u], c)
		}
	}
	if r.count != all {
		t.Fatalf("%d memberships, want %d", r.count, all)
	}
	for _, u := range rosterUsers {
		var got []string
		if m, _, _ := r.memberLocked(u); m != nil {
			for _, c := range *m.channels {
				got = append(got, c.name)
			}
		}
		slices.Sort(ofUser[u])
		if diff := cmp.Diff(ofUser[u], got); diff != "" {
			t.Fatalf("channels of %s (-want +got):\n%s", u, diff)
		}
	}
}

// perMembership fills a roster and returns what a membership costs in bytes, without
// the names, which are there before.
func perMembership(users, channels int) float64 {
	names := make([]string, users)
	for i := range names {
		names[i] = fmt.Sprintf("user-%016d", i)
	}
	rooms := make([]string, channels)
	for i := range rooms {
		rooms[i] = fmt.Sprintf("channel-%08d", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := newRoster(func(user string) int { return int(user[len(user)-1]) % 16 })
	bounds := rosterBounds{perUser: 1 << 20, perChannel: 1 << 20, all: 1 << 30}
	for _, room := range rooms {
		for _, name := range names {
			_, _ = r.addLocked(room, name, bounds) // there is room
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes := float64(after.HeapAlloc) - float64(before.HeapAlloc)
	for i := range r.users { // the names were cloned: they are no part of the figure
		for _, m := range r.users[i] {
			bytes -= float64(roundedName(m.name))
		}
	}
	runtime.KeepAlive(names)
	runtime.KeepAlive(rooms)
	return bytes / float64(r.count)
}

// roundedName is what a name takes on the heap: sizes are multiples of 8 here.
func roundedName(name string) int { return (len(name) + 7) &^ 7 }

// An idle membership costs at most 64 bytes beyond the names.
func TestAMembershipIsSmall(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector needs memory of its own")
	}
	for _, n := range []struct{ users, channels int }{{20_000, 1}, {10_000, 10}, {1000, 100}} {
		if got := perMembership(n.users, n.channels); got > 64 || got < 8 {
			t.Errorf("%d users in %d channels: %.1f bytes each", n.users, n.channels, got)
		}
	}
}

func BenchmarkMembershipMemory(b *testing.B) {
	for _, n := range []struct{ users, channels int }{{100_000, 1}, {10_000, 10}} {
		b.Run(fmt.Sprintf("users=%d/channels=%d", n.users, n.channels), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(perMembership(n.users, n.channels), "B/membership")
			}
		})
	}
}
