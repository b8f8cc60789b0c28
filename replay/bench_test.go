package replay

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"hubline/internal/leaktest"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	f := newFixture(t, Config{})
	ev := f.event(100)
	dst := make([]Entry, 0, 100)
	pinned := f.Pin("pinned")
	for range 2000 {
		f.Append("ann", ev)
		pinned.Append(ev)
	}
	since := f.since("ann", fmt.Sprint("E-", f.State("ann").Head-500))
	match := func(*Event) bool { return true }
	small := newFixture(t, Config{MaxBytes: eventOverhead})
	small.Append("ann", ev)
	buf := make([]byte, 0, MaxCursorLen)
	tests := []struct {
		name string
		op   func()
	}{
		{"append", func() { f.Append("ann", ev) }},
		{"append to a pinned log", func() { pinned.Append(ev) }},
		{"append to a log of one", func() { small.Append("ann", ev) }},
		{"read", func() { f.Read("ann", f.State("ann").Head-50, dst, 1<<20, nil) }},
		{"survey", func() { f.Survey("ann", Since{Kind: SinceAll}, match) }},
		{"survey of a stranger", func() { f.Survey("nobody", Since{Kind: SinceAll}, match) }},
		{"state", func() { f.State("ann") }},
		{"state of a stranger", func() { f.State("nobody") }},
		{"find", func() { f.Find("ann", "x") }},
		{"cursor", func() { since.Cursor.AppendTo(buf) }},
	}
	for _, tt := range tests {
		if n := testing.AllocsPerRun(3000, tt.op); n != 0 {
			t.Errorf("%s allocates %v times", tt.name, n)
		}
	}
}

func benchStore(users int) (*Store, []string, *Event) {
	s := NewStore(Config{MaxTotalBytes: 1 << 40})
	names := make([]string, users)
	ev := &Event{ID: "0197c0de", Type: "backup.progress", Data: make([]byte, 100), Time: time.Now().UnixMilli()}
	for i := range names {
		names[i] = fmt.Sprintf("user-%08d", i)
		s.Append(names[i], ev)
	}
	return s, names, ev
}

func BenchmarkAppend(b *testing.B) {
	for _, users := range []int{1, 10_000} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			s, names, ev := benchStore(users)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Append(names[i%users], ev)
				i += 7919
			}
		})
	}
}

func BenchmarkAppendPinned(b *testing.B) {
	s, names, ev := benchStore(1)
	l := s.Pin(names[0])
	b.ReportAllocs()
	for b.Loop() {
		l.Append(ev)
	}
}

func BenchmarkAppendParallel(b *testing.B) {
	for _, users := range []int{1, 10_000} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			s, names, ev := benchStore(users)
			var worker atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)); pb.Next(); i += 7919 {
					s.Append(names[i%users], ev)
				}
			})
		})
	}
}

// BenchmarkAppendEvicting is the worst case: every append is a new user's and
// evicts another's log.
func BenchmarkAppendEvicting(b *testing.B) {
	s := NewStore(Config{MaxUsers: 1000, MaxWatermarks: 1000})
	ev := &Event{Type: "x", Time: time.Now().UnixMilli()}
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("user-%08d", i)
		s.Append(names[i], ev)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Append(names[i%len(names)], ev)
		i++
	}
}

// BenchmarkResume is one client that missed 1000 events: survey with a filter, then
// pages of 100.
func BenchmarkResume(b *testing.B) {
	s, names, ev := benchStore(1)
	for range 1000 {
		s.Append(names[0], ev)
	}
	l := s.Pin(names[0])
	dst := make([]Entry, 0, 100)
	match := func(ev *Event) bool { return ev.Device == "" }
	b.ReportAllocs()
	for b.Loop() {
		sv := l.Survey(Since{Kind: SinceAll}, match)
		for at, n := sv.Start, 1; n > 0; {
			page, _ := l.Read(at, dst, 1<<20, nil)
			if n = len(page); n > 0 {
				at = page[n-1].Seq
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkBroadcast(b *testing.B) {
	s, _, ev := benchStore(10_000)
	b.ReportAllocs()
	for b.Loop() {
		for i := range s.Shards() {
			s.AppendToUnpinned(i, ev)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/log")
}

func BenchmarkPinUnpin(b *testing.B) {
	s, names, _ := benchStore(10_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Unpin(s.Pin(names[i%len(names)]))
		i += 7919
	}
}

// BenchmarkIdlePinned reports what an idle connected user costs.
func BenchmarkIdlePinned(b *testing.B) {
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("user-%08d", i)
	}
	for b.Loop() {
		before := leaktest.Heap()
		s := NewStore(Config{})
		for _, u := range names {
			s.Pin(u)
		}
		b.ReportMetric(float64(leaktest.Heap()-before)/float64(len(names)), "B/user")
		runtime.KeepAlive(s)
	}
}

func BenchmarkSweep(b *testing.B) {
	s, _, _ := benchStore(100_000)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s.Sweep(now)
	}
}

func BenchmarkParseCursor(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCursor("k7q2ab12-1234567"); err != nil {
			b.Fatal(err)
		}
	}
}
