package transports

import (
	"context"
	"sync"
	"time"
)

// wheelSlots is how many seconds the wheel looks ahead. Later dates wait in
// the last slot and are looked at again.
const wheelSlots = 64

// ticker is what the wheel serves.
type ticker interface {
	// tick returns when it wants to be called next; the zero time: never.
	tick(now time.Time) time.Time
}

// entry is one ticker and when it is due.
type entry struct {
	t  ticker
	at time.Time
}

// Wheel calls many tickers with a resolution of one second from one
// goroutine. It stands in for a timer per connection: an entry costs a few
// words, and an idle connection is looked at only when something is due.
type Wheel struct {
	mu    sync.Mutex
	slots [wheelSlots][]ticker
	now   int       // slot of the present second
	since time.Time // when that second began
}

// NewWheel returns a wheel that stands still until Run.
func NewWheel() *Wheel { return &Wheel{since: time.Now()} }
