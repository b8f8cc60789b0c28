package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hubline/replay"
)

// again calls Redeliver with since and until as in a URL, E for the epoch of ann's log.
func (f *fixture) again(since, until string, o Redelivery) Redelivered {
	f.t.Helper()
	o.Since = f.since("ann", since)
	if until != "" {
		c := f.since("ann", until).Cursor
		o.Until = &c
	}
	r, err := f.Redeliver("ann", o)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// text is the answer in short: the range, how many events, the gaps.
func (r *Redelivered) text() string {
	parts := []string{fmt.Sprintf("%d..%d %d", r.From, r.To, r.Events)}
	if r.From > r.To {
		parts[0] = fmt.Sprint("none ", r.Events)
	}
	for i := range r.Gaps {
		parts = append(parts, gapText(&r.Gaps[i]))
	}
	return strings.Join(parts, " ")
}

// sent says for each recipient, the oldest connection first, how many events were sent
// and how many were not.
func (r *Redelivered) sent() string {
	var parts []string
	for _, to := range slices.Backward(r.Recipients) {
		parts = append(parts, fmt.Sprintf("%s:%d+%d", to.Device, to.Sent, to.Rejected))
	}
	return strings.Join(parts, " ")
}

// Ten events are published, of which the log keeps the newest six.
func TestRedeliverRange(t *testing.T) {
	for _, tt := range []struct{ since, until, answer, events string }{
		{"0", "", "5..10 6", "5 6 7 8 9 10"},
		{"E-4", "", "5..10 6", "5 6 7 8 9 10"},
		{"E-3", "", "5..10 6 [4..4 limit]", "5 6 7 8 9 10"},
		{"E-0", "", "5..10 6 [1..4 limit]", "5 6 7 8 9 10"},
		{"E-0", "6", "5..6 2 [1..4 limit]", "5 6"},
		{"E-0", "5", "5..5 1 [1..4 limit]", "5"},
		{"E-0", "4", "none 0 [1..4 limit]", ""},
		{"E-0", "E-2", "none 0 [1..2 limit]", ""},
		{"E-9", "", "10..10 1", "10"},
		{"E-10", "", "none 0", ""},
		{"latest", "", "none 0", ""},
		{"E-6", "E-8", "7..8 2", "7 8"},
		{"E-6", "6", "none 0", ""},
		{"E-6", "5", "none 0", ""},
		{"E-8", "12", "9..10 2 [11..12 ahead]", "9 10"},
		{"E-12", "", "none 0 [11..12 ahead]", ""},
		{"E-12", "14", "none 0 [11..14 ahead]", ""},
		{"X-9", "", "5..10 6 [0..4 epoch]", "5 6 7 8 9 10"},
		{"X-9", "6", "5..6 2 [0..4 epoch]", "5 6"},
		{"X-9", "2", "none 0 [0..2 epoch]", ""},
		{"X-7", "X-9", "none 0 [0..0 epoch]", ""},
	} {
		t.Run(tt.since+" "+tt.until, func(t *testing.T) {
			f := newFixture(t, Config{}, replay.Config{MaxEvents: 6})
			f.publishN("ann", 10)
			c := f.subscribe(Options{}, "latest")
			dry := f.again(tt.since, tt.until, Redelivery{DryRun: true, List: 100})
			wantText(t, "dry run", c.take(), "")
			var listed []string
			for _, e := range dry.Listed {
				listed = append(listed, fmt.Sprint(e.Seq))
			}
			wantText(t, "list", strings.Join(listed, " "), tt.events)
			r := f.again(tt.since, tt.until, Redelivery{})
			wantText(t, "answer", r.text(), tt.answer)
			wantText(t, "answer of the dry run", dry.text(), tt.answer)
			wantText(t, "recipients of the dry run", dry.sent(), r.sent())
			want := ""
			if tt.events != "" {
				want = strings.ReplaceAll(tt.events, " ", "again ") + "again"
			}
			wantText(t, "events", c.take(), want)
			if p := c.Position().Seq; p != 10 {
				t.Errorf("position %d", p)
			}
			f.publish("ann", nil)
			wantText(t, "live", c.take(), "11")
		})
	}
}

func TestRedeliverToWhom(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", nil)
	f.publish("ann", func(ev *replay.Event) { ev.Device = "d1" })
	f.publish("ann", func(ev *replay.Event) { ev.ExceptDevice = "d1" })
	f.publish("ann", func(ev *replay.Event) { ev.Type = "u" })
	f.subscribe(Options{User: "bob", Device: "d1"}, "latest")
	isT := func(ev *replay.Event) bool { return ev.Type == "t" }
	d1, d2 := f.subscribe(Options{Device: "d1"}, "latest"), f.subscribe(Options{Device: "d2", Match: isT}, "latest")
	none := f.subscribe(Options{}, "latest")
	for _, tt := range []struct {
		name             string
		o                Redelivery
		sent             string
		first, two, none string
	}{
		{"all", Redelivery{}, "d1:3+0 d2:2+0 :3+0", "1again 2again 4again", "1again 3again", "1again 3again 4again"},
		{"of a type", Redelivery{Match: isT}, "d1:2+0 d2:2+0 :2+0", "1again 2again", "1again 3again", "1again 3again"},
		{"to a device", Redelivery{Device: "d1"}, "d1:3+0", "1again 2again 4again", "", ""},
		{"to a device that is away", Redelivery{Device: "d3"}, "", "", "", ""},
		{"of no type", Redelivery{Match: func(*replay.Event) bool { return false }}, "d1:0+0 d2:0+0 :0+0", "", "", ""},
	} {
		rung := d1.bell.rung.Load()
		r := f.again("0", "", tt.o)
		wantText(t, tt.name, r.sent(), tt.sent)
		if woken := d1.bell.rung.Load() - rung; woken != int64(min(1, len(tt.first))) {
			t.Errorf("%s: woken %d times", tt.name, woken)
		}
		wantText(t, tt.name+", d1", d1.take(), tt.first)
		wantText(t, tt.name+", d2", d2.take(), tt.two)
		wantText(t, tt.name+", none", none.take(), tt.none)
	}
	none.Close()
	d2.Close()
	r := f.again("0", "", Redelivery{})
	wantText(t, "after they left", r.sent(), "d1:3+0")
	d1.Close()
	wantText(t, "a closed one", d1.take(), "")
	if r := f.again("0", "", Redelivery{}); len(r.Recipients) != 0 || r.Events != 4 {
		t.Errorf("without connections: %+v", r)
	}
	if r, err := f.Redeliver("never seen", Redelivery{Since: replay.Since{Kind: replay.SinceAll}}); err != nil || r.Events != 0 || len(r.Gaps) != 0 {
		t.Errorf("a user never seen: %+v, %v", r, err)
	}
	f.Drain()
	if _, err := f.Redeliver("ann", Redelivery{}); !errors.Is(err, ErrDraining) {
		t.Errorf("draining: %v", err)
	}
}

// What waits, of either kind, and what does not fit any more.
func TestRedeliverIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name       string
		cfg        Config
		room       int
		wait       int // live events that wait
		sent, next string
		took       string
	}{
		{"the count, full", Config{QueueEvents: 4}, 0, 0, ":4+0", ":0+4", "1again 2again 3again 4again"},
		{"the count, over", Config{QueueEvents: 3}, 0, 0, ":3+1", ":0+4", "1again 2again 3again"},
		{"room is left", Config{QueueEvents: 7}, 0, 0, ":4+0", ":3+1", "1again 2again 3again 4again 1again 2again 3again"},
		{"events wait", Config{QueueEvents: 3}, 0, 2, ":1+5", ":0+6", "5 6 1again"},
		{"too many waited", Config{QueueEvents: 3}, 0, 4, ":3+5", ":0+8", "5 6 7 8 1again 2again 3again"},
		{"the bytes, full", Config{QueueBytes: 4 * (eventSize + 4)}, 0, 0, ":4+0", ":0+4", "1again 2again 3again 4again"},
		{"the bytes, over", Config{QueueBytes: 4*(eventSize+4) - 1}, 0, 0, ":3+1", ":0+4", "1again 2again 3again"},
		{"one larger alone", Config{QueueBytes: 1}, 0, 0, ":1+3", ":0+4", "1again"},
		{"an answer, full", Config{}, 4, 0, ":4+0", ":0+4", "1again 2again 3again 4again"},
		{"an answer, over", Config{}, 3, 1, ":2+3", ":0+5", "5 1again 2again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.cfg, replay.Config{})
			f.publishN("ann", 4)
			c := f.subscribe(Options{Room: tt.room}, "latest")
			f.publishN("ann", tt.wait)
			dry := f.again("0", "", Redelivery{DryRun: true})
			wantText(t, "dry run", dry.sent(), tt.sent)
			r := f.again("0", "", Redelivery{})
			wantText(t, "sent", r.sent(), tt.sent)
			if last, want := r.Recipients[0].Last, uint64(r.Recipients[0].Sent); last != want { //nolint:gosec // small
				t.Errorf("last = %d, want %d", last, want)
			}
			r = f.again("0", "", Redelivery{})
			wantText(t, "sent after that", r.sent(), tt.next)
			wantText(t, "took", c.take(), tt.took)
			if c.beside != nil {
				t.Error("memory is kept")
			}
		})
	}
}

