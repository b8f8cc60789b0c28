package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// oracleAgain is an event that waits to be delivered again.
type oracleAgain struct{ seq, after uint64 }

// againDue: all that goes first has been taken.
func (o *oracleSub) againDue() bool {
	switch {
	case len(o.again) == 0:
		return false
	case len(o.queue) > 0:
		return o.queue[0] > o.again[0].after
	case o.behind:
		return o.pos >= o.again[0].after
	}
	return true
}

// redeliver is Redeliver: the exact counts for each connection.
func (m *model) redeliver(t *rapid.T) {
	user := rapid.SampledFrom(modelUsers).Draw(t, "user")
	head, floor := m.head(user), m.floor(user)
	from, to := rapid.Uint64Range(0, head).Draw(t, "from"), rapid.Uint64Range(0, head+1).Draw(t, "to")
	device := rapid.SampledFrom([]string{"", "", "d1"}).Draw(t, "device")
	kind := rapid.SampledFrom([]string{"", "", "b"}).Draw(t, "kind")
	dry := rapid.Bool().Draw(t, "dry")
	o := Redelivery{
		Since:  replay.Since{Kind: replay.SinceCursor, Cursor: replay.Cursor{Seq: from}},
		Until:  &replay.Cursor{Seq: to},
		Device: device, DryRun: dry,
	}
	if kind != "" {
		o.Match = func(ev *replay.Event) bool { return ev.Type == kind }
	}
	var events []uint64
	for seq := max(from, floor) + 1; seq <= min(to, head); seq++ {
		if kind == "" || m.events[user][seq-1].Type == kind {
			events = append(events, seq)
		}
	}
	var want []string
	for _, sub := range slices.Backward(m.subs) {
		if sub.user == user && (device == "" || sub.device == device) {
			want = append(want, sub.redeliver(m, events, dry))
		}
	}
	r, err := m.Redeliver(user, o)
	var got []string
	for _, to := range r.Recipients {
		got = append(got, fmt.Sprintf("%s %d+%d %d", to.Device, to.Sent, to.Rejected, to.Last))
	}
	if err != nil || r.Events != len(events) || !slices.Equal(got, want) {
		t.Fatalf("Redeliver %+v = %d events, %v, %v, want %d, %v", o, r.Events, got, err, len(events), want)
	}
	gap := ""
	if last := min(floor, to); from < last {
		gap = fmt.Sprintf("[%d..%d limit]", from+1, last)
	}
	if to > head {
		gap += fmt.Sprintf("[%d..%d ahead]", head+1, to)
	}
	text := ""
	for i := range r.Gaps {
		text += gapText(&r.Gaps[i])
	}
	if text != gap {
		t.Fatalf("Redeliver %+v: gaps %s, want %s", o, text, gap)
	}
}

func (o *oracleSub) redeliver(m *model, events []uint64, dry bool) string {
	all := m.events[o.user]
	count, bytes := len(o.queue)+len(o.again), 0
	for _, seq := range o.queue {
		bytes += all[seq-1].Size()
	}
	for _, a := range o.again {
		bytes += all[a.seq-1].Size()
	}
	sent, rejected, last := 0, 0, uint64(0)
	for _, seq := range events {
		if !o.wanted(all[seq-1]) {
			continue
		}
		size := all[seq-1].Size()
		if rejected > 0 || count >= m.cfg.QueueEvents || count > 0 && bytes+size > m.cfg.QueueBytes {
			rejected++
			continue
		}
		count, bytes, sent, last = count+1, bytes+size, sent+1, seq
		if !dry {
			o.again = append(o.again, oracleAgain{seq, m.head(o.user)})
		}
	}
	if sent > 0 && !dry {
		o.rung++
	}
	return fmt.Sprintf("%s %d+%d %d", o.device, sent, rejected, last)
}

// again redelivers at random until the storm is over.
func (s *storm) again(r *rand.Rand, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(r.IntN(3)) * time.Millisecond):
		}
		user := s.user(r)
		head := s.store.State(user).Head
		o := Redelivery{Since: replay.Since{Kind: replay.SinceAll}, DryRun: r.IntN(4) == 0}
		if r.IntN(2) == 0 {
			o.Since = replay.Since{Kind: replay.SinceCursor, Cursor: replay.Cursor{Seq: uint64(r.Int64N(int64(head) + 1))}} //nolint:gosec // small
		}
		if r.IntN(2) == 0 {
			o.Until = &replay.Cursor{Seq: uint64(r.Int64N(int64(head) + 2))} //nolint:gosec // small
		}
		if r.IntN(3) == 0 {
			o.Device = fmt.Sprint("d", r.IntN(3))
		}
		if r.IntN(3) == 0 {
			o.Match = func(ev *replay.Event) bool { return ev.Type == "a" }
		}
		got, err := s.Redeliver(user, o)
		if err != nil {
			s.truth.fail("Redeliver: %v", err)
		}
		for _, to := range got.Recipients {
			if to.Sent > s.Broker.cfg.QueueEvents || to.Sent+to.Rejected > got.Events || o.Device != "" && to.Device != o.Device {
				s.truth.fail("Redeliver %+v: %+v of %d", o, to, got.Events)
			}
		}
	}
}

// again is an event that came once more: one that the client has had its chance of, and
// it changes nothing.
func (w *walk) again(d *Delivery) {
	switch ev := w.known(d.Seq); {
	case d.Seq > w.pos.Seq:
		w.fail("%d came again before it came", d.Seq)
	case !w.h.wants(d.Event):
		w.fail("%s came again and was not for it", d.Event.ID)
	case ev != nil && ev != d.Event, ev == nil && d.Event.Type != "all":
		w.fail("%d came again as another event", d.Seq)
	case d.Gap != nil || d.Frame.Event != d.Event:
		w.fail("%+v came again", d)
	}
}

// again counts what came once more.
func (t *truth) again() (n int) {
	for _, h := range t.histories {
		for i := range h.steps {
			if h.steps[i].again != nil {
				n++
			}
		}
	}
	return n
}
