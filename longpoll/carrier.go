package longpoll

import (
	"time"

	"hubline/transports"
)

// Wake implements transports.Carrier.
func (k *Conn) Wake() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wakeLocked()
}

// Close implements transports.Carrier: what waits goes out with the present or
// the next poll, the one after it is answered 204.
func (k *Conn) Close(r transports.Reason) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endLocked(r)
	k.wakeLocked()
}

// Abort implements transports.Carrier.
func (k *Conn) Abort(r transports.Reason) {
	k.mu.Lock()
	k.endLocked(r)
	k.over = true
	waiting := k.poll != nil
	r = k.reason
	k.wakeLocked()
	k.mu.Unlock()
	if !waiting {
		k.c.End(r)
	}
}

// endLocked notes why the connection is to end; the first reason counts.
func (k *Conn) endLocked(r transports.Reason) {
	if !k.ending {
		k.ending, k.reason, k.told = true, r, time.Now()
	}
}

// drainWait is how long a server that stops waits for a client between two
// polls to come for its goodbye.
const drainWait = 2 * time.Second

// Tick is called by the sweeper about once a second. It answers a poll that has
// waited long enough and ends the connection of a client that has been away for
// too long.
func (k *Conn) Tick(now time.Time) {
	k.mu.Lock()
	away := k.poll == nil && k.busy == 0 && (now.Sub(k.away) >= k.o.AwayTimeout ||
		k.ending && k.reason == transports.ReasonDrain && min(now.Sub(k.away), now.Sub(k.told)) >= drainWait)
	if away {
		k.endLocked(transports.ReasonLost)
		k.over = true
	} else if !now.Before(k.ends) {
		k.wakeLocked()
	}
	r := k.reason
	k.marks.ticks = (k.marks.ticks + 1) % skipTicks
	look := k.marks.ticks == 0
	k.mu.Unlock()
	switch {
	case away:
		k.c.End(r)
	case look:
		k.skip()
	}
}
