package replay

import (
	"hash/maphash"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	minShards = 16
	maxShards = 256
)

// Store is the logs of all users. It is safe for concurrent use and starts no
// goroutine; call Sweep now and then to give back the memory of aged events.
type Store struct {
	cfg    Config
	maxAge int64 // milliseconds; 0 means none
	seed   maphash.Seed
	shards []shard
	marks  *watermarks

	clock atomic.Uint64 // last-use stamps
	users atomic.Int64  // logs with events
	bytes atomic.Int64

	shrinkMu sync.Mutex // one at a time, or two evict for the same excess
}

// NewStore makes an empty store. The configuration should have passed Validate;
// what is negative there is taken as zero.
func NewStore(cfg Config) *Store {
	cfg = cfg.withDefaults()
	s := &Store{
		cfg:    cfg,
		seed:   maphash.MakeSeed(),
		shards: make([]shard, shardCount(runtime.GOMAXPROCS(0))),
		marks:  newWatermarks(cfg.MaxWatermarks, cfg.Backing),
	}
	if cfg.MaxAge > 0 {
		s.maxAge = max(1, cfg.MaxAge.Milliseconds())
	}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.store, sh.pinned, sh.unpinned = s, make(map[string]*Log), newLRU[*Log]()
		sh.tail.Store(noTail)
	}
	return s
}

// shardCount is a power of two, several for each core, so that publishers to
// different users seldom meet.
func shardCount(cores int) int {
	n := minShards
	for n < 4*cores && n < maxShards {
		n *= 2
	}
	return n
}

// Append adds ev to the user's log, creating it if need be, and returns its cursor.
// It drops what the bounds no longer allow: the log's oldest events, other users'
// logs. It never fails, never drops ev itself, and does not allocate in a log that
// has reached its size.
func (s *Store) Append(user string, ev *Event) Cursor {
	return s.shard(user).append(user, nil, ev, 0)
}

// State returns where the user's log stands. A user never seen is at 0 in the
// current epoch.
func (s *Store) State(user string) State { return s.shard(user).state(user, nil) }

// Survey tells what a reader that asks for since would get from the user's log.
// match is the reader's filter, nil for all; it runs under a lock, see the package
// comment. SinceDevice is the caller's to resolve and is treated like SinceLatest.
func (s *Store) Survey(user string, since Since, match func(*Event) bool) Survey {
	return s.shard(user).survey(user, nil, since, match)
}

// Read appends to dst the entries after a seq, oldest first, as many as fit into
// its capacity and, all but the first, into maxBytes of Event.Size. What is missing
// is one Lost entry in its place; expired neighbours are merged. It returns nothing
// when after is at or beyond the head. The state is of the same instant. match is
// the reader's filter as in Survey: an event outside it is returned for what it is
// even if it has expired, since the reader has lost nothing.
func (s *Store) Read(user string, after uint64, dst []Entry, maxBytes int, match func(*Event) bool) ([]Entry, State) {
	return s.shard(user).read(user, nil, after, dst, maxBytes, match)
}

// Find returns the newest retained event of the user whose publisher gave it id. An
// event past its own time to live is found as long as it is retained.
func (s *Store) Find(user, id string) (Cursor, *Event, bool) {
	now := s.now()
	sh := s.shard(user)
	l, loaded := sh.open(user, nil, now)
	defer sh.close(loaded)
	if l == nil {
		return Cursor{}, nil, false
	}
	sh.expireLocked(l, now)
	seq := l.findLocked(id)
	if seq == 0 {
		return Cursor{}, nil, false
	}
	return Cursor{Epoch: l.epoch, Seq: seq}, l.ring.at(seq - l.oldest()), true
}

// Shards returns how many shards there are, a power of two.
func (s *Store) Shards() int { return len(s.shards) }

// ShardOf returns the shard of a user, the same for the life of the store.
func (s *Store) ShardOf(user string) int {
	return int(maphash.String(s.seed, user) & uint64(len(s.shards)-1)) //nolint:gosec // at most maxShards-1
}

func (s *Store) shard(user string) *shard { return &s.shards[s.ShardOf(user)] }

// AppendToUnpinned adds ev to every log of the shard that holds events and is not
// pinned, in one critical section, and returns how many that were. A broadcast is
// this for each shard, and an append to each pinned log.
func (s *Store) AppendToUnpinned(shard int, ev *Event) int {
	now := s.now()
	sh := &s.shards[shard]
	sh.mu.Lock()
	logs := sh.unpinned.Values()
	for _, l := range logs {
		sh.appendLocked(l, ev, now)
	}
	sh.mu.Unlock()
	if s.over() {
		s.shrink(nil)
	}
	return len(logs)
}

func (s *Store) now() int64 { return s.cfg.Now().UnixMilli() }

// dueAt is when ev is too old, or its own time to live has run out.
func (s *Store) dueAt(ev *Event) int64 {
	due := int64(math.MaxInt64)
	if s.maxAge != 0 {
		due = ev.Time + s.maxAge
	}
	if ev.Expires != 0 {
		due = min(due, ev.Expires)
	}
	return due
}
