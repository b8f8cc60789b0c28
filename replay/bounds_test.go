package replay

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBoundsHoldAtTheLimitAndOneAbove appends up to each bound, then once more.
func TestBoundsHoldAtTheLimitAndOneAbove(t *testing.T) {
	tests := []struct {
		name          string
		cfg           Config
		setup         func(f *fixture)
		above         func(f *fixture)
		limit, beyond Stats // Bytes is not compared
	}{
		{
			name:   "events of a user",
			cfg:    Config{MaxEvents: 3},
			setup:  func(f *fixture) { f.append("ann", 3) },
			above:  func(f *fixture) { f.append("ann", 1) },
			limit:  Stats{Users: 1, Events: 3, Appended: 3},
			beyond: Stats{Users: 1, Events: 3, Appended: 4, TrimmedLimit: 1},
		},
		{
			name:   "bytes of a user",
			cfg:    Config{MaxBytes: 3*eventOverhead + 10},
			setup:  func(f *fixture) { f.append("ann", 2); f.Append("ann", f.event(10)) },
			above:  func(f *fixture) { f.Append("ann", f.event(11)) },
			limit:  Stats{Users: 1, Events: 3, Appended: 3},
			beyond: Stats{Users: 1, Events: 2, Appended: 4, TrimmedLimit: 2},
		},
		{
			name:   "one event of just all bytes, and larger",
			cfg:    Config{MaxBytes: 1000},
			setup:  func(f *fixture) { f.append("ann", 1); f.Append("ann", f.event(1000-eventOverhead)) },
			above:  func(f *fixture) { f.Append("ann", f.event(1001-eventOverhead)) },
			limit:  Stats{Users: 1, Events: 1, Appended: 2, TrimmedLimit: 1},
			beyond: Stats{Users: 1, Events: 1, Appended: 3, TrimmedLimit: 2},
		},
		{
			name:   "age",
			cfg:    Config{MaxAge: time.Second},
			setup:  func(f *fixture) { f.append("ann", 2); f.advance(999 * time.Millisecond); f.State("ann") },
			above:  func(f *fixture) { f.advance(time.Millisecond); f.State("ann") },
			limit:  Stats{Users: 1, Events: 2, Appended: 2},
			beyond: Stats{Watermarks: 1, Appended: 2, TrimmedExpired: 2},
		},
		{
			name:   "age below a millisecond",
			cfg:    Config{MaxAge: time.Nanosecond},
			setup:  func(f *fixture) { f.append("ann", 1); f.State("ann") },
			above:  func(f *fixture) { f.advance(time.Millisecond); f.State("ann") },
			limit:  Stats{Users: 1, Events: 1, Appended: 1},
			beyond: Stats{Watermarks: 1, Appended: 1, TrimmedExpired: 1},
		},
		{
			name:   "no age",
			cfg:    Config{MaxAge: -1},
			setup:  func(f *fixture) { f.append("ann", 1) },
			above:  func(f *fixture) { f.advance(1e6 * time.Hour); f.State("ann"); f.Sweep(f.time()) },
			limit:  Stats{Users: 1, Events: 1, Appended: 1},
			beyond: Stats{Users: 1, Events: 1, Appended: 1},
		},
		{
			name: "an event's own time to live",
			setup: func(f *fixture) {
				f.Append("ann", f.ttl(time.Second))
				f.advance(999 * time.Millisecond)
				f.State("ann")
			},
			above:  func(f *fixture) { f.advance(time.Millisecond); f.State("ann") },
			limit:  Stats{Users: 1, Events: 1, Appended: 1},
			beyond: Stats{Watermarks: 1, Appended: 1, TrimmedExpired: 1},
		},
		{
			name:   "users",
			cfg:    Config{MaxUsers: 3},
			setup:  func(f *fixture) { f.append("ann", 2); f.append("bob", 1); f.append("cid", 1) },
			above:  func(f *fixture) { f.append("dan", 1) },
			limit:  Stats{Users: 3, Events: 4, Appended: 4},
			beyond: Stats{Users: 3, Events: 3, Appended: 5, Watermarks: 1, EvictedUsers: 1, TrimmedEvicted: 2},
		},
		{
			name:   "bytes in all",
			cfg:    Config{MaxTotalBytes: 3*logOverhead + 4*eventOverhead + 1},
			setup:  func(f *fixture) { f.append("ann", 2); f.append("bob", 1); f.Append("cid", f.event(1)) },
			above:  func(f *fixture) { f.Append("cid", f.event(0)) },
			limit:  Stats{Users: 3, Events: 4, Appended: 4},
			beyond: Stats{Users: 2, Events: 3, Appended: 5, Watermarks: 1, EvictedUsers: 1, TrimmedEvicted: 2},
		},
		{
			name: "watermarks",
			cfg:  Config{MaxUsers: 1, MaxWatermarks: 2},
			setup: func(f *fixture) {
				f.append("ann", 1)
				f.append("bob", 1)
				f.append("cid", 1)
			},
			above:  func(f *fixture) { f.append("dan", 1) },
			limit:  Stats{Users: 1, Events: 1, Appended: 3, Watermarks: 2, EvictedUsers: 2, TrimmedEvicted: 2},
			beyond: Stats{Users: 1, Events: 1, Appended: 4, Watermarks: 2, EvictedUsers: 3, TrimmedEvicted: 3, DroppedWatermarks: 1},
		},
		{
			name:   "users, all pinned: nothing can be done",
			cfg:    Config{MaxUsers: 1},
			setup:  func(f *fixture) { f.Pin("ann"); f.Pin("bob"); f.append("ann", 2) },
			above:  func(f *fixture) { f.append("bob", 2) },
			limit:  Stats{Users: 1, Pinned: 2, Events: 2, Appended: 2},
			beyond: Stats{Users: 2, Pinned: 2, Events: 4, Appended: 4},
		},
		{
			name: "bytes in all, the others pinned: the appending log gives its own",
			cfg:  Config{MaxTotalBytes: 2*logOverhead + 4*eventOverhead},
			setup: func(f *fixture) {
				f.Pin("ann")
				f.append("ann", 2)
				f.append("bob", 2)
			},
			above:  func(f *fixture) { f.append("bob", 1) },
			limit:  Stats{Users: 2, Pinned: 1, Events: 4, Appended: 4},
			beyond: Stats{Users: 2, Pinned: 1, Events: 4, Appended: 5, TrimmedLimit: 1},
		},
		{
			name:   "bytes in all, only the newest left: it stays",
			cfg:    Config{MaxTotalBytes: logOverhead + 2*eventOverhead},
			setup:  func(f *fixture) { f.Pin("ann"); f.append("ann", 2) },
			above:  func(f *fixture) { f.append("bob", 1) },
			limit:  Stats{Users: 1, Pinned: 1, Events: 2, Appended: 2},
			beyond: Stats{Users: 2, Pinned: 1, Events: 3, Appended: 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.cfg)
			tt.setup(f)
			compare := func(when string, want Stats) {
				t.Helper()
				got := f.Stats()
				got.Bytes = 0
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", when, diff)
				}
			}
			compare("at the limit", tt.limit)
			tt.above(f)
			compare("one above", tt.beyond)
		})
	}
}

