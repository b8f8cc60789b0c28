package broker

import (
	"fmt"
	"slices"
	"testing"

	"hubline/replay"
)

// taker is a Flusher that takes what waits when it is flushed, for which the shard's
// lock must be free.
type taker struct {
	bell
	sub     *Subscription
	flushes int
	got     []uint64
}

func (k *taker) Flush() {
	k.flushes++
	k.sub.Position() // takes the shard's lock
	var page [readPage]Delivery
	for _, d := range k.sub.Next(page[:0], 1<<20) {
		k.got = append(k.got, d.Seq)
	}
}

// A publisher flushes the few connections of a user when its event is in their
// queues, with no lock held. Many, and those of one event among others, are woken.
func TestPublishFlushesAFewConnections(t *testing.T) {
	for _, durable := range []bool{false, true} {
		for conns := range maxFlushers + 2 {
			for _, how := range []string{"publish", "in batch", "submit"} {
				t.Run(fmt.Sprintf("durable=%v/conns=%d/%s", durable, conns, how), func(t *testing.T) {
					var f *fixture
					if durable {
						f = newDurable(t, newTape(), Config{}, replay.Config{}).fixture
					} else {
						f = newFixture(t, Config{}, replay.Config{})
					}
					takers := make([]*taker, conns)
					for i := range takers {
						k := &taker{}
						sub, _, err := f.Subscribe(Options{User: "ann", Waker: k})
						if err != nil {
							t.Fatal(err)
						}
						t.Cleanup(sub.Close)
						k.sub, takers[i] = sub, k
					}
					for range 3 {
						var r Receipt
						var err error
						switch how {
						case "publish":
							r, err = f.Publish("ann", f.event(), Key{})
						case "in batch":
							r, err = f.PublishInBatch("ann", f.event(), Key{})
						case "submit":
							r, err = f.Submit("ann", f.event(), Key{}).Wait()
						}
						if err != nil || r.Delivered != conns {
							t.Fatalf("%+v, %v", r, err)
						}
					}
					for _, k := range takers {
						if how != "publish" || conns > maxFlushers {
							if k.flushes != 0 || k.rung.Load() != 3 {
								t.Errorf("%d flushes and %d wakes, want 0 and 3", k.flushes, k.rung.Load())
							}
						} else if k.flushes != 3 || k.rung.Load() != 0 || !slices.Equal(k.got, []uint64{1, 2, 3}) {
							t.Errorf("%d flushes and %d wakes, which took %v; want 3, 0 and 1 2 3", k.flushes, k.rung.Load(), k.got)
						}
					}
				})
			}
		}
	}
}