// An answer of one piece has room for so many bytes, whatever the queue has.
func TestRedeliverKnowsHowMuchAnAnswerTakes(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	for range 3 {
		f.publish("ann", func(ev *replay.Event) { ev.Data = make([]byte, readBytes/2-eventSize-10) })
	}
	f.subscribe(Options{Room: 100}, "latest")
	r := f.again("0", "", Redelivery{})
	wantText(t, "sent", r.sent(), ":2+1")
}

// Events that wait, or that a slow connection has yet to read from the log, go first;
// those published after the request do not.
func TestRedeliveredEventsComeInTheirPlace(t *testing.T) {
	f := newFixture(t, Config{QueueEvents: 3}, replay.Config{})
	c := f.subscribe(Options{}, "latest")
	f.publishN("ann", 3)
	f.again("0", "1", Redelivery{})
	wantText(t, "the queue is full, nothing fits", c.takeBy(1), "1 2 3")
	f.publishN("ann", 5) // 4 to 8: it is behind
	f.again("0", "2", Redelivery{})
	f.publishN("ann", 2)
	got := c.takeBy(4)
	wantText(t, "behind", got, "4 5 6 7 8 9 10 1again 2again")
	f.again("0", "2", Redelivery{})
	f.publishN("ann", 2)
	wantText(t, "what comes later comes behind", c.takeBy(3), "1again 2again 11 12")
	f.again("0", "2", Redelivery{})
	c.Rewind(f.since("ann", "9"))
	wantText(t, "read once more", c.takeBy(2), "10 11 12 1again 2again")
	// One that never catches up is served all the same.
	f.publishN("ann", 20)
	f.again("0", "1", Redelivery{})
	dst, seen := make([]Delivery, 0, 4), 0
	for range 12 {
		f.publishN("ann", 4)
		for _, d := range c.Next(dst, 1<<20) {
			if d.Redelivered() {
				seen++
			}
		}
	}
	if seen != 1 {
		t.Errorf("came %d times while the connection was behind", seen)
	}
}

