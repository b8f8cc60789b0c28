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

// Wheel calls many tickers with a resolution of one second from one
// goroutine. It stands in for a timer per connection: an entry costs two
// words, and an idle connection is looked at only when something is due.
type Wheel struct {
	mu    sync.Mutex
	slots [wheelSlots][]ticker
	now   int // slot of the present second
}

// NewWheel returns a wheel that stands still until Run.
func NewWheel() *Wheel { return &Wheel{} }

// Add has t called at the given time, at the earliest at the next second.
func (w *Wheel) Add(t ticker, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLocked(t, time.Until(at))
}

func (w *Wheel) addLocked(t ticker, in time.Duration) {
	// Rounded up: never early, at most a second late.
	n := int((in + time.Second - 1) / time.Second)
	n = min(max(n, 1), wheelSlots-1)
	i := (w.now + n) % wheelSlots
	w.slots[i] = append(w.slots[i], t)
}

// Run turns the wheel until ctx ends.
func (w *Wheel) Run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			w.turn(now)
		}
	}
}

// turn serves the next second. Tickers are called without the lock.
func (w *Wheel) turn(now time.Time) {
	w.mu.Lock()
	w.now = (w.now + 1) % wheelSlots
	due := w.slots[w.now]
	w.slots[w.now] = nil
	w.mu.Unlock()
	for i, t := range due {
		next := t.tick(now)
		due[i] = nil
		if !next.IsZero() {
			w.mu.Lock()
			w.addLocked(t, next.Sub(now))
			w.mu.Unlock()
		}
	}
	w.mu.Lock()
	if w.slots[w.now] == nil {
		w.slots[w.now] = due[:0] // the next round uses the same memory
	}
	w.mu.Unlock()
}
