package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// A publisher that does not know what became of its events publishes them again under
// the same ids: whatever the server was killed in the middle of, each is there once,
// and what had been acknowledged has kept its place.
func TestRetriesAfterAKillAreNoDoubles(t *testing.T) {
	t.Parallel()
	const publishers, each, rounds = 4, 40, 6
	s := harness.Start(t, "--log-events", "100000", "--log-bytes", "100MiB")
	receipts := map[string]harness.Receipt{}
	for round := range rounds {
		var mu sync.Mutex
		var done atomic.Int32
		var all sync.WaitGroup
		kill := make(chan struct{})
		after := 1 + rand.Int32N(publishers*each-1)
		publish := func(p int) {
			for i := range each {
				id := fmt.Sprintf("%d-%d-%d", round, p, i)
				r, err := s.TryPublish(t.Context(), "alice", harness.Event{ID: id, Type: "t", Data: json.RawMessage(fmt.Sprint(i))})
				if err != nil {
					return // the server is gone
				}
				mu.Lock()
				receipts[id] = r
				mu.Unlock()
				if done.Add(1) == after {
					close(kill)
				}
			}
		}
		for p := range publishers {
			all.Go(func() { publish(p) })
		}
		<-kill
		s.Kill()
		all.Wait()
		s.Restart()
		for p := range publishers {
			for i := range each {
				id := fmt.Sprintf("%d-%d-%d", round, p, i)
				old, known := receipts[id]
				r := s.PublishEvent("alice", harness.Event{ID: id, Type: "t", Data: json.RawMessage(fmt.Sprint(i))})
				if known && (!r.Duplicate || r.Cursor != old.Cursor) {
					t.Errorf("%s was at %s, and is %+v", id, old.Cursor, r)
				}
				receipts[id] = r
			}
		}
	}

	at := map[string]uint64{}
	next := uint64(1)
	for since := "0"; next <= publishers*each*rounds; {
		a := s.Do(http.MethodGet, harness.EventsPath("alice")+"?limit=1000&since="+since, s.APIKey, "")
		var log struct {
			Events []struct {
				ID  string
				Seq uint64
			}
			Cursor string
			Gap    *client.Missing
		}
		if err := json.Unmarshal(a.Body, &log); err != nil || log.Gap != nil || len(log.Events) == 0 {
			t.Fatalf("%s: %v", a.Body, err)
		}
		for _, e := range log.Events {
			if e.Seq != next || at[e.ID] != 0 || receipts[e.ID].Seq != e.Seq {
				t.Fatalf("%s stands at %d, after %d; before at %d; its receipt says %d", e.ID, e.Seq, next-1, at[e.ID], receipts[e.ID].Seq)
			}
			at[e.ID] = e.Seq
			next++
		}
		since = log.Cursor
	}
	if len(at) != len(receipts) {
		t.Errorf("%d events are there, %d were published", len(at), len(receipts))
	}
}

// One process at a time may use a data directory.
func TestADataDirectoryIsForOneProcess(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ran := harness.Run(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", s.Data)
	if ran.Status == 0 || !strings.Contains(ran.Stderr, "in use by another process") {
		t.Errorf("a second server: %+v", ran)
	}
	s.Publish("alice", "t", "1")
}
