package native

import (
	"fmt"
	"testing"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

const (
	ws  = transports.WebSockets
	sse = transports.ServerSentEvents
)

// Which client is told what, for every position that it can ask for. Ten
// events are published, the newest eight kept.
func TestResume(t *testing.T) {
	replayed := func(from int) (out []string) {
		for n := from; n <= 10; n++ {
			out = append(out, event(n, "t"))
		}
		return out
	}
	gapText := func(from, to int, reason string, behind int) string {
		return fmt.Sprintf(`{"type":"hubline.gap","data":{"from":%d,"to":%d,"reason":"%s","cursor":"E-%d"}}`, from, to, reason, behind)
	}
	tests := []struct {
		since    string
		ready    string
		gap      string
		replayed []string
	}{
		{"latest", readyText("E-10", 10, 3, 0, true), "", nil},
		{"0", readyText("E-2", 10, 3, 8, false), "", replayed(3)},
		{"E-10", readyText("E-10", 10, 3, 0, true), "", nil},
		{"E-9", readyText("E-9", 10, 3, 1, true), "", replayed(10)},
		{"9", readyText("E-9", 10, 3, 1, true), "", replayed(10)},
		{"E-2", readyText("E-2", 10, 3, 8, true), "", replayed(3)},
		{"E-1", readyText("E-1", 10, 3, 8, false), gapText(2, 2, "limit", 2), replayed(3)},
		{"E-12", readyText("E-10", 10, 3, 0, false), gapText(11, 12, "ahead", 10), nil},
		{"other-5", readyText("other-5", 10, 3, 8, false), gapText(0, 2, "epoch", 2), replayed(3)},
		{"device", readyText("E-10", 10, 3, 0, false), "", nil},
	}
	for _, tt := range tests {
		for _, control := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.since, " control ", control), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := newFixture(t)
					f.publishN(10)
					p := f.dial(ws, Options{Since: f.since(tt.since), Control: control})
					var want []string
					if control {
						if want = append(want, tt.ready); tt.gap != "" {
							want = append(want, tt.gap)
						}
					}
					for _, ev := range tt.replayed {
						want = append(want, retimed(ev))
					}
					p.want(want...)
					f.publish("t")
					p.want(event(11, "t"))
				})
			})
		}
	}
}

// retimed gives an envelope that was made outside the bubble its time.
func retimed(ev string) string {
	n := 0
	if _, err := fmt.Sscanf(ev, `{"id":"id%d"`, &n); err != nil {
		panic(err)
	}
	return event(n, "t")
}

// On Server-Sent Events the cursor stands in the id, and a gap's id is where
// the client goes on after it.
func TestIDsAndNamesOfServerSentEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(10)
		p := f.dial(sse, Options{Since: f.since("E-0"), Control: true})
		want := []string{
			"id=E-0 event=hubline.ready " + readyText("E-0", 10, 3, 8, false),
			`id=E-2 event=hubline.gap {"type":"hubline.gap","data":{"from":1,"to":2,"reason":"limit","cursor":"E-2"}}`,
		}
		for n := 3; n <= 10; n++ {
			want = append(want, fmt.Sprintf("id=E-%d %s", n, event(n, "t")))
		}
		p.want(want...)

		named := f.dial(sse, Options{Since: f.since("E-9"), Named: true})
		named.want("id=E-10 event=t " + event(10, "t"))
		f.publish("order.paid")
		named.want("id=E-11 event=order.paid " + event(11, "order.paid"))
		p.want("id=E-11 " + event(11, "order.paid"))
	})
}

// A gap that opens while the client is slow is announced in its place.
func TestAGapInTheMiddleOfAStream(t *testing.T) {
	for _, control := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			f := newFixture(t)
			f.b = broker.New(broker.Config{QueueEvents: 2}, replay.NewStore(replay.Config{MaxEvents: 2}))
			p := f.dial(sse, Options{Control: control})
			p.take()
			p.stalled.Lock()
			f.publishN(5)
			p.stalled.Unlock()
			var want []string
			if control {
				want = append(want, `id=E-3 event=hubline.gap {"type":"hubline.gap","data":{"from":1,"to":3,"reason":"limit","cursor":"E-3"}}`)
			}
			p.want(append(want, "id=E-4 "+event(4, "t"), "id=E-5 "+event(5, "t"))...)
		})
	}
}

func TestTypesFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("a")
		f.publish("b")
		p := f.dial(ws, Options{Since: f.since("0"), Types: []string{"b", "c"}, Control: true})
		p.want(readyText("E-0", 2, 1, 1, true), event(2, "b"))
		f.publish("a")
		f.publish("c")
		p.want(event(4, "c"))
	})
}

// A cursor that a client continues from is evidence that it has what came
// before: its device's next connection goes on there.
func TestResumingAcknowledges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(5)
		saved := func(want string) {
			t.Helper()
			got := ""
			if c, ok := f.b.DeviceCursor("u", "d"); ok {
				got = fmt.Sprint(c.Seq)
			}
			if got != want {
				t.Errorf("saved %q, want %q", got, want)
			}
		}
		saved("")
		f.dial(ws, Options{Device: "d", Since: f.since("latest")}) // it begins there
		saved("5")
		f.dial(ws, Options{Device: "d", Since: f.since("0")})
		saved("5")
		f.dial(ws, Options{Device: "d", Since: f.since("E-2")})
		saved("2")
		f.poll(Options{Device: "d", Since: f.since("4")}, 10)
		saved("4")
		f.dial(sse, Options{Device: "d", Since: f.since("E-3")}) // a tab that is behind
		saved("4")
		f.dial(sse, Options{Device: "d", Since: f.since("other-5")})
		saved("4")
		p := f.dial(ws, Options{Device: "d", Since: f.since("device"), Control: true})
		p.want(readyText("E-4", 5, 1, 1, true), event(5, "t"))
	})
}

// More than one batch: events are laid out while the batch has room, and the
// rest follows.
func TestLongReplaysTakeSeveralBatches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		data := make([]byte, 30<<10)
		for i := range data {
			data[i] = '1'
		}
		for range 7 {
			f.n++
			f.put(&replay.Event{ID: fmt.Sprint("id", f.n), Type: "t", Data: data})
		}
		p := f.pipe(ws)
		cfg := Config{}.WithDefaults()
		s, err := New(&cfg, f.b, p, Options{User: "u", Since: f.since("0")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Closed(transports.ReasonLost)
		rec := &recorder{}
		b := transports.NewBatch(rec)
		more, batches := true, 0
		for ; more; batches++ {
			b.Reset(rec)
			if more = s.Fill(b); len(b.Buf) > 5*len(data) {
				t.Errorf("a batch of %d bytes", len(b.Buf))
			}
		}
		if len(rec.got) != 7 || batches < 3 {
			t.Errorf("%d events in %d batches", len(rec.got), batches)
		}
	})
}

func TestRefusedSessionsLeaveNothing(t *testing.T) {
	f := newFixture(t)
	f.b.Drain()
	cfg := Config{}.WithDefaults()
	if _, err := New(&cfg, f.b, f.pipe(ws), Options{User: "u"}); err == nil {
		t.Error("New while draining")
	}
	if _, err := NewPoll(f.b, f.pipe(transports.LongPolling), Options{User: "u"}, 1); err == nil {
		t.Error("NewPoll while draining")
	}
}

// A stock client of older servers sees its events and pong, nothing else,
// whatever happens.
func TestWithoutControlThereAreOnlyEventsAndPong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := f.dial(ws, Options{Types: []string{"t"}, Expires: time.Now().Add(40 * time.Second)})
		p.want()
		p.send(`{"type":"ping"}`)
		p.want(`{"type":"pong"}`)
		f.publish("other")
		time.Sleep(16 * time.Second)
		p.want("keep-alive") // a ping frame, which no application sees
		f.publish("t")
		p.want(event(2, "t"))
		p.send(`{"type":"ping"}`)
		p.want(`{"type":"pong"}`)
		time.Sleep(25 * time.Second)
		p.want("keep-alive")
		p.wantEnd(transports.ReasonExpired)
	})
}
