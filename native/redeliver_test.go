package native

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// redeliver has everything after a seq delivered again.
func (f *fixture) redeliver(after uint64) broker.Redelivered {
	f.t.Helper()
	r, err := f.b.Redeliver("u", broker.Redelivery{Since: replay.Since{Kind: replay.SinceCursor, Cursor: replay.Cursor{Seq: after}}})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// marked is an envelope that comes once more.
func marked(ev string) string { return strings.Replace(ev, `,"data":`, `,"replayed":true,"data":`, 1) }

func TestRedeliveredEnvelopes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("a")
		f.publish("b")
		stock, control := f.dial(ws, Options{}), f.dial(ws, Options{Control: true})
		stream, named := f.dial(sse, Options{}), f.dial(sse, Options{Named: true, Types: []string{"b"}})
		others := []*pipe{stock, control, stream, named}
		for _, p := range others {
			p.take()
		}
		f.redeliver(0)
		a, b := marked(event(1, "a")), marked(event(2, "b"))
		stock.want(a, b)
		control.want(a, b)
		stream.want(a, b) // no id: an EventSource that comes back must not go back
		named.want("event=b " + b)
		f.publish("b")
		stock.want(event(3, "b"))
		stream.want("id=E-3 " + event(3, "b"))
		// The next sign of life moves nobody's cursor either.
		if _, err := f.b.Redeliver("u", broker.Redelivery{Since: replay.Since{Kind: replay.SinceAll}, Until: &replay.Cursor{Seq: 1}}); err != nil {
			t.Fatal(err)
		}
		for _, p := range others {
			p.take()
		}
		time.Sleep(16 * time.Second)
		control.want("keep-alive")
		stream.want("keep-alive")
	})
}

// Shared encodings and the marked one do not get mixed up.
func TestRedeliveredBesideLive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		one, two := f.dial(ws, Options{}), f.dial(ws, Options{})
		f.publish("t")
		one.want(event(1, "t"))
		f.redeliver(0)
		f.publish("t")
		one.want(marked(event(1, "t")), event(2, "t"))
		two.want(event(1, "t"), marked(event(1, "t")), event(2, "t"))
	})
}

// A poll that waits is answered, and goes on from where it was.
func TestRedeliveredToAPoll(t *testing.T) {
	for _, tt := range []struct {
		name   string
		since  string
		limit  int
		after  uint64
		sent   int
		cursor string
		events []int
	}{
		{"at the head", "E-3", 100, 0, 3, "E-3", []int{1, 2, 3}},
		{"from now on", "latest", 100, 1, 2, "E-3", []int{2, 3}},
		{"as many as it takes", "latest", 2, 0, 2, "E-3", []int{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				f.publishN(3)
				p := f.poll(Options{Since: f.since(tt.since), Device: "d"}, tt.limit)
				p.want()
				before, _ := f.b.DeviceCursor("u", "d")
				r := f.redeliver(tt.after)
				if to := r.Recipients[0]; to.Sent != tt.sent || to.Sent+to.Rejected != r.Events {
					t.Errorf("%+v of %d", to, r.Events)
				}
				var events []string
				for _, n := range tt.events {
					events = append(events, marked(event(n, "t")))
				}
				p.want(answer(tt.cursor, "", events...))
				p.wantEnd(transports.ReasonDone)
				if after, _ := f.b.DeviceCursor("u", "d"); after != before {
					t.Errorf("the device's cursor moved from %v to %v", before, after)
				}
				f.publish("t")
				next := f.poll(Options{Since: f.since(tt.cursor)}, 100)
				next.want(answer("E-4", "", event(4, "t")))
			})
		})
	}
}

// What came by live delivery moves the cursor, what came again does not, whatever
// stands last in the answer.
func TestAPollWithBoth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(2)
		p := f.poll(Options{Since: f.since("latest")}, 100)
		p.want()
		p.stalled.Lock()
		f.publish("t")
		f.redeliver(1)
		p.stalled.Unlock()
		p.want(answer("E-3", "", event(3, "t"), marked(event(2, "t")), marked(event(3, "t"))))
	})
}

func TestAppendRedelivered(t *testing.T) {
	ev := &replay.Event{ID: "i", Type: "t", Time: 7, Channel: "c", Data: []byte(`{"a":1}`)}
	want := `{"id":"i","seq":5,"cursor":"e-5","type":"t","ts":7,"channel":"c","replayed":true,"data":{"a":1}}`
	if diff := cmp.Diff(want, string(AppendRedelivered(nil, ev, "e", 5))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A poll that has been answered is no recipient any more, though its carrier still has it.
func TestAnAnsweredPollIsNoRecipient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("t")
		p := f.pipe(transports.LongPolling)
		s, err := NewPoll(f.b, p, Options{User: "u", Since: f.since("0")}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.redeliver(0).Recipients); n != 1 {
			t.Errorf("%d recipients before", n)
		}
		rec := &recorder{}
		s.Fill(transports.NewBatch(rec))
		if n := len(f.redeliver(0).Recipients); n != 0 {
			t.Errorf("%d recipients behind the answer", n)
		}
		s.Closed(transports.ReasonDone)
		got := strings.ReplaceAll(strings.Join(rec.got, "\n"), f.epoch(), "E")
		if want := answer("E-1", "", event(1, "t"), marked(event(1, "t"))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
