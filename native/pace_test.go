package native

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/internal/ratelimit"
	"hubline/transports"
)

// Messages over the rate are read later, none is lost, and the client's silence
// meanwhile is not held against it.
func TestMessagesKeepPace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var delayed atomic.Uint64
		cfg := Config{MessageRate: ratelimit.Rate{Count: 3, Per: 300 * time.Second}, Delayed: &delayed}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, ws, Options{})
		start := time.Now()
		send := func() time.Duration {
			if err := p.s.Receive([]byte(`{"type":"subscribe","ref":"r"}`), true); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		for i := range 3 {
			if took := send(); took != 0 {
				t.Fatalf("message %d, at the limit, took %v", i+1, took)
			}
		}
		if n := delayed.Load(); n != 0 {
			t.Errorf("%d delayed at the limit", n)
		}
		// A client is given up after 38.5 s of silence.
		for i := range 3 {
			if took, want := send(), time.Duration(i+1)*100*time.Second; took != want {
				t.Errorf("message %d, above the limit, was taken after %v, want %v", i+4, took, want)
			}
		}
		if n := delayed.Load(); n != 3 {
			t.Errorf("%d delayed, want 3", n)
		}
		synctest.Wait()
		replies := 0
		for _, m := range p.take() {
			if m == noChannels("r") {
				replies++
			}
		}
		if replies != 6 {
			t.Errorf("%d answers, want 6", replies)
		}
		p.wantEnd("")
		time.Sleep(40 * time.Second)
		p.wantEnd(transports.ReasonTimeout)
	})
}

// Parts of a message are not messages.
func TestPartsOfAMessageAreNotCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cfg := Config{MessageRate: ratelimit.Rate{Count: 1, Per: time.Hour}}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, ws, Options{})
		start := time.Now()
		for _, part := range []string{`{"ty`, `pe":"pi`, `ng"`} {
			if err := p.s.Receive([]byte(part), false); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.s.Receive([]byte(`}`), true); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Whoever waits for a message's time stops when the connection is over, before and
// after the waiting has begun.
func TestTheEndOfAConnectionEndsItsWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cfg := Config{MessageRate: ratelimit.Rate{Count: 1, Per: time.Hour}}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, ws, Options{})
		start := time.Now()
		if err := p.s.Receive(ping, true); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = p.s.Receive(ping, true)
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("it does not wait")
		default:
		}
		end := p.s.(transports.Interrupter)
		end.Interrupt()
		end.Interrupt()
		<-done
		_ = p.s.Receive(ping, true)
		if took := time.Since(start); took != 0 {
			t.Errorf("it waited %v", took)
		}
	})
}
