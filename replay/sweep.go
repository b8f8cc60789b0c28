package replay

import (
	"slices"
	"time"
)

// sweepBatch is how many logs Sweep looks at before it lets others have the lock:
// a few microseconds when nothing has aged.
const sweepBatch = 128

// Sweep drops aged events of all logs, which otherwise happens only when a log is
// used, and turns unpinned logs that have none left into watermarks. It is meant to
// be called every minute or so, from one goroutine.
func (s *Store) Sweep(now time.Time) {
	ms := now.UnixMilli()
	var logs []*Log
	for i := range s.shards {
		sh := &s.shards[i]
		logs = sh.snapshot(logs[:0])
		for batch := range slices.Chunk(logs, sweepBatch) {
			sh.sweep(batch, ms)
		}
	}
}

// snapshot appends the shard's logs that hold events.
func (sh *shard) snapshot(dst []*Log) []*Log {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range sh.pinned {
		if l.ring.n > 0 {
			dst = append(dst, l)
		}
	}
	return append(dst, sh.unpinned.Values()...)
}

// sweep expires logs that were there at the snapshot. One that has been evicted
// since is empty, and nothing happens to it.
func (sh *shard) sweep(logs []*Log, now int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range logs {
		sh.expireLocked(l, now)
	}
}
