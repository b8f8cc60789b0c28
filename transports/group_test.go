package transports

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGroupWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup()
		if !g.wait(t.Context()) {
			t.Error("an empty group was waited for")
		}
		began := time.Now()
		for i := range 3 {
			g.Go(func() { time.Sleep(time.Duration(i) * time.Second) })
		}
		if !g.wait(t.Context()) || time.Since(began) != 2*time.Second {
			t.Errorf("waited %v, want 2 s", time.Since(began))
		}
		g.Go(func() { time.Sleep(time.Minute) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if g.wait(ctx) {
			t.Error("the group counts none, want one")
		}
		if !g.wait(t.Context()) || time.Since(began) != 62*time.Second {
			t.Errorf("waited %v in all, want 62 s", time.Since(began))
		}
	})
}

// Unlike a sync.WaitGroup a group may be added to at any time.
func TestGroupGrowsWhileWaitedFor(t *testing.T) {
	for range 200 {
		g := newGroup()
		var all sync.WaitGroup
		all.Go(func() {
			for range 20 {
				g.Go(func() { g.Go(func() {}) })
			}
		})
		g.wait(t.Context())
		all.Wait()
		if !g.wait(t.Context()) || g.count.Load() != 0 {
			t.Fatalf("the group counts %d, want none", g.count.Load())
		}
	}
}
