package replay

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"hubline/internal/leaktest"
)

// TestMemoryBudgets guards what a user costs. The store's copy of a 13-byte name is
// counted, except for the watermark, which takes over the log's.
func TestMemoryBudgets(t *testing.T) {
	const n = 50_000
	shared := newClock().event(100)
	tests := []struct {
		name string
		fill func(s *Store, user string)
		pop  func(st Stats) int // the population, to see that it is still there
		max  int64              // bytes per user
	}{
		{
			"idle connected user",
			func(s *Store, user string) { s.Pin(user) },
			func(st Stats) int { return st.Pinned }, 240,
		},
		{
			"log of one shared event",
			func(s *Store, user string) { s.Append(user, shared) },
			func(st Stats) int { return st.Users }, 360,
		},
		{
			"watermark",
			func(s *Store, user string) { s.marks.put(user, watermark{epoch: "k7q2", head: 5}) },
			func(st Stats) int { return st.Watermarks }, 200,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("user-%08d", i)
			}
			before := leaktest.Heap()
			s := NewStore(Config{Now: newClock().time})
			for _, user := range names {
				tt.fill(s, user)
			}
			got := (leaktest.Heap() - before) / n
			t.Logf("%d bytes per user", got)
			if got > tt.max {
				t.Errorf("%d bytes per user, budget %d", got, tt.max)
			}
			if pop := tt.pop(s.Stats()); pop != n {
				t.Errorf("population %d, want %d", pop, n)
			}
			runtime.KeepAlive(names)
		})
	}
}

// TestSizeIsWhatAnEventCosts compares the budget's bytes with the heap's.
func TestSizeIsWhatAnEventCosts(t *testing.T) {
	for _, data := range []int{0, 10, 100, 1000} {
		s := NewStore(Config{Now: newClock().time, MaxEvents: 100_000, MaxBytes: 1 << 30})
		before := leaktest.Heap()
		for i := range 40_000 {
			s.Append("ann", &Event{
				ID: fmt.Sprintf("0197c0de-0000-7000-8000-%012d", i), Type: "backup.progress", Time: t0, Data: make([]byte, data),
			})
		}
		cost, charged := leaktest.Heap()-before, s.Stats().Bytes
		t.Logf("data of %d: %d bytes on the heap, %d charged", data, cost/40_000, charged/40_000)
		if cost > charged || cost < charged*2/3 {
			t.Errorf("data of %d: %d bytes on the heap, %d charged", data, cost, charged)
		}
		runtime.KeepAlive(s)
	}
}

func TestAnEmptiedLogGivesItsRingBack(t *testing.T) {
	f := newFixture(t, Config{MaxAge: 1, MaxEvents: 1 << 20, MaxBytes: 1 << 30})
	before := leaktest.Heap()
	l := f.Pin("ann")
	for range 100_000 {
		l.Append(f.event(0))
	}
	f.advance(time.Second)
	f.Sweep(f.time())
	if got := leaktest.Heap() - before; got > 64<<10 {
		t.Errorf("%d bytes are still held", got)
	}
	runtime.KeepAlive(l)
}
