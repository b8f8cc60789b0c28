package api

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hubline/api/auth"
)

// keepouts are the users and devices whom an administrator refuses for a time. They
// are held in memory: a restart forgets them. It is safe for concurrent use.
type keepouts struct {
	limit    int
	rejected atomic.Uint64 // connections refused
	count    atomic.Int64  // of until, so that nobody waits for a lock while there are none

	mu    sync.Mutex
	until map[keepout]time.Time // some may have passed
}

// keepout is a user, or one device of a user.
type keepout struct{ user, device string }

// set refuses the user, or the device if it is not empty, for the time from now on,
// in the place of what was set before; for no time it lifts that. It reports false
// when as many are refused as may be.
func (k *keepouts) set(user, device string, now time.Time, d time.Duration) bool {
	who := keepout{user, device}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.count.Store(int64(len(k.until))) }()
	if d <= 0 {
		delete(k.until, who)
		return true
	}
	if _, again := k.until[who]; !again && len(k.until) >= k.limit {
		k.sweepLocked(now)
		if len(k.until) >= k.limit {
			return false
		}
	}
	if k.until == nil {
		k.until = make(map[keepout]time.Time)
	}
	k.until[keepout{strings.Clone(user), strings.Clone(device)}] = now.Add(d)
	return true
}

// sweepLocked forgets those whose time has passed.
func (k *keepouts) sweepLocked(now time.Time) {
	for who, until := range k.until {
		if !now.Before(until) {
			delete(k.until, who)
		}
	}
}

// check returns nil, or how a client of the user and device is refused.
func (k *keepouts) check(user, device string, now time.Time) *Problem {
	if k.count.Load() == 0 {
		return nil
	}
	k.mu.Lock()
	until := k.until[keepout{user, ""}]
	if device != "" {
		if own := k.until[keepout{user, device}]; own.After(until) {
			until = own
		}
	}
	k.mu.Unlock()
	if !now.Before(until) {
		return nil
	}
	k.rejected.Add(1)
	p := problem("kept-out", "Ask whoever runs this service. The header Retry-After says how many seconds are left.")
	p.retryAfter = time.Duration(math.Ceil(until.Sub(now).Seconds())) * time.Second
	return p
}

// held is how many are refused now.
func (k *keepouts) held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweepLocked(time.Now())
	k.count.Store(int64(len(k.until)))
	return len(k.until)
}

// admitted returns nil, or the problem of a client whom an administrator keeps out. A
// connection that is being made asks before it joins its user's events and again
// behind that; disconnect first keeps out and then looks for connections. So one of
// the two finds the other.
func (a *API) admitted(id *auth.Identity) error {
	if p := a.keptOut.check(id.User, id.Device, time.Now()); p != nil {
		return p
	}
	if a.verify.Revoked(id) {
		return auth.ErrRevoked
	}
	return nil
}
