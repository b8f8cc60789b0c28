package transports

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// alarm notes when it is called.
type alarm struct {
	mu    sync.Mutex
	calls []time.Time
	next  func(now time.Time) time.Time
}

func (a *alarm) tick(now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, now)
	if a.next == nil {
		return time.Time{}
	}
	return a.next(now)
}

func (a *alarm) times() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Time(nil), a.calls...)
}

// turning runs f beside a wheel that turns on the fake clock.
func turning(t *testing.T, f func(t *testing.T, w *Wheel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel()
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { w.Run(ctx) })
		synctest.Wait()
		f(t, w)
		cancel()
		run.Wait()
	})
}

func TestWheelIsNeverEarlyAndAtMostASecondLate(t *testing.T) {
	turning(t, func(t *testing.T, w *Wheel) {
		rng := rand.New(rand.NewPCG(1, 2))
		type date struct {
			a  alarm
			at time.Time
		}
		var dates []*date
		for range 500 {
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
			d := &date{at: time.Now().Add(time.Duration(rng.IntN(62_000)-500) * time.Millisecond)}
			dates = append(dates, d)
			earliest := d.at
			if now := time.Now(); earliest.Before(now) {
				d.at = now
			}
			w.Add(&d.a, earliest)
		}
		time.Sleep(65 * time.Second)
		for i, d := range dates {
			calls := d.a.times()
			if len(calls) != 1 {
				t.Fatalf("date %d was called %d times, want once", i, len(calls))
			}
			if late := calls[0].Sub(d.at); late < 0 || late > time.Second {
				t.Errorf("date %d was called %v after it was due", i, late)
			}
		}
	})
}

func TestWheelCallsAgain(t *testing.T) {
	turning(t, func(t *testing.T, w *Wheel) {
		began := time.Now()
		a := &alarm{}
		a.next = func(now time.Time) time.Time {
			if len(a.calls) == 4 {
				return time.Time{}
			}
			return now.Add(7 * time.Second)
		}
		w.Add(a, began)
		time.Sleep(time.Hour)
		want := []time.Duration{1, 8, 15, 22}
		calls := a.times()
		if len(calls) != len(want) {
			t.Fatalf("called %d times, want %d", len(calls), len(want))
		}
		for i, c := range calls {
			if got := c.Sub(began); got != want[i]*time.Second {
				t.Errorf("call %d came after %v, want %d s", i, got, want[i])
			}
		}
	})
}

// A date beyond the wheel's horizon is looked at about once a minute.
func TestWheelKeepsFarDates(t *testing.T) {
	turning(t, func(t *testing.T, w *Wheel) {
		for _, in := range []time.Duration{10 * time.Minute, 1<<63 - 1} {
			at := time.Now().Add(in)
			a := &alarm{next: func(time.Time) time.Time { return at }}
			w.Add(a, at)
			time.Sleep(9 * time.Minute)
			if n := len(a.times()); n < 5 || n > 10 {
				t.Errorf("a date in %v was looked at %d times in 9 minutes", in, n)
			}
			a.mu.Lock()
			a.next = nil
			a.mu.Unlock()
		}
	})
}

// A wheel that was held up catches up at the next turn.
func TestWheelCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel()
		var early, late alarm
		w.Add(&early, time.Now().Add(3*time.Second))
		w.Add(&late, time.Now().Add(9*time.Second))
		time.Sleep(8 * time.Second)
		w.turn(time.Now())
		if len(early.times()) != 1 || len(late.times()) != 0 {
			t.Errorf("called %d and %d times, want once and not yet", len(early.times()), len(late.times()))
		}
	})
}

func TestWheelAllocatesNothingWhenTurning(t *testing.T) {
	w := NewWheel()
	a := &steady{}
	for range 100 {
		w.Add(a, time.Now())
	}
	now := w.since
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Second)
		w.turn(now)
	}); n > 0.2 { // the slots grow a few times
		t.Errorf("a turn allocates %v times", n)
	}
}

// steady wants to be called each second.
type steady struct{}

func (*steady) tick(now time.Time) time.Time { return now.Add(time.Second) }
