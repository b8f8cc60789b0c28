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
	// tick returns when it wants to be called next; the zero time: never. It
	// may be called early when that is more than a minute ahead.
	tick(now time.Time) time.Time
}

// Wheel calls many tickers with a resolution of one second from one
// goroutine. It stands in for a timer per connection: an entry costs two
// words, and an idle connection is looked at only when something is due.
type Wheel struct {
	mu    sync.Mutex
	slots [wheelSlots][]ticker
	now   int       // slot of the present second
	since time.Time // when that second began
}

// NewWheel returns a wheel that stands still until Run.
func NewWheel() *Wheel { return &Wheel{since: time.Now()} }

// Add has t called at the given time, at the earliest at the next second: not
// before, and at most a second after.
func (w *Wheel) Add(t ticker, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLocked(t, at)
}

func (w *Wheel) addLocked(t ticker, at time.Time) {
	in := min(at.Sub(w.since), wheelSlots*time.Second) // some tokens never end
	n := int((in + time.Second - 1) / time.Second)
	n = min(max(n, 1), wheelSlots-1)
	i := (w.now + n) % wheelSlots
	w.slots[i] = append(w.slots[i], t)
}

// Run turns the wheel until ctx ends. It is called once.
func (w *Wheel) Run(ctx context.Context) {
	w.mu.Lock()
	w.since = time.Now()
	w.mu.Unlock()
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			w.turn(time.Now())
		}
	}
}

// turn serves every second that has passed: more than one when the machine was
// too busy to turn in time.
func (w *Wheel) turn(now time.Time) {
	for now.Sub(w.since) >= time.Second { // only turn changes it
		w.step(now)
	}
}

// step serves the next second. Tickers are called without the lock.
func (w *Wheel) step(now time.Time) {
	w.mu.Lock()
	w.now = (w.now + 1) % wheelSlots
	w.since = w.since.Add(time.Second)
	due := w.slots[w.now]
	w.slots[w.now] = nil
	w.mu.Unlock()
	for i, t := range due {
		next := t.tick(now)
		due[i] = nil
		if !next.IsZero() {
			w.Add(t, next)
		}
	}
	w.mu.Lock()
	if w.slots[w.now] == nil {
		w.slots[w.now] = due[:0] // the next round uses the same memory
	}
	w.mu.Unlock()
}
