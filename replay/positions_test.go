package replay

import (
	"testing"
	"time"
)

// TestEveryPositionInEveryState is the table of what a reader is told: the survey,
// and what reading from the asked position itself returns.
func TestEveryPositionInEveryState(t *testing.T) {
	type row struct {
		since  string // E is the log's epoch, X another
		survey string
		read   string // only for cursors that the log's numbering applies to
	}
	tests := []struct {
		name  string
		cfg   Config
		setup func(f *fixture)
		state State // without the epoch
		rows  []row
	}{
		{
			name:  "never seen",
			setup: func(*fixture) {},
			state: State{Head: 0, Oldest: 1},
			rows: []row{
				{"latest", "start 0, lost none, 0 match, recovered", ""},
				{"device", "start 0, lost none, 0 match, recovered", ""},
				{"0", "start 0, lost none, 0 match, recovered", ""},
				{"E-0", "start 0, lost none, 0 match, recovered", ""},
				{"E-1", "start 0, lost 1..1 ahead, 0 match, gap", ""},
				{"5", "start 0, lost 1..5 ahead, 0 match, gap", ""},
				{"X-0", "start 0, lost 0..0 epoch, 0 match, gap", ""},
				{"X-5", "start 0, lost 0..0 epoch, 0 match, gap", ""},
			},
		},
		{
			name:  "pinned without events",
			setup: func(f *fixture) { f.Pin("ann") },
			state: State{Head: 0, Oldest: 1},
			rows: []row{
				{"0", "start 0, lost none, 0 match, recovered", ""},
				{"E-0", "start 0, lost none, 0 match, recovered", ""},
				{"E-1", "start 0, lost 1..1 ahead, 0 match, gap", ""},
				{"X-0", "start 0, lost 0..0 epoch, 0 match, gap", ""},
			},
		},
		{
			name:  "everything kept",
			setup: func(f *fixture) { f.append("ann", 5) },
			state: State{Head: 5, Oldest: 1},
			rows: []row{
				{"", "start 5, lost none, 0 match, recovered", ""},
				{"latest", "start 5, lost none, 0 match, recovered", ""},
				{"device", "start 5, lost none, 0 match, recovered", ""},
				{"0", "start 0, lost none, 5 match, recovered", ""},
				{"E-0", "start 0, lost none, 5 match, recovered", "1 2 3 4 5"},
				{"E-1", "start 1, lost none, 4 match, recovered", "2 3 4 5"},
				{"E-4", "start 4, lost none, 1 match, recovered", "5"},
				{"4", "start 4, lost none, 1 match, recovered", "5"},
				{"E-5", "start 5, lost none, 0 match, recovered", ""},
				{"5", "start 5, lost none, 0 match, recovered", ""},
				{"E-6", "start 5, lost 6..6 ahead, 0 match, gap", ""},
				{"6", "start 5, lost 6..6 ahead, 0 match, gap", ""},
				{"E-18446744073709551615", "start 5, lost 6..18446744073709551615 ahead, 0 match, gap", ""},
				{"X-0", "start 0, lost 0..0 epoch, 5 match, gap", ""},
				{"X-5", "start 0, lost 0..0 epoch, 5 match, gap", ""},
				{"X-99", "start 0, lost 0..0 epoch, 5 match, gap", ""},
			},
		},
		{
			name:  "trimmed by count",
			cfg:   Config{MaxEvents: 3},
			setup: func(f *fixture) { f.append("ann", 7) },
			state: State{Head: 7, Oldest: 5},
			rows: []row{
				{"latest", "start 7, lost none, 0 match, recovered", ""},
				{"0", "start 4, lost none, 3 match, gap", ""},
				{"E-0", "start 4, lost 1..4 limit, 3 match, gap", "[1..4 limit] 5 6 7"},
				{"E-2", "start 4, lost 3..4 limit, 3 match, gap", "[3..4 limit] 5 6 7"},
				{"3", "start 4, lost 4..4 limit, 3 match, gap", "[4..4 limit] 5 6 7"}, // oldest-2
				{"E-4", "start 4, lost none, 3 match, recovered", "5 6 7"},            // oldest-1
				{"E-5", "start 5, lost none, 2 match, recovered", "6 7"},              // oldest
				{"E-6", "start 6, lost none, 1 match, recovered", "7"},
				{"E-7", "start 7, lost none, 0 match, recovered", ""},
				{"E-8", "start 7, lost 8..8 ahead, 0 match, gap", ""},
				{"X-6", "start 4, lost 0..4 epoch, 3 match, gap", ""},
			},
		},
		{
			name:  "trimmed by bytes",
			cfg:   Config{MaxBytes: 3 * eventOverhead},
			setup: func(f *fixture) { f.append("ann", 4) },
			state: State{Head: 4, Oldest: 2},
			rows: []row{
				{"0", "start 1, lost none, 3 match, gap", ""},
				{"E-0", "start 1, lost 1..1 limit, 3 match, gap", "[1..1 limit] 2 3 4"},
				{"E-1", "start 1, lost none, 3 match, recovered", "2 3 4"},
				{"E-4", "start 4, lost none, 0 match, recovered", ""},
			},
		},
		{
			name: "one event larger than the log",
			cfg:  Config{MaxBytes: 3 * eventOverhead},
			setup: func(f *fixture) {
				f.append("ann", 2)
				f.Append("ann", f.event(4*eventOverhead))
			},
			state: State{Head: 3, Oldest: 3},
			rows: []row{
				{"E-1", "start 2, lost 2..2 limit, 1 match, gap", "[2..2 limit] 3"},
				{"E-2", "start 2, lost none, 1 match, recovered", "3"},
				{"E-3", "start 3, lost none, 0 match, recovered", ""},
			},
		},
		{
			name: "first two aged",
			cfg:  Config{MaxAge: time.Minute},
			setup: func(f *fixture) {
				f.append("ann", 2)
				f.advance(time.Minute)
				f.append("ann", 2)
			},
			state: State{Head: 4, Oldest: 3},
			rows: []row{
				{"0", "start 2, lost none, 2 match, gap", ""},
				{"E-0", "start 2, lost 1..2 expired, 2 match, gap", "[1..2 expired] 3 4"},
				{"E-1", "start 2, lost 2..2 expired, 2 match, gap", "[2..2 expired] 3 4"},
				{"E-2", "start 2, lost none, 2 match, recovered", "3 4"},
				{"E-4", "start 4, lost none, 0 match, recovered", ""},
				{"X-4", "start 2, lost 0..2 epoch, 2 match, gap", ""},
			},
		},
		{
			name: "all aged while pinned",
			cfg:  Config{MaxAge: time.Minute},
			setup: func(f *fixture) {
				f.Pin("ann")
				f.append("ann", 3)
				f.advance(time.Minute)
			},
			state: State{Head: 3, Oldest: 4},
			rows: []row{
				{"latest", "start 3, lost none, 0 match, recovered", ""},
				{"0", "start 3, lost none, 0 match, gap", ""},
				{"E-0", "start 3, lost 1..3 expired, 0 match, gap", ""},
				{"E-2", "start 3, lost 3..3 expired, 0 match, gap", ""},
				{"E-3", "start 3, lost none, 0 match, recovered", ""},
				{"E-4", "start 3, lost 4..4 ahead, 0 match, gap", ""},
				{"X-3", "start 3, lost 0..3 epoch, 0 match, gap", ""},
			},
		},
		{
			name: "all aged, not pinned",
			cfg:  Config{MaxAge: time.Minute},
			setup: func(f *fixture) {
				f.append("ann", 3)
				f.advance(time.Minute)
				f.Sweep(f.time())
			},
			state: State{Head: 3, Oldest: 4},
			rows: []row{
				{"0", "start 3, lost none, 0 match, gap", ""},
				{"E-2", "start 3, lost 3..3 expired, 0 match, gap", ""},
				{"E-3", "start 3, lost none, 0 match, recovered", ""},
				{"X-3", "start 3, lost 0..3 epoch, 0 match, gap", ""},
			},
		},
		{
			name: "expired at both ends and in the middle",
			setup: func(f *fixture) {
				for _, d := range []time.Duration{1, 0, 1, 1, 0, 1} {
					if d == 0 {
						f.append("ann", 1)
					} else {
						f.Append("ann", f.ttl(d*time.Second))
					}
				}
				f.advance(time.Second)
			},
			state: State{Head: 6, Oldest: 2},
			rows: []row{
				{"0", "start 1, lost none, 2 match, gap", ""},
				{"E-0", "start 1, lost 1..1 expired, 2 match, gap", "[1..1 expired] 2 [3..4 expired] 5 [6..6 expired]"},
				{"E-1", "start 1, lost none, 2 match, gap", "2 [3..4 expired] 5 [6..6 expired]"},
				{"E-2", "start 2, lost none, 1 match, gap", "[3..4 expired] 5 [6..6 expired]"},
				{"E-3", "start 3, lost none, 1 match, gap", "[4..4 expired] 5 [6..6 expired]"},
				{"E-4", "start 4, lost none, 1 match, gap", "5 [6..6 expired]"},
				{"E-5", "start 5, lost none, 0 match, gap", "[6..6 expired]"},
				{"E-6", "start 6, lost none, 0 match, recovered", ""},
			},
		},
		{
			name: "evicted",
			cfg:  Config{MaxUsers: 1},
			setup: func(f *fixture) {
				f.append("ann", 5)
				f.append("bob", 1)
			},
			state: State{Head: 5, Oldest: 6},
			rows: []row{
				{"latest", "start 5, lost none, 0 match, recovered", ""},
				{"0", "start 5, lost none, 0 match, gap", ""},
				{"E-0", "start 5, lost 1..5 evicted, 0 match, gap", ""},
				{"E-4", "start 5, lost 5..5 evicted, 0 match, gap", ""},
				{"4", "start 5, lost 5..5 evicted, 0 match, gap", ""},
				{"E-5", "start 5, lost none, 0 match, recovered", ""},
				{"E-6", "start 5, lost 6..6 ahead, 0 match, gap", ""},
				{"X-5", "start 5, lost 0..5 epoch, 0 match, gap", ""},
			},
		},
		{
			name: "evicted and gone on",
			cfg:  Config{MaxUsers: 1},
			setup: func(f *fixture) {
				f.append("ann", 5)
				f.append("bob", 1)
				f.append("ann", 2)
			},
			state: State{Head: 7, Oldest: 6},
			rows: []row{
				{"0", "start 5, lost none, 2 match, gap", ""},
				{"E-0", "start 5, lost 1..5 evicted, 2 match, gap", "[1..5 evicted] 6 7"},
				{"E-4", "start 5, lost 5..5 evicted, 2 match, gap", "[5..5 evicted] 6 7"},
				{"E-5", "start 5, lost none, 2 match, recovered", "6 7"},
				{"E-7", "start 7, lost none, 0 match, recovered", ""},
				{"X-7", "start 5, lost 0..5 epoch, 2 match, gap", ""},
			},
		},
		{
			name: "evicted and pinned again",
			cfg:  Config{MaxUsers: 1},
			setup: func(f *fixture) {
				f.append("ann", 5)
				f.append("bob", 1)
				f.Pin("ann")
			},
			state: State{Head: 5, Oldest: 6},
			rows: []row{
				{"E-4", "start 5, lost 5..5 evicted, 0 match, gap", ""},
				{"E-5", "start 5, lost none, 0 match, recovered", ""},
			},
		},
		{
			name: "trimmed for count after eviction",
			cfg:  Config{MaxUsers: 1, MaxEvents: 1},
			setup: func(f *fixture) {
				f.append("ann", 5)
				f.append("bob", 1)
				f.append("ann", 2)
			},
			state: State{Head: 7, Oldest: 7},
			rows: []row{
				{"E-5", "start 6, lost 6..6 limit, 1 match, gap", "[6..6 limit] 7"},
				{"E-2", "start 6, lost 3..6 limit, 1 match, gap", "[3..6 limit] 7"}, // of what removed the newest
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.cfg)
			tt.setup(f)
			got := f.State("ann")
			if tt.state.Epoch = got.Epoch; got != tt.state {
				t.Errorf("State = %+v, want %+v", got, tt.state)
			}
			for _, r := range tt.rows {
				since := f.since("ann", r.since)
				sv := f.Survey("ann", since, nil)
				if sv.text() != r.survey || sv.State != tt.state {
					t.Errorf("Survey(%s) = %s, %+v\nwant %s", r.since, sv.text(), sv.State, r.survey)
				}
				if since.Kind != SinceCursor {
					continue
				}
				if since.Cursor.Epoch != "other" && since.Cursor.Seq < got.Oldest-1 && r.read == "" {
					r.read = "[" + sv.Lost.text() + "]"
				}
				if since.Cursor.Epoch == "other" {
					continue
				}
				entries, st := f.Read("ann", since.Cursor.Seq, make([]Entry, 0, 100), 1<<20, nil)
				if got := entriesText(entries); got != r.read || st != tt.state {
					t.Errorf("Read(%d) = %s, %+v\nwant %s", since.Cursor.Seq, got, st, r.read)
				}
			}
		})
	}
}
