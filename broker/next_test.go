package broker

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hubline/replay"
)

// A queue at its bound keeps what it has; one event more and the connection
// reads on from the log, with nothing lost, doubled or swapped.
func TestOverflowReadsOnFromTheLog(t *testing.T) {
	size := (&replay.Event{ID: "id1", Type: "t"}).Size()
	tests := []struct {
		name   string
		cfg    Config
		before int // events that fit
	}{
		{"events", Config{QueueEvents: 5}, 5},
		{"one event", Config{QueueEvents: 1}, 1},
		{"bytes", Config{QueueBytes: 4 * size}, 4},
		{"bytes, one short of five", Config{QueueBytes: 5*size - 1}, 4},
		{"less than one event's bytes", Config{QueueBytes: 1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.cfg, replay.Config{})
			c := f.subscribe(Options{}, "latest")
			f.publishN("ann", tt.before)
			if n := f.Stats().Lagged; n != 0 || c.queue.count != tt.before {
				t.Errorf("at the bound: lagged %d times, %d wait", n, c.queue.count)
			}
			f.publish("ann", nil)
			if n := f.Stats().Lagged; n != 1 {
				t.Errorf("one over the bound: lagged %d times", n)
			}
			f.publishN("ann", 2)
			if n := f.Stats().Lagged; n != 1 || c.queue.count != 0 || c.queue.ring != nil || !c.waiting() {
				t.Errorf("over the bound: lagged %d times, %d wait", n, c.queue.count)
			}
			if got, want := c.bell.rung.Load(), int64(tt.before+3); got != want {
				t.Errorf("woken %d times, want %d", got, want)
			}
			first := c.Next(make([]Delivery, 0, 1), 1<<20)
			if len(first) != 1 || first[0].Seq != 1 || first[0].Frame != nil {
				t.Errorf("first = %+v", first)
			}
			f.publish("ann", nil)
			for want := uint64(2); want <= uint64(tt.before)+4; want++ {
				if got := c.Next(make([]Delivery, 0, 1), 1<<20); len(got) != 1 || got[0].Seq != want {
					t.Fatalf("got %+v, want %d", got, want)
				}
			}
			wantText(t, "at the head", c.take(), "")
			if c.waiting() {
				t.Error("still waiting at the head")
			}
			f.publish("ann", nil)
			if c.queue.count != 1 {
				t.Errorf("not live again: %d wait", c.queue.count)
			}
			if got := c.Next(make([]Delivery, 0, 1), 1<<20); len(got) != 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What the log has lost by the time it is read is announced, and only that.
func TestOverflowWithATightLog(t *testing.T) {
	f := newFixture(t, Config{QueueEvents: 2}, replay.Config{MaxEvents: 4})
	c := f.subscribe(Options{}, "latest")
	f.publishN("ann", 2)
	wantText(t, "taken", c.take(), "1 2")
	f.publishN("ann", 8)
	wantText(t, "after the overflow", c.take(), "[3..6 limit] 7 8 9 10")
	if n := f.Stats().Gaps; n != 1 {
		t.Errorf("%d gaps counted", n)
	}
}

// Events that were left out are no loss when the log forgets them.
func TestNoGapForWhatWasFilteredOut(t *testing.T) {
	f := newFixture(t, Config{QueueEvents: 2}, replay.Config{MaxEvents: 4})
	c := f.subscribe(Options{Match: func(ev *replay.Event) bool { return ev.Type == "t" }}, "latest")
	for range 20 {
		f.publish("ann", func(ev *replay.Event) { ev.Type = "other" })
	}
	f.publishN("ann", 3) // 21 to 23; the third is one too many
	wantText(t, "after the overflow", c.take(), "21 22 23")
}

// The queue keeps what the log has forgotten.
func TestTheQueueOutlivesTheLog(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxEvents: 1})
	c := f.subscribe(Options{}, "latest")
	f.publishN("ann", 5)
	wantText(t, "queued", c.take(), "1 2 3 4 5")
}

// A long replay comes page by page, with live events behind it.
func TestReplayIsStreamed(t *testing.T) {
	for _, by := range []int{1, 3, 32, 100} {
		f := newFixture(t, Config{QueueEvents: 4}, replay.Config{MaxEvents: 1000})
		f.publishN("ann", 300)
		c := f.subscribe(Options{}, "0")
		seen := uint64(0)
		dst := make([]Delivery, 0, by)
		for i := 0; ; i++ {
			page := c.Next(dst, 1<<20)
			if len(page) == 0 {
				break
			}
			for _, d := range page {
				if seen++; d.Seq != seen || d.Gap != nil {
					t.Fatalf("pages of %d: got %+v, want %d", by, d, seen)
				}
			}
			if i%2 == 0 && seen < 300 {
				f.publish("ann", nil)
			}
		}
		if st := f.Stats(); seen != f.store.State("ann").Head || st.Lagged != 0 {
			t.Errorf("pages of %d: ended at %d of %d, lagged %d times", by, seen, f.store.State("ann").Head, st.Lagged)
		}
	}
}

// One call reads no more than readBytes, but always something.
func TestPagesAreBoundedInBytes(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	for range 3 {
		f.publish("ann", func(ev *replay.Event) { ev.Data = make([]byte, readBytes) })
	}
	c := f.subscribe(Options{}, "0")
	for range 3 {
		if got := c.Next(make([]Delivery, 0, readPage), 1<<20); len(got) != 1 {
			t.Errorf("took %d", len(got))
		}
	}
}

func TestNextWithoutRoomReturns(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", nil)
	c := f.subscribe(Options{}, "0")
	if got := c.Next(nil, 1<<20); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	wantText(t, "with room", c.take(), "1")
}

func TestPositionMovesOnlyPastWhatWasTakenOrLeftOut(t *testing.T) {
	f := newFixture(t, Config{QueueEvents: 2}, replay.Config{})
	match := func(ev *replay.Event) bool { return ev.Type == "t" }
	other := func(ev *replay.Event) { ev.Type = "other" }
	f.publishN("ann", 3)
	c := f.subscribe(Options{Match: match}, "E-1")
	at := func(want uint64) {
		t.Helper()
		if got := c.Position(); got != (replay.Cursor{Epoch: c.Epoch, Seq: want}) {
			t.Errorf("position = %v, want %d", got, want)
		}
	}
	at(1) // two wait in the log
	wantText(t, "replay", c.take(), "2 3")
	at(3)
	f.publish("ann", other)
	at(4)
	f.publish("ann", nil)
	f.publish("ann", other)
	at(4)
	wantText(t, "live", c.take(), "5")
	at(6)
	f.publish("ann", other)
	f.publishN("ann", 3) // overflows
	at(7)
	wantText(t, "lagged", c.take(), "8 9 10")
	at(10)
}

// What waited when a subscription was closed was not handed over: no cursor
// may say so, whatever the log does behind its back.
func TestPositionStandsStillAfterClose(t *testing.T) {
	for _, since := range []string{"latest", "0"} {
		f := newFixture(t, Config{}, replay.Config{MaxUsers: 1, MaxWatermarks: 1})
		f.publishN("ann", 2)
		c := f.subscribe(Options{}, since)
		want := c.Start
		f.publishN("ann", 2)
		c.Close()
		if got := c.Next(make([]Delivery, 0, 4), 1<<20); len(got) != 0 || c.waiting() {
			t.Errorf("took %+v", got)
		}
		// Others push out the log, and its watermark after it.
		for _, u := range []string{"bob", "cid", "dan"} {
			f.publish(u, nil)
		}
		f.publish("ann", nil)
		if f.store.State("ann").Epoch == c.Epoch {
			t.Fatal("the epoch did not change")
		}
		if got := c.Position(); got != (replay.Cursor{Epoch: c.Epoch, Seq: want}) {
			t.Errorf("since %s: position = %v, want %d", since, got, want)
		}
		if got := c.Next(make([]Delivery, 0, 4), 1<<20); len(got) != 0 {
			t.Errorf("since %s: took %+v", since, got)
		}
	}
}

// Events past their own time to live are announced in their place.
func TestExpiredEventsAreAnnounced(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", nil)
	f.publish("ann", func(ev *replay.Event) { ev.Expires = t0 })
	f.publish("ann", nil)
	c := f.subscribe(Options{}, "0")
	if c.Recovered || c.Replayed != 2 {
		t.Errorf("welcome = %+v", c.Welcome)
	}
	wantText(t, "deliveries", c.take(), "1 [2..2 expired] 3")
	if n := f.Stats().Gaps; n != 0 {
		t.Errorf("%d gaps counted, though nothing was lost", n)
	}
}

func TestNextIsBoundedByBytes(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	for _, since := range []string{"latest", "0"} { // from the queue, from the log
		c := f.subscribe(Options{}, since)
		if since == "latest" {
			for range 5 {
				f.publish("ann", func(ev *replay.Event) { ev.Data = bytes.Repeat([]byte("1"), 1000) })
			}
		}
		var got []int
		for {
			page := c.Next(make([]Delivery, 0, 10), 2600)
			if len(page) == 0 {
				break
			}
			got = append(got, len(page))
		}
		if !slices.Equal(got, []int{2, 2, 1}) {
			t.Errorf("%s: pages of %v", since, got)
		}
		if n := len(f.subscribe(Options{}, "0").Next(make([]Delivery, 0, 10), 1)); n != 1 {
			t.Errorf("%d events where there is no room", n)
		}
	}
}

// What expires while it waits is not delivered any more: the same as from the log.
func TestEventsExpireInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{}, replay.Config{Now: time.Now})
		c := f.subscribe(Options{}, "latest")
		for i := range 6 {
			f.publish("ann", func(ev *replay.Event) {
				if i%4 != 0 {
					ev.Expires = time.Now().Add(time.Second).UnixMilli()
				}
			})
		}
		time.Sleep(2 * time.Second)
		wantText(t, "queue", c.take(), "1 [2..4 expired] 5 [6..6 expired]")
		wantText(t, "log", f.subscribe(Options{}, "0").take(), "1 [2..4 expired] 5 [6..6 expired]")
	})
}