// A filter leaves nothing of what the log has: catching up takes nothing, and what is
// to come again must not be left behind.
func TestRedeliveredBehindNothing(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", func(ev *replay.Event) { ev.Type = "mine" })
	f.publishN("ann", 100)
	c := f.subscribe(Options{Match: func(ev *replay.Event) bool { return ev.Type == "mine" }}, "1")
	f.again("0", "", Redelivery{})
	wantText(t, "took", c.take(), "1again")
	if p := c.Position().Seq; p != 101 {
		t.Errorf("position %d", p)
	}
}

func TestRedeliverLeavesOutWhatHasExpired(t *testing.T) {
	now := time.UnixMilli(t0)
	f := newFixture(t, Config{}, replay.Config{Now: func() time.Time { return now }})
	expires := func(ms int64) func(*replay.Event) {
		return func(ev *replay.Event) { ev.Expires = t0 + ms }
	}
	f.publish("ann", nil)
	f.publish("ann", expires(10))
	f.publish("ann", expires(10))
	f.publish("ann", expires(20))
	f.publish("ann", nil)
	c := f.subscribe(Options{}, "latest")
	now = now.Add(15 * time.Millisecond)
	r := f.again("0", "", Redelivery{})
	wantText(t, "answer", r.text(), "1..5 3 [2..3 expired]")
	wantText(t, "sent", r.sent(), ":3+0")
	now = now.Add(15 * time.Millisecond)
	wantText(t, "after one has expired while it waited", c.take(), "1again 5again")
	r = f.again("0", "", Redelivery{Match: func(ev *replay.Event) bool { return ev.Expires == 0 }})
	wantText(t, "gaps of what was not asked for", r.text(), "1..5 2")
	c.take()
}

