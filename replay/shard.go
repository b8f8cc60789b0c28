package replay

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// noTail is the tail of a shard that has nothing to evict.
const noTail = math.MaxUint64

// shard holds the logs of a part of the users. Every log is either in pinned or in
// unpinned; one in unpinned has at least one event whenever mu is free.
type shard struct {
	store *Store

	// tail is the last-use stamp of the log that unpinned would evict next, or
	// noTail. Written under mu; read without, to find the coldest shard.
	tail atomic.Uint64

	mu       sync.Mutex
	pinned   map[string]*Log
	unpinned *simplelru.LRU[string, *Log]
	events   int
	appended uint64
	trimmed  [causes]uint64 // events dropped, by cause
	evicted  uint64         // logs

	_ [64]byte // the neighbour's mutex is another cache line
}

// newLRU returns an LRU without a bound of its own: ours are in other units.
func newLRU[V any]() *simplelru.LRU[string, V] {
	lru, err := simplelru.NewLRU[string, V](math.MaxInt, nil)
	if err != nil {
		panic(err) // only a size below 1 is refused
	}
	return lru
}

// findLocked returns the user's log or nil. hint is a log the caller was given by
// Pin, which saves the lookup while it is pinned.
func (sh *shard) findLocked(user string, hint *Log) *Log {
	if hint != nil && hint.pins > 0 {
		return hint
	}
	if l, ok := sh.pinned[user]; ok {
		return l
	}
	l, _ := sh.unpinned.Peek(user)
	return l
}

// newLocked makes a log that continues from the user's watermark. The caller puts
// it into pinned or unpinned.
func (sh *shard) newLocked(user string) *Log {
	user = strings.Clone(user)
	m := sh.store.marks.take(user)
	return &Log{sh: sh, user: user, epoch: m.epoch, head: m.head, at: m.at, why: m.why, older: m.at != 0}
}

// ghostLocked is the log of a user without one: nothing but its watermark.
func (sh *shard) ghostLocked(user string) Log {
	m := sh.store.marks.get(user)
	return Log{sh: sh, user: user, epoch: m.epoch, head: m.head, at: m.at, why: m.why, older: m.at != 0}
}

// touchLocked makes an unpinned log the most recently used, adding it if need be.
func (sh *shard) touchLocked(l *Log) {
	if l.pins > 0 {
		return
	}
	l.used = sh.store.clock.Add(1)
	if _, ok := sh.unpinned.Get(l.user); !ok {
		sh.unpinned.Add(l.user, l)
	}
	sh.publishTailLocked()
}

// publishTailLocked must follow every change of the order or content of unpinned.
func (sh *shard) publishTailLocked() {
	tail := uint64(noTail)
	if _, l, ok := sh.unpinned.GetOldest(); ok {
		tail = l.used
	}
	if sh.tail.Load() != tail {
		sh.tail.Store(tail)
	}
}

// mark is how much a log held before an operation.
type mark struct {
	bytes int
	n     uint32
}

func (l *Log) markLocked() mark { return mark{l.bytes, l.ring.n} }

// settleLocked ends an operation that pushed or popped: it gives memory back, books
// the difference, and turns an unpinned log that has nothing left into a watermark.
func (sh *shard) settleLocked(l *Log, before mark) {
	if before == l.markLocked() {
		return
	}
	l.ring.fit()
	sh.bookLocked(l, before)
	if l.ring.n == 0 && l.pins == 0 {
		sh.retireLocked(l)
	}
}

// bookLocked adds to the budgets what changed in l since before.
func (sh *shard) bookLocked(l *Log, before mark) {
	s := sh.store
	if d := l.bytes - before.bytes; d != 0 {
		s.bytes.Add(int64(d))
	}
	sh.events += int(l.ring.n) - int(before.n)
	switch {
	case before.n == 0 && l.ring.n > 0:
		s.users.Add(1)
	case before.n > 0 && l.ring.n == 0:
		s.users.Add(-1)
	}
}

// evictLocked drops all events of an unpinned log and the log.
func (sh *shard) evictLocked(l *Log) {
	before := l.markLocked()
	sh.trimmed[causeEvicted] += uint64(before.n)
	sh.evicted++
	l.ring, l.ids, l.given, l.bytes, l.why = ring{}, nil, 0, 0, causeEvicted
	sh.bookLocked(l, before)
	sh.retireLocked(l)
}

// retireLocked replaces an empty log, pinned no more, by its watermark.
func (sh *shard) retireLocked(l *Log) {
	sh.unpinned.Remove(l.user)
	sh.publishTailLocked()
	sh.store.marks.put(l.user, l.watermark())
}
