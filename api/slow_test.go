package api

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A hub's client that stops reading delays no publisher, is closed when one write has taken
// as long as it may, and is sent the rest when it comes back, though it names no cursor.
func TestASlowHubClientIsClosedAndGetsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory)
		publish := func(n int) {
			t.Helper()
			for range n {
				f.publish("anna", fmt.Sprintf(`{"type":"a","data":%q}`, strings.Repeat("x", 500)))
			}
		}
		// take reads for a while, and answers what it is asked.
		take := func(s *stack) (seqs []uint64) {
			for end := time.Now().Add(5 * time.Second); ; {
				synctest.Wait()
				op, payload, ok := s.read()
				switch {
				case !ok && time.Now().After(end):
					return seqs
				case !ok:
					time.Sleep(time.Second)
				case op == opPing:
					s.write(opPong, payload)
				case op == opText:
					for _, e := range f.hubSeen(payload) {
						if e.kind != "a" {
							t.Fatalf("got %+v", e)
						}
						seqs = append(seqs, e.from)
					}
				}
			}
		}
		slow := sockets["hub"](f)
		publish(3)
		if got := fmt.Sprint(take(slow)); got != "[1 2 3]" {
			t.Fatal(got)
		}
		f.wantSaved(3)

		began := time.Now()
		publish(500) // of which it reads nothing
		if took := time.Since(began); took > time.Second {
			t.Errorf("the publisher was held up for %v", took)
		}
		time.Sleep(15 * time.Second)
		if n := f.metric(`hubline_connections_closed_total{reason="slow",transport="ws"}`); n != "1" {
			t.Errorf("%s connections were closed as slow", n)
		}
		publish(2)

		got := take(sockets["hub"](f))
		for i, seq := range got {
			if seq != uint64(i)+4 {
				t.Fatalf("event %d is %d", i, seq)
			}
		}
		if len(got) != 502 {
			t.Errorf("it got %d events of 502", len(got))
		}
		f.wantSaved(505)
	})
}
