package subscribe

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var transports = []Transport{WebSocket, SSE, LongPoll}

// follower runs the client and records what it hears. All of its fields may be
// read after synctest.Wait or after stop.
type follower struct {
	seqs   []uint64
	log    []string // "event 5", "gap 1-4 evicted", "connected", "disconnected …"
	pauses []time.Duration
	tokens int
	err    error
	done   chan struct{}
	cancel context.CancelFunc
}

func follow(t *testing.T, h *hub, cfg Config) *follower {
	t.Helper()
	f := &follower{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	cfg.Server, cfg.Dial = "http://127.0.0.1:8080/", h.dial
	if cfg.Token == nil {
		cfg.Token = func(context.Context) (string, error) {
			f.tokens++
			return fmt.Sprintf("token-%d", f.tokens), nil
		}
	}
	go func() { // ends with stop
		defer close(f.done)
		f.err = Run(ctx, cfg, Handler{
			Event: func(event Event) error {
				f.seqs = append(f.seqs, event.Seq)
				f.log = append(f.log, fmt.Sprintf("event %d", event.Seq))
				return nil
			},
			Gap:       func(gap Gap) { f.log = append(f.log, fmt.Sprintf("gap %d-%d %s", gap.From, gap.To, gap.Reason)) },
			Connected: func() { f.log = append(f.log, "connected") },
			Disconnected: func(reason error, pause time.Duration) {
				f.pauses = append(f.pauses, pause)
				f.log = append(f.log, "disconnected: "+reason.Error())
			},
		})
	}()
	t.Cleanup(f.stop)
	return f
}

func (f *follower) stop() {
	f.cancel()
	<-f.done
}

// each runs a test for every transport in a bubble with a fake clock.
func each(t *testing.T, test func(t *testing.T, transport Transport)) {
	for _, transport := range transports {
		t.Run(string(transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, transport) })
		})
	}
}

// pass lets time go by and everything that was to happen in it happen.
func pass(d time.Duration) {
	time.Sleep(d) // on the fake clock of the bubble
	synctest.Wait()
}
