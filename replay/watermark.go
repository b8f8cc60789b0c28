package replay

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// watermark is what remains of a log without events.
type watermark struct {
	epoch string
	head  uint64
	at    uint64
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
	epoch   string // of logs created now, without a backing
	dropped uint64 // counter

	backing Backing // remembers those that are forgotten here, or nil
}

func newWatermarks(limit int, b Backing) *watermarks {
	w := &watermarks{max: limit, lru: newLRU[watermark](), epochs: newEpochs(), backing: b}
	if b == nil {
		w.epoch = w.epochs.next()
	}
	return w
}

// recall is get for a user who is not remembered here. The mutex is not held. A
// Backing is asked each time for the epoch of strangers: it has another whenever it
// has forgotten somebody.
func (w *watermarks) recall(user, epoch string) watermark {
	if w.backing == nil {
		return watermark{epoch: epoch}
	}
	if st, ok := w.backing.Find(user); ok {
		return watermark{epoch: st.Epoch, head: st.Head, at: st.At}
	}
	return watermark{epoch: w.backing.Epoch()}
}

// get returns the watermark of user, or that of a user never seen.
func (w *watermarks) get(user string) watermark {
	w.mu.Lock()
	m, ok := w.lru.Get(user)
	epoch := w.epoch
	w.mu.Unlock()
	if ok {
		return m
	}
	return w.recall(user, epoch)
}

// take is get for a log that is about to exist and carries the watermark itself.
func (w *watermarks) take(user string) watermark {
	w.mu.Lock()
	m, ok := w.lru.Peek(user)
	if ok {
		w.lru.Remove(user)
	}
	epoch := w.epoch
	w.mu.Unlock()
	if ok {
		return m
	}
	return w.recall(user, epoch)
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
	// only the present one must end. A Backing has not forgotten.
	if old.epoch == w.epoch && w.backing == nil {
		w.epoch = w.epochs.next()
	}
}

func (w *watermarks) stats() (n int, dropped uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lru.Len(), w.dropped
}
