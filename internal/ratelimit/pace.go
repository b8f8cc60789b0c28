package ratelimit

import "time"

// Pace is a bucket for somebody who can be made to wait, in one word: there is one
// in each connection. The zero Pace is full. It is not safe for concurrent use.
type Pace struct {
	// empty is when the bucket would have been empty, in Unix nanoseconds.
	empty int64
}

// Take takes a token, at least one that is still to come, and returns how long to
// wait for it.
func (p *Pace) Take(r Rate, now time.Time) time.Duration {
	if r.Unlimited() {
		return 0
	}
	at := now.UnixNano()
	p.empty = max(p.empty, at-int64(r.Per)) + int64(r.Every())
	return time.Duration(max(0, p.empty-at))
}