// Neither a saved cursor nor what the connection may acknowledge changes.
func TestRedeliverMovesNothing(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", 5)
	c := f.subscribe(Options{Device: "d"}, "2")
	wantText(t, "took", c.takeBy(2), "3 4 5")
	c.Acknowledge(replay.Cursor{Seq: 4})
	f.publish("ann", nil)
	before := c.Position()
	f.again("0", "", Redelivery{})
	if got := c.Position(); got != before {
		t.Errorf("position = %v, was %v", got, before)
	}
	c.take()
	if got := c.Position().Seq; got != 6 {
		t.Errorf("position = %d", got)
	}
	if got, _ := f.DeviceCursor("ann", "d"); got.Seq != 4 {
		t.Errorf("cursor = %v", got)
	}
	if st := f.Stats(); st.Delivered != 1 || st.Replayed != 3 || st.Published != 6 {
		t.Errorf("counted as delivery: %+v", st)
	}
}

// Connections share what is encoded, but not with live delivery, which has no mark.
func TestRedeliveredFramesAreShared(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	one, two := f.subscribe(Options{}, "latest"), f.subscribe(Options{}, "latest")
	f.publish("ann", nil)
	f.again("0", "", Redelivery{})
	a, b := one.Next(make([]Delivery, 0, 4), 1<<20), two.Next(make([]Delivery, 0, 4), 1<<20)
	if len(a) != 2 || len(b) != 2 || a[0].Frame != b[0].Frame || a[1].Frame != b[1].Frame || a[0].Frame == a[1].Frame {
		t.Fatalf("%+v, %+v", a, b)
	}
	if a[0].Redelivered() || !a[1].Redelivered() || a[1].Event != a[0].Event || a[1].Frame.Event != a[1].Event {
		t.Errorf("%+v", a)
	}
}

// Connections that left after they were listed are left out, and those to the log in
// another of its lives are not listed: the events are not of that.
func TestRedeliverToWhoIsThere(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", nil)
	c := f.subscribe(Options{}, "latest")
	all := f.connectionsOf("ann", c.Epoch, "")
	if n := len(f.connectionsOf("ann", "other", "")); len(all) != 1 || n != 0 {
		t.Errorf("%d connections to this log, %d to another", len(all), n)
	}
	c.Close()
	rung := c.bell.rung.Load()
	a := &asked{events: []replay.Entry{{Seq: 1, Event: f.event()}}, frames: make([]*Frame, 1)}
	if to, ok := all[0].redeliver(a, false); ok || to.Sent != 0 || c.bell.rung.Load() != rung || c.beside != nil {
		t.Errorf("a closed one: %+v, %v", to, ok)
	}
}
