package replay

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// watermark is what remains of a log without events.
type watermark struct {
	epoch string
	head  uint64
	why   cause // why the newest event is gone
}

// watermarks remembers users whose log is gone, the least recently used ones up to
// a bound, and gives new logs their epoch. Both are under one mutex because they
// are one promise: from the moment a watermark is forgotten, no new log may start
// at 1 in the epoch that it named.
type watermarks struct {
	mu      sync.Mutex
	max     int
	lru     *simplelru.LRU[string, watermark]
	epochs  epochs
	epoch   string // of logs created now
	dropped uint64 // counter
}

func newWatermarks(limit int) *watermarks {
	w := &watermarks{max: limit, lru: newLRU[watermark](), epochs: newEpochs()}
	w.epoch = w.epochs.next()
	return w
}

// get returns the watermark of user, or that of a user never seen.
func (w *watermarks) get(user string) watermark {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m, ok := w.lru.Get(user); ok {
		return m
	}
	return watermark{epoch: w.epoch}
}

// take is get for a log that is about to exist and carries the watermark itself.
func (w *watermarks) take(user string) watermark {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m, ok := w.lru.Peek(user); ok {
		w.lru.Remove(user)
		return m
	}
	return watermark{epoch: w.epoch}
}

// put remembers user, and over the bound forgets the least recently used one.
func (w *watermarks) put(user string, m watermark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lru.Add(user, m)
	if w.lru.Len() <= w.max {
		return
	}
	_, old, _ := w.lru.RemoveOldest()
	w.dropped++
	// A user forgotten in an earlier epoch has never had a log in the present one:
	// only the present one must end.
	if old.epoch == w.epoch {
		w.epoch = w.epochs.next()
	}
}

func (w *watermarks) stats() (n int, dropped uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lru.Len(), w.dropped
}