func TestNothingOfEmptyLogsIsCharged(t *testing.T) {
	f := newFixture(t, Config{MaxUsers: 1})
	for i := range 100 {
		f.Pin(fmt.Sprint("user", i))
	}
	f.append("ann", 1)
	if got, want := f.Stats(), (Stats{Users: 1, Pinned: 100, Events: 1, Bytes: logOverhead + eventOverhead, Appended: 1}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}

func TestSizeChargesEveryPart(t *testing.T) {
	ev := &Event{
		ID: "1", Type: "22", Channel: "333", Device: "4444", ExceptDevice: "55555", ContextID: "666666",
		Data: []byte("7777777"), Arguments: []byte("88888888"),
	}
	if got, want := ev.Size(), eventOverhead+36; got != want {
		t.Errorf("Size = %d, want %d", got, want)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	if err := (Config{MaxAge: -1}).Validate(); err != nil {
		t.Errorf("Validate of a valid config: %v", err)
	}
	bad := Config{MaxEvents: -1, MaxBytes: -2, MaxUsers: -3, MaxTotalBytes: -4, MaxWatermarks: -5}
	want := "replay: MaxEvents is negative: -1\nreplay: MaxBytes is negative: -2\nreplay: MaxUsers is negative: -3\n" +
		"replay: MaxTotalBytes is negative: -4\nreplay: MaxWatermarks is negative: -5"
	if err := bad.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate = %v\nwant %s", err, want)
	}
	if err := (Config{MaxEvents: maxMaxEvents + 1}).Validate(); err == nil {
		t.Error("Validate accepts more events than the ring can number")
	}
	got := NewStore(bad).cfg
	got.Now = nil
	if diff := cmp.Diff(Config{
		MaxEvents: 1000, MaxBytes: 1 << 20, MaxAge: 24 * time.Hour,
		MaxUsers: 100_000, MaxTotalBytes: 256 << 20, MaxWatermarks: 100_000,
	}, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}
