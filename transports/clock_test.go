package transports_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// idling is a carrier whose client may be away.
type idling struct {
	noted
	mu    sync.Mutex
	ticks int
}

func (k *idling) Tick(time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ticks++
}

func (k *idling) ticked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ticks
}

// The session's clock starts with the carrier, however long the ticket would
// have been good, and then goes as the session wishes.
func TestSessionTicks(t *testing.T) {
	for _, ticket := range []time.Duration{0, 15 * time.Second, time.Minute} {
		for _, idle := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				c := s.Open("scope", "user", "addr", nil, transports.LongPolling, true)
				if ticket > 0 {
					var err error
					if c, err = s.Negotiate("scope", "user", "addr", nil, ticket, false); err != nil {
						t.Fatal(err)
					}
					c.Claim(transports.LongPolling)
				}
				d := dialect.New(c)
				began := time.Now()
				var at []int
				steps := []time.Duration{5 * time.Second, 0, 1500 * time.Millisecond, -time.Hour, 2 * time.Minute}
				d.OnTick = func(now time.Time) time.Time {
					at = append(at, int(now.Sub(began)/time.Second))
					if len(at) > len(steps) {
						return time.Time{}
					}
					return now.Add(steps[len(at)-1])
				}
				c.Bind(d)
				k := &idling{noted: noted{c: c}}
				if idle {
					c.Run(k)
				} else {
					c.Run(&k.noted)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if diff := cmp.Diff([]int{1, 6, 7, 9, 10, 130}, at); diff != "" {
					t.Errorf("ticket of %v: ticks at these seconds (-want +got):\n%s", ticket, diff)
				}
				if got, want := k.ticked(), 600; idle && (got < want-1 || got > want) {
					t.Errorf("the carrier was looked at %d times in %d s", got, want)
				}
			})
		}
	}
}

func TestEndedConnectionTicksNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c, d := open(s)
		n := 0
		d.OnTick = func(now time.Time) time.Time { n++; return now }
		c.Run(&noted{c: c})
		time.Sleep(5500 * time.Millisecond)
		c.End(transports.ReasonDone)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n != 5 {
			t.Errorf("%d ticks, want 5", n)
		}
	})
}
