package broker

import (
	"sync"
	"sync/atomic"
	"testing"

	"hubline/replay"
)

func TestAFormIsEncodedOnce(t *testing.T) {
	const readers = 8
	for range 50 {
		f := &Frame{Event: &replay.Event{ID: "id"}}
		var encoded [MaxForms]atomic.Int32
		var got [readers][MaxForms]any
		var wg sync.WaitGroup
		for r := range readers {
			wg.Go(func() { // ends when it has all forms
				for i := range MaxForms {
					n := Form((i + r) % MaxForms) //nolint:gosec // below MaxForms
					got[r][n] = f.Form(n, func(ev *replay.Event) any {
						encoded[n].Add(1)
						if n == 0 {
							return nil // no such form: an answer as good as another
						}
						return &ev.ID
					})
				}
			})
		}
		wg.Wait()
		for n := range MaxForms {
			if e := encoded[n].Load(); e != 1 {
				t.Errorf("form %d was encoded %d times", n, e)
			}
			for r := range readers {
				if got[r][n] != got[0][n] {
					t.Errorf("form %d: %v and %v", n, got[r][n], got[0][n])
				}
			}
		}
		if got[0][0] != nil || got[0][1] != &f.Event.ID {
			t.Errorf("got %v", got[0])
		}
	}
}

// A frame is what connections share: one alone encodes for itself.
func TestWhoSharesAFrame(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	one := f.subscribe(Options{}, "latest")
	next := func(c *client) *Frame {
		t.Helper()
		got := c.Next(make([]Delivery, 0, 2), 1<<20)
		if len(got) != 1 || got[0].Event == nil || got[0].Frame != nil && got[0].Frame.Event != got[0].Event {
			t.Fatalf("got %+v", got)
		}
		return got[0].Frame
	}
	f.publish("ann", nil)
	if next(one) != nil {
		t.Error("an only connection was given a frame")
	}
	two := f.subscribe(Options{}, "latest")
	f.publish("ann", nil)
	if a, b := next(one), next(two); a == nil || a != b {
		t.Errorf("two connections were given %p and %p", a, b)
	}
	other := f.subscribe(Options{User: "bob"}, "latest")
	if _, err := f.Broadcast(f.event(), Key{}); err != nil {
		t.Fatal(err)
	}
	if a, b := next(one), next(other); a == nil || a != b {
		t.Errorf("two users were given %p and %p", a, b)
	}
	next(two)
}

// The forms in use must fit, or Form panics.
func TestFormsFit(t *testing.T) {
	if FormBitwardenMessagePack >= MaxForms {
		t.Errorf("%d forms, room for %d", FormBitwardenMessagePack+1, MaxForms)
	}
}

// An encoder that panics must not lock out the others.
func TestAPanickingEncoderLeavesTheFrameUsable(t *testing.T) {
	f := &Frame{Event: &replay.Event{}}
	func() {
		defer func() { _ = recover() }()
		f.Form(0, func(*replay.Event) any { panic("broken") })
	}()
	if got := f.Form(0, func(*replay.Event) any { return 1 }); got != 1 {
		t.Errorf("got %v", got)
	}
}
