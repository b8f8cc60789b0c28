package native

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/replay"
	"hubline/transports"
)

// Something is sent every ping interval, from the first one on, whether there
// were events or not; nothing in between.
func TestKeepAlive(t *testing.T) {
	for _, tr := range []transports.Transport{ws, sse} {
		bubble(t, func(t *testing.T) {
			f := newFixture(t)
			p := f.dial(tr, Options{})
			p.take()
			// The sweeper's first look is after a second.
			time.Sleep(15*time.Second + 999*time.Millisecond)
			p.want()
			time.Sleep(2 * time.Millisecond)
			p.want("keep-alive")
			for range 5 {
				time.Sleep(14 * time.Second)
				p.want()
				f.publish("t")
				p.take()
				p.send("")
				time.Sleep(time.Second)
				p.want("keep-alive")
			}
		})
	}
}

// A client for whom nothing comes is told where the log is by now, once for
// each change: else it would fall out of the log.
func TestQuietClientsMoveOn(t *testing.T) {
	tests := []struct {
		name    string
		tr      transports.Transport
		control bool
		want    []string
	}{
		{"SSE", sse, true, []string{"keep-alive id=E-12"}},
		{"SSE without control", sse, false, []string{"keep-alive id=E-12"}},
		{"WebSocket", ws, true, []string{"keep-alive", `{"type":"hubline.cursor","data":{"cursor":"E-12"}}`}},
		{"WebSocket without control", ws, false, []string{"keep-alive"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				p := f.dial(tt.tr, Options{Types: []string{"t"}, Control: tt.control})
				f.publishN(2)
				p.take()
				for range 10 {
					f.publish("other")
				}
				p.want()
				time.Sleep(16 * time.Second)
				p.want(tt.want...)
				p.send("")
				time.Sleep(15 * time.Second)
				p.want("keep-alive")
				f.publish("t")
				p.take()
				p.send("")
				time.Sleep(15 * time.Second) // what it was sent told it
				p.want("keep-alive")
			})
		})
	}
}

// The cursor of a client that waits for events must not pass them.
func TestAKeepAliveDoesNotPassWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := f.dial(sse, Options{})
		p.take()
		p.stalled.Lock()
		time.Sleep(20 * time.Second) // a keep-alive is due
		f.publishN(2)
		p.stalled.Unlock()
		ts := time.Now()
		p.want("id=E-1 "+event(1, "t"), "id=E-2 "+event(2, "t"), "keep-alive")
		if time.Now() != ts {
			t.Error("it took time")
		}
	})
}

// A WebSocket client from which nothing is heard is given up; any message and
// any sign of life of the carrier is heard. Event streams have no way to tell.
func TestSilence(t *testing.T) {
	speak := map[string]func(*pipe){
		"message": func(p *pipe) { p.send("hello") },
		"piece":   func(p *pipe) { _ = p.s.Receive([]byte("h"), false) },
		"pong":    func(p *pipe) { p.s.(*Session).Heard() },
	}
	for name, say := range speak {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := newFixture(t).dial(ws, Options{})
				for range 4 {
					time.Sleep(38 * time.Second)
					p.wantEnd("")
					say(p)
				}
				time.Sleep(38 * time.Second)
				p.wantEnd("")
				time.Sleep(2 * time.Second) // the sweeper looks once a second
				p.wantEnd(transports.ReasonTimeout)
			})
		})
	}
	t.Run("SSE", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			p := newFixture(t).dial(sse, Options{})
			time.Sleep(10 * time.Minute)
			p.wantEnd("")
		})
	})
}

func TestSilenceTimeoutIsExact(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cfg := Config{PingInterval: time.Hour, SilenceTimeout: 1500 * time.Millisecond}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, ws, Options{})
		time.Sleep(1499 * time.Millisecond)
		p.wantEnd("")
		time.Sleep(502 * time.Millisecond)
		p.wantEnd(transports.ReasonTimeout)
	})
}

// A connection ends when its token does, with a word about it to those who
// want one, and takes along what waited.
func TestExpiry(t *testing.T) {
	closing := `{"type":"hubline.closing","data":{"reason":"` + string(transports.ReasonExpired) + `","retryAfterMs":0}}`
	for _, tt := range []struct {
		name string
		tr   transports.Transport
		want []string
		o    Options
	}{
		{"WebSocket", ws, []string{closing}, Options{Control: true}},
		{"WebSocket without control", ws, nil, Options{}},
		{"SSE", sse, []string{"event=hubline.closing " + closing}, Options{Control: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tt.o.Expires = time.Now().Add(7 * time.Second)
				f := newFixture(t)
				p := f.dial(tt.tr, tt.o)
				p.take()
				time.Sleep(7*time.Second - time.Millisecond)
				p.want()
				p.wantEnd("")
				time.Sleep(time.Millisecond)
				p.want(tt.want...)
				p.wantEnd(transports.ReasonExpired)
			})
		})
	}
}

func TestNoExpiryWithoutADate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(sse, Options{})
		time.Sleep(24 * time.Hour)
		p.wantEnd("")
	})
}

// Tick and Fill may still run when the session has been closed.
func TestTickAndFillAfterClosedAreHarmless(t *testing.T) {
	for _, leave := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			p := f.pipe(sse)
			cfg := Config{}.WithDefaults()
			s, err := New(&cfg, f.b, p, Options{User: "u", Control: true})
			if err != nil {
				t.Fatal(err)
			}
			s.Tick(time.Now())
			f.publishN(3)
			s.Closed(transports.ReasonLost)
			time.Sleep(time.Minute)
			if leave {
				s.Leave(transports.ReasonDrain)
			}
			s.Tick(time.Now())
			rec := &recorder{sse: true}
			s.Fill(transports.NewBatch(rec))
			// What waited was not taken, so no cursor may say so.
			for _, text := range rec.got[1:] {
				if text != "keep-alive" && !leave {
					t.Errorf("laid out %q", text)
				}
			}
			if len(rec.got) == 0 || rec.got[len(rec.got)-1] == "keep-alive id="+(replay.Cursor{Epoch: f.epoch(), Seq: 3}).String() {
				t.Errorf("laid out %q", rec.got)
			}
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	want := Config{
		PingInterval: 15 * time.Second, SilenceTimeout: 38500 * time.Millisecond,
		RetryWindow: 5 * time.Second, MaxMessageBytes: 32 << 10,
	}
	if diff := cmp.Diff(want, (Config{}).WithDefaults()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	own := Config{PingInterval: time.Second, SilenceTimeout: time.Minute, RetryWindow: time.Hour, MaxMessageBytes: 5}
	if diff := cmp.Diff(own, own.WithDefaults()); diff != "" {
		t.Errorf("own (-want +got):\n%s", diff)
	}
}

// A client that is always behind is asked for signs of life nevertheless, or it
// would be taken for lost.
func TestABusyWebSocketIsPinged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := f.dial(ws, Options{Control: true})
		p.take()
		p.stalled.Lock()
		defer p.stalled.Unlock()
		time.Sleep(17 * time.Second)
		large := `"` + string(bytes.Repeat([]byte("x"), 40<<10)) + `"`
		for range 5 {
			f.put(&replay.Event{Type: "t", Data: []byte(large)})
		}
		rec := &recorder{}
		b := transports.NewBatch(rec)
		if more := p.s.Fill(b); !more || len(rec.got) == 0 || rec.got[0] != "keep-alive" {
			t.Errorf("more = %v, %d messages", more, len(rec.got))
		}
	})
}
