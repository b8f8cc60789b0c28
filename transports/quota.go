package transports

import (
	"sync"
	"time"

	"hubline/internal/ratelimit"
)

// quota counts what users may have only so many of, each and together. The zero
// value is empty.
type quota struct {
	mu     sync.Mutex
	total  int
	byUser map[string]int // for those who have any
}

// ownerOf is to whose account a connection goes: its user's or, without one, its
// address's, of IPv6 its /64's.
func ownerOf(user, addr string) string {
	if user != "" {
		return user
	}
	if network := ratelimit.ParseNetwork(addr); network.IsValid() {
		addr = network.String()
	}
	return "\x00" + addr // no user is called so
}

func (c *Connection) owner() string { return ownerOf(c.User, c.Addr) }

// reserve counts one more of user's, within the bounds.
func (q *quota) reserve(user string, limit, perUser int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total >= limit || q.byUser[user] >= perUser {
		return false
	}
	if q.byUser == nil {
		q.byUser = make(map[string]int)
	}
	q.total++
	q.byUser[user]++
	return true
}

// forget takes back what reserve counted.
func (q *quota) forget(user string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if q.byUser[user]--; q.byUser[user] == 0 {
		delete(q.byUser, user)
	}
}

func (q *quota) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// bucket lets something happen bucketSize times at once, and then once every
// bucketRefill. The zero value is full.
type bucket struct{ empty time.Time } // when it would have been empty

const (
	bucketSize   = 5
	bucketRefill = 2 * time.Second
)

// take reports whether it may happen now.
func (b *bucket) take(now time.Time) bool {
	if oldest := now.Add(-bucketSize * bucketRefill); b.empty.Before(oldest) {
		b.empty = oldest
	}
	next := b.empty.Add(bucketRefill)
	if next.After(now) {
		return false
	}
	b.empty = next
	return true
}
