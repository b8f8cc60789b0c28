package native

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hubline/replay"
	"hubline/transports"
)

// What a client is told before the server closes, and how long it is asked to
// wait.
func TestClosingMessage(t *testing.T) {
	for _, tt := range []struct {
		reason transports.Reason
		spread bool
	}{
		{transports.ReasonDrain, true},
		{transports.ReasonSlow, true},
		{transports.ReasonExpired, false},
		{transports.ReasonRevoked, false},
		{transports.ReasonReplaced, false},
	} {
		for _, tr := range []transports.Transport{ws, sse} {
			t.Run(fmt.Sprint(tt.reason, tr), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					cfg := Config{RetryWindow: 2 * time.Second}.WithDefaults()
					f := newFixture(t)
					waits := map[int64]bool{}
					for range 20 {
						p := f.dialWith(&cfg, tr, Options{Control: true})
						p.take()
						p.s.Leave(tt.reason)
						p.s.Leave(transports.ReasonRevoked) // the first one counts
						got := p.take()
						if len(got) != 1 {
							t.Fatalf("got %q", got)
						}
						text := got[0]
						if tr == sse {
							if _, err := fmt.Sscanf(text, "event=hubline.closing %s", &text); err != nil {
								t.Fatalf("%q: %v", got, err)
							}
						}
						var m struct {
							Type string
							Data Closing
						}
						if err := json.Unmarshal([]byte(text), &m); err != nil || m.Type != TypeClosing || m.Data.Reason != tt.reason {
							t.Errorf("got %s, %v", text, err)
						}
						if ms := m.Data.RetryAfterMS; ms < 0 || ms >= 2000 || !tt.spread && ms != 0 {
							t.Errorf("asked to wait %d ms", ms)
						}
						waits[m.Data.RetryAfterMS] = true
						p.wantEnd(tt.reason)
					}
					if tt.spread == (len(waits) == 1) {
						t.Errorf("20 clients were asked to wait %v", waits)
					}
				})
			})
		}
	}
}

func TestRetryAfter(t *testing.T) {
	last := func(n int64) int64 { return n - 1 }
	for _, tt := range []struct {
		reason transports.Reason
		window time.Duration
		want   int64
	}{
		{transports.ReasonDrain, 5 * time.Second, 4999},
		{transports.ReasonDrain, time.Millisecond, 0},
		{transports.ReasonDrain, time.Microsecond, 0},
		{transports.ReasonDrain, -time.Second, 0},
		{transports.ReasonDone, 5 * time.Second, 0},
	} {
		if got := retryAfter(tt.reason, tt.window, last); got != tt.want {
			t.Errorf("%s over %v: %d ms, want %d", tt.reason, tt.window, got, tt.want)
		}
	}
}

// What waits when the server closes goes out before the goodbye: a client
// without a cursor would never see it again. Nothing follows the goodbye.
func TestWhatWaitsGoesOutBeforeTheGoodbye(t *testing.T) {
	for _, tt := range []struct {
		reason transports.Reason
		events bool
	}{{transports.ReasonDrain, true}, {transports.ReasonExpired, true}, {transports.ReasonRevoked, false}} {
		for _, control := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.reason, " control ", control), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := newFixture(t)
					p := f.dial(ws, Options{Control: control})
					p.take()
					p.stalled.Lock()
					p.send(`{"type":"subscribe","ref":"r"}`)
					p.send(pingText)
					f.publishN(2)
					p.s.Leave(tt.reason)
					p.send(pingText)
					p.stalled.Unlock()
					want := []string{noChannels("r"), pongText}
					if tt.events {
						want = append(want, event(1, "t"), event(2, "t"))
					}
					got := p.take()
					if control {
						if n := len(got); n != len(want)+1 || got[n-1][:24] != `{"type":"hubline.closing` {
							t.Fatalf("got %q", got)
						}
						got = got[:len(got)-1]
					}
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("got %q, want %q", got, want)
					}
					p.wantEnd(tt.reason)
					f.publish("t")
					p.send(pingText)
					p.want()
				})
			})
		}
	}
}

func TestNothingFollowsTheGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		s := idle(t, f.b, "u", Options{Control: true})
		defer s.Closed(transports.ReasonDrain)
		s.Leave(transports.ReasonDrain)
		rec := &recorder{}
		b := transports.NewBatch(rec)
		for range 3 {
			if s.Fill(b) {
				t.Error("more waits")
			}
			f.publishN(2)
			s.beat.Store(true)
			if err := s.Receive([]byte(pingText), true); err != nil {
				t.Fatal(err)
			}
		}
		if len(rec.got) != 1 {
			t.Errorf("laid out %q", rec.got)
		}
	})
}

// The last batch is one batch: a long replay does not hold up the stop. Its
// client goes on from its cursor.
func TestALongReplayDoesNotDelayTheGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		data := fmt.Appendf(nil, `"%030000d"`, 1)
		for range 8 {
			f.n++
			f.put(&replay.Event{ID: fmt.Sprint("id", f.n), Type: "t", Data: data})
		}
		p := f.pipe(sse)
		cfg := Config{}.WithDefaults()
		s, err := New(&cfg, f.b, p, Options{User: "u", Since: f.since("0"), Control: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Leave(transports.ReasonDrain)
		p.serve(s)
		got := p.take()
		if n := len(got); n < 3 || n > 7 || got[n-1][:21] != "event=hubline.closing" {
			t.Errorf("%d messages", n)
		}
		p.wantEnd(transports.ReasonDrain)
	})
}

// Leave may come at any time, and from many sides at once.
func TestLeaveConcurrently(t *testing.T) {
	for range 50 {
		bubble(t, func(t *testing.T) {
			f := newFixture(t)
			p := f.dial(ws, Options{Control: true})
			go f.publishN(5) // ends by itself
			for range 4 {
				go p.s.Leave(transports.ReasonDrain) // likewise
			}
			go p.s.Tick(time.Now())
			synctest.Wait()
			got := p.take()
			for i, text := range got {
				if last := i == len(got)-1; last != (len(text) > 24 && text[:24] == `{"type":"hubline.closing`) {
					t.Errorf("message %d of %d: %s", i+1, len(got), text)
				}
			}
			p.wantEnd(transports.ReasonDrain)
		})
	}
}
