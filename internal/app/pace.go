package app

import (
	"math"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// paceEvery is how often the pacer looks. It stays frugal until the first look since
// which no wave of sockets has come.
const paceEvery = time.Second

// maxHeadroom is how many bytes may be allocated between two collections even if
// little is alive. With the runtime's own rule a small server under load would
// collect dozens of times a second for the sake of a few megabytes, and find its
// caches cold each time; with much more, what is allocated is never in a cache.
const maxHeadroom = 32 << 20

// waveHeadroom is what is left of it, at most, while sockets arrive.
const waveHeadroom = 8 << 20

// minHeap is the heap below which the runtime does not collect at 100 percent;
// it grows with the percentage.
const minHeap = 4 << 20

// A wave is an eighth more open sockets than at the last look, and so many more.
const (
	waveShare = 8
	waveFloor = 64
)

// pacer chooses the garbage collector's percentage. Who serves requests has
// headroom. While sockets arrive in a wave it has little: what a request leaves behind
// then lies between what its connection keeps, and stays in half used pages for as
// long as the connection lives. The pacer does nothing if the operator has set GOGC. It
// is safe for concurrent use.
type pacer struct {
	headroom uint64
	off      bool
	wave     atomic.Int64 // so many open sockets are one

	mu      sync.Mutex
	seen    int64  // open sockets at the last look
	live    uint64 // bytes, at the last look
	percent int
	set     func(percent int) int
}

// newPacer returns a pacer for a server that may keep so many bytes of logs in
// memory: where the operator has little to give, headroom is small as well.
func newPacer(logs uint64) *pacer {
	_, off := os.LookupEnv("GOGC")
	p := &pacer{headroom: min(maxHeadroom, logs/8), off: off, percent: 100, set: debug.SetGCPercent}
	p.look(readUsage(), 0)
	return p
}

// look follows what is alive, stacks included, and the number of open sockets.
func (p *pacer) look(u usage, open int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	headroom := p.headroom
	if open >= waveAfter(p.seen) {
		headroom = min(headroom, waveHeadroom)
	}
	p.seen, p.live = open, u.live
	p.wave.Store(waveAfter(open))
	p.giveLocked(headroom)
}

// arrived tells that there are so many open sockets now that another has come.
func (p *pacer) arrived(open int64) {
	if p == nil || open < p.wave.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wave.Store(math.MaxInt64) // once until the next look
	p.giveLocked(min(p.headroom, waveHeadroom))
}

// giveLocked stops the world if the percentage changes.
func (p *pacer) giveLocked(headroom uint64) {
	percent := percent(p.live, headroom)
	if p.off || percent == p.percent {
		return
	}
	p.percent = percent
	p.set(percent)
}

// waveAfter is how many open sockets are a wave after so many.
func waveAfter(open int64) int64 { return open + open/waveShare + waveFloor }

// percent is the percentage that gives headroom beside so much live memory, in
// steps of 50 so that it does not change with every look.
func percent(live, headroom uint64) int {
	p := min(headroom*100/max(live, 1), headroom*100/minHeap)
	return int(max(100, p/50*50)) //nolint:gosec // at most maxHeadroom*100/minHeap
}
