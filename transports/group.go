package transports

import (
	"context"
	"sync/atomic"
)

// group counts what Shutdown waits for. Unlike a sync.WaitGroup it may be added
// to while somebody waits, also when it stands at zero: a request may attach in
// the very moment in which the server stops. The zero value is not usable.
type group struct {
	count   atomic.Int64
	waiting atomic.Bool
	zero    chan struct{} // told when the count falls to zero while waiting
}

func newGroup() *group { return &group{zero: make(chan struct{}, 1)} }

func (g *group) add() { g.count.Add(1) }

func (g *group) done() {
	if g.count.Add(-1) == 0 && g.waiting.Load() {
		select {
		case g.zero <- struct{}{}:
		default: // told already
		}
	}
}

// Go runs f in a goroutine that counts until f returns.
func (g *group) Go(f func()) {
	g.add()
	go func() { // ends with f
		defer g.done()
		f()
	}()
}

// wait returns when nothing is counted, or reports false when ctx ends before.
// It is for one caller at a time.
func (g *group) wait(ctx context.Context) bool {
	g.waiting.Store(true)
	for g.count.Load() > 0 {
		select {
		case <-g.zero:
		case <-ctx.Done():
			return g.count.Load() == 0
		}
	}
	return true
}
