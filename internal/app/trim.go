package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// trimEvery is how often the trimmer looks. A server that collects garbage more
// often than that is busy and left alone.
const trimEvery = 5 * time.Second

// trim gives memory back to the system when the server has come to rest. A wave
// of connections leaves several times the memory behind that they need: stacks
// and buffers of the HTTP requests, and garbage for which an idle process has
// no reason to run a collection. It runs until ctx ends.
func trim(ctx context.Context) {
	t := time.NewTicker(trimEvery)
	defer t.Stop()
	var m meter
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			u := readUsage()
			if m.worthIt(now, u) {
				runtime.GC() // what lies in a sync.Pool outlives one collection
				debug.FreeOSMemory()
				m.trimmed(now, time.Now(), readUsage())
			}
		}
	}
}

// usage is what the runtime says of itself.
type usage struct {
	cycles     uint64 // collections so far
	allocated  uint64 // bytes so far
	held       uint64 // bytes that the system counts as ours
	goroutines uint64
	live       uint64 // bytes found alive by the last collection, stacks included
}

func readUsage() usage {
	s := [...]metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	metrics.Read(s[:])
	v := func(i int) uint64 { return s[i].Value.Uint64() }
	return usage{cycles: v(0), allocated: v(1), held: v(2) - v(3), goroutines: v(4), live: v(5) + v(6)}
}

// What must have happened since the last trim before another one pays: a tenth
// of the held memory allocated anew, or a tenth of the goroutines come or gone,
// each with a floor that keeps small servers still. And trims may take a
// hundredth of the time at most.
const (
	minAllocated  = 4 << 20
	minGoroutines = 500
	maxShare      = 100
)

// meter decides when to trim.
type meter struct {
	seen uint64 // collections up to the last look
	last usage  // right after the last trim
	rest time.Time
}

// worthIt reports that no collection has run since the last look, so that the
// server is calm, and that enough has happened since the last trim.
func (m *meter) worthIt(now time.Time, u usage) bool {
	calm := u.cycles == m.seen
	m.seen = u.cycles
	if !calm || now.Before(m.rest) {
		return false
	}
	allocated := u.allocated - m.last.allocated
	moved := max(u.goroutines, m.last.goroutines) - min(u.goroutines, m.last.goroutines)
	return allocated >= minAllocated && allocated >= m.last.held/10 ||
		moved >= minGoroutines && moved >= m.last.goroutines/10
}

// trimmed notes a trim that began at start and has just ended.
func (m *meter) trimmed(start, now time.Time, u usage) {
	m.seen, m.last = u.cycles, u
	m.rest = now.Add(maxShare * now.Sub(start))
}
