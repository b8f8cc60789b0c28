package app

import (
	"os"
	"runtime/debug"
)

// headroom is how many bytes may be allocated between two collections even if
// little is alive. With the runtime's own rule a small server under load would
// collect hundreds of times a second for the sake of a few megabytes.
const headroom = 24 << 20

// Bounds of the garbage collector's percentage.
const (
	minPercent = 100
	maxPercent = 200
)

// pacer keeps the collector's percentage such that headroom is there. It does
// nothing if the operator has set GOGC.
type pacer struct {
	percent int
	off     bool
}

func newPacer() pacer {
	_, set := os.LookupEnv("GOGC")
	return pacer{percent: minPercent, off: set}
}

// adjust follows what is alive, stacks included.
func (p *pacer) adjust(u usage) {
	percent := gcPercent(u.live)
	if p.off || percent == p.percent {
		return
	}
	p.percent = percent
	debug.SetGCPercent(percent)
}

// gcPercent is the percentage for so much live memory, in steps of 50 so that
// it does not change with every look.
func gcPercent(live uint64) int {
	percent := int(min(headroom*100/max(live, 1<<20), maxPercent)) //nolint:gosec // bounded
	return max(minPercent, percent/50*50)
}
