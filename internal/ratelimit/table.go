package ratelimit

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// DefaultSize is how many subjects a table remembers that is given no size, some
// 300 bytes each.
const DefaultSize = 1 << 16

// parts cuts the table's lock.
const parts = 16

// probes is how many of the longest unused buckets are looked at for one that has
// filled up, before a newcomer has to share.
const probes = 8

// Table has a bucket for each subject. It is safe for concurrent use. A nil Table
// limits nothing.
type Table[K comparable] struct {
	rate  Rate
	limit rate.Limit
	seed  maphash.Seed
	parts [parts]part[K]

	rejected, shared atomic.Uint64
}

// part is the share of the table that some hashes have.
type part[K comparable] struct {
	mu      sync.Mutex
	size    int
	buckets *simplelru.LRU[K, *rate.Limiter]
	// common is the bucket of all that have none of their own.
	common *rate.Limiter

	_ [64]byte // a cache line between the locks
}

// New returns a table with room for about size subjects (zero: DefaultSize), or
// nil when the rate is no limit.
func New[K comparable](r Rate, size int) *Table[K] {
	if r.Unlimited() {
		return nil
	}
	if size == 0 {
		size = DefaultSize
	}
	t := &Table[K]{rate: r, limit: rate.Limit(float64(r.Count) / r.Per.Seconds()), seed: maphash.MakeSeed()}
	for i := range t.parts {
		p := &t.parts[i]
		p.size = max(1, size/parts)
		p.common = t.fresh()
		var err error
		if p.buckets, err = simplelru.NewLRU[K, *rate.Limiter](p.size, nil); err != nil {
			panic(err) // only for a size below one
		}
	}
	return t
}

func (t *Table[K]) fresh() *rate.Limiter { return rate.NewLimiter(t.limit, t.rate.Count) }

// Take takes n tokens of the subject's bucket. Where there are too few it takes
// none, and returns how long it will be until there are enough, in which case ok
// is false. What weighs more than a bucket holds is allowed when the bucket is full,
// and leaves a debt.
func (t *Table[K]) Take(key K, n int) (wait time.Duration, ok bool) {
	if t == nil || n <= 0 {
		return 0, true
	}
	now := time.Now()
	p := t.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	b := t.bucketLocked(p, key, now)
	if b.AllowN(now, n) {
		return 0, true
	}
	if n > t.rate.Count && t.full(b, now) {
		t.charge(b, n, now)
		return 0, true
	}
	t.rejected.Add(1)
	return t.wait(b, min(n, t.rate.Count), now), false
}

// Charge takes n tokens that have been spent already, if need be by a debt.
func (t *Table[K]) Charge(key K, n int) {
	if t == nil || n <= 0 {
		return
	}
	now := time.Now()
	p := t.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	t.charge(t.bucketLocked(p, key, now), n, now)
}

// Check is Take of one token that leaves it where it is: whether the subject has
// any left.
func (t *Table[K]) Check(key K) (wait time.Duration, ok bool) {
	if t == nil {
		return 0, true
	}
	now := time.Now()
	p := t.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	b, found := p.buckets.Get(key)
	if !found {
		if p.buckets.Len() < p.size {
			return 0, true
		}
		b = p.common // full, unless others have had to share it
	}
	if b.TokensAt(now) >= 1 {
		return 0, true
	}
	t.rejected.Add(1)
	return t.wait(b, 1, now), false
}

// charge takes n tokens, in pieces of which each is no more than the bucket holds.
func (t *Table[K]) charge(b *rate.Limiter, n int, now time.Time) {
	for n > 0 {
		piece := min(n, t.rate.Count)
		b.ReserveN(now, piece)
		n -= piece
	}
}

func (t *Table[K]) full(b *rate.Limiter, now time.Time) bool {
	return b.TokensAt(now) >= float64(t.rate.Count)
}

// wait is how long it takes until there are n tokens.
func (t *Table[K]) wait(b *rate.Limiter, n int, now time.Time) time.Duration {
	missing := float64(n) - b.TokensAt(now)
	return time.Duration(max(1, missing/float64(t.limit)*float64(time.Second)))
}

func (t *Table[K]) part(key K) *part[K] {
	return &t.parts[maphash.Comparable(t.seed, key)%parts]
}

// bucketLocked returns the subject's bucket. In a full table it takes the place of
// one that has filled up; those that have not are spared, and have their turn again
// when the others have had theirs.
func (t *Table[K]) bucketLocked(p *part[K], key K, now time.Time) *rate.Limiter {
	if b, ok := p.buckets.Get(key); ok {
		return b
	}
	if p.buckets.Len() < p.size {
		b := t.fresh()
		p.buckets.Add(key, b)
		return b
	}
	for range probes {
		oldest, b, _ := p.buckets.GetOldest()
		if t.full(b, now) {
			p.buckets.Remove(oldest)
			p.buckets.Add(key, b) // as good as a fresh one
			return b
		}
		p.buckets.Get(oldest)
	}
	t.shared.Add(1)
	return p.common
}

// Sweep forgets buckets that have filled up, the longest unused first, so that an
// idle server keeps none. It is called now and then.
func (t *Table[K]) Sweep(now time.Time) {
	if t == nil {
		return
	}
	for i := range t.parts {
		t.sweep(&t.parts[i], now)
	}
}

func (t *Table[K]) sweep(p *part[K], now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buckets.Len() > 0 {
		key, b, _ := p.buckets.GetOldest()
		if !t.full(b, now) {
			return
		}
		p.buckets.Remove(key)
	}
}

// Stats are figures of a table.
type Stats struct {
	Subjects int    // with a bucket of their own
	Rejected uint64 // times that a bucket was empty
	Shared   uint64 // times that a subject found no room for a bucket
}

// Stats returns the figures of now; none for a nil Table.
func (t *Table[K]) Stats() Stats {
	if t == nil {
		return Stats{}
	}
	s := Stats{Rejected: t.rejected.Load(), Shared: t.shared.Load()}
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.Lock()
		s.Subjects += p.buckets.Len()
		p.mu.Unlock()
	}
	return s
}
