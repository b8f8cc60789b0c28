package broker

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"hubline/replay"
)

// history is all that one client saw, in order. It belongs to one goroutine.
type history struct {
	user, device, only string

	steps []step
	at    replay.Cursor   // where it is now
	been  []replay.Cursor // where it was
	acked replay.Cursor
}

// step is one thing that a client saw; what is not set did not happen.
type step struct {
	since    replay.Since // with welcome
	acked    replay.Cursor
	welcome  *Welcome
	delivery *Delivery
	again    *Delivery
	moved    *replay.Cursor
	head     *replay.State // everything must have been seen
}

func (h *history) matches(ev *replay.Event) bool { return ev.Type == "all" || ev.Type == h.only }

func (h *history) wants(ev *replay.Event) bool {
	return (ev.Device == "" || ev.Device == h.device) && (ev.ExceptDevice == "" || ev.ExceptDevice != h.device) &&
		(h.only == "" || h.matches(ev))
}

// where chooses the position to go on from.
func (h *history) where(r *rand.Rand) replay.Since {
	switch n := r.IntN(10); {
	case n == 0 || h.at.Epoch == "" && n < 5:
		return replay.Since{Kind: replay.SinceAll}
	case n == 1 || h.at.Epoch == "":
		return replay.Since{}
	case n == 2:
		return replay.Since{Kind: replay.SinceDevice}
	case n == 3:
		return replay.Since{Kind: replay.SinceCursor, Cursor: h.been[r.IntN(len(h.been))]}
	default:
		return replay.Since{Kind: replay.SinceCursor, Cursor: h.at}
	}
}

func (h *history) note(s step, at replay.Cursor) {
	h.steps = append(h.steps, s)
	h.at = at
	h.been = append(h.been, at)
}

func (h *history) welcomed(since replay.Since, w Welcome) {
	h.note(step{since: since, acked: h.acked, welcome: &w}, replay.Cursor{Epoch: w.Epoch, Seq: w.Start})
}

func (h *history) took(d *Delivery) {
	c := *d
	if d.Redelivered() {
		h.steps = append(h.steps, step{again: &c})
		return
	}
	h.note(step{delivery: &c}, replay.Cursor{Epoch: h.at.Epoch, Seq: d.Seq})
}

func (h *history) moved(c replay.Cursor) { h.note(step{moved: &c}, c) }

func (h *history) ended(c replay.Cursor, st replay.State) {
	h.note(step{moved: &c, head: &st}, c)
}

// truth is what was published, and what was wrong.
type truth struct {
	mu         sync.Mutex
	events     map[string]*replay.Event // by user and cursor
	broadcasts map[string]string        // cursor by user and id
	histories  []*history
	wrong      []string
}

func (t *truth) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failLocked(format, args...)
}

func (t *truth) failLocked(format string, args ...any) {
	if len(t.wrong) < 10 {
		t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
	}
}

func (t *truth) published(user string, c replay.Cursor, ev *replay.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := user + " " + c.String()
	if t.events[key] != nil {
		t.failLocked("%s was given twice", key)
	}
	t.events[key] = ev
}

func (t *truth) add(h *history) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.histories = append(t.histories, h)
}

// judge walks through all histories and returns what was wrong.
func (t *truth) judge() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.histories {
		(&walk{t: t, h: h}).run()
	}
	return t.wrong
}

// walk follows a history: pos is how far the client has everything.
type walk struct {
	t   *truth
	h   *history
	pos replay.Cursor
}

func (w *walk) fail(format string, args ...any) {
	w.t.failLocked("client of %s %s %s at %v: %s", w.h.user, w.h.device, w.h.only, w.pos, fmt.Sprintf(format, args...))
}

func (w *walk) run() {
	for i := range w.h.steps {
		switch s := &w.h.steps[i]; {
		case s.welcome != nil:
			w.welcome(s)
		case s.delivery != nil && s.delivery.Gap != nil:
			g := s.delivery.Gap
			if g.Reason != replay.Limit || g.From <= w.pos.Seq || g.To < g.From || g.To != s.delivery.Seq {
				w.fail("gap %+v at %d", g, s.delivery.Seq)
			}
			w.skip(g.From - 1)
			w.pos.Seq = g.To
		case s.delivery != nil:
			w.event(s.delivery)
		case s.again != nil:
			w.again(s.again)
		default:
			if s.moved.Epoch != w.pos.Epoch || s.moved.Seq < w.pos.Seq {
				w.fail("moved to %v", s.moved)
			}
			w.skip(s.moved.Seq)
			w.pos = *s.moved
			if s.head != nil && (s.head.Epoch != w.pos.Epoch || s.head.Head != w.pos.Seq) {
				w.fail("ended, but the log is at %+v", s.head)
			}
		}
	}
}

func (w *walk) welcome(s *step) {
	o, asked, g := s.welcome, s.since.Cursor, s.welcome.Gap
	floor := o.Oldest - 1
	ok := o.Start <= o.Head && o.Start >= floor
	switch s.since.Kind {
	case replay.SinceLatest:
		ok = ok && o.Start == o.Head && o.Recovered && g == nil
	case replay.SinceAll:
		ok = ok && o.Start == floor && o.Recovered == (floor == 0) && g == nil
	case replay.SinceDevice: // others of the same device may have gone on
		ok = ok && (s.acked.Epoch != o.Epoch || o.Start >= s.acked.Seq)
	case replay.SinceCursor:
		ok = ok && o.Recovered == (g == nil)
		switch {
		case g == nil:
			ok = ok && asked == replay.Cursor{Epoch: o.Epoch, Seq: o.Start}
		case g.Reason == replay.EpochChanged:
			ok = ok && asked.Epoch != o.Epoch && g.From == 0 && g.To == o.Start && o.Start == floor
		default:
			ok = ok && asked.Epoch == o.Epoch && g.From == asked.Seq+1 && g.To == o.Start && o.Start == floor && g.To >= g.From &&
				(g.Reason == replay.Limit || g.Reason == replay.Evicted)
		}
	}
	if !ok {
		w.fail("since %v it was welcomed with %+v, gap %s", s.since, o, gapText(g))
	}
	w.pos = replay.Cursor{Epoch: o.Epoch, Seq: o.Start}
	n := 0
	for seq := o.Start + 1; seq <= o.Head; seq++ {
		if ev := w.known(seq); ev == nil || w.h.wants(ev) {
			n++
		}
	}
	if s.since.Kind != replay.SinceLatest && n != o.Replayed {
		w.fail("%d events were promised, there are %d", o.Replayed, n)
	}
}

// known is the event at seq of the present epoch, nil for a broadcast that
// nobody has seen yet. Broadcasts are for everybody.
func (w *walk) known(seq uint64) *replay.Event {
	return w.t.events[w.h.user+" "+replay.Cursor{Epoch: w.pos.Epoch, Seq: seq}.String()]
}

// skip checks that nothing up to seq was for the client.
func (w *walk) skip(seq uint64) {
	for at := w.pos.Seq + 1; at <= seq; at++ {
		if ev := w.known(at); ev == nil || w.h.wants(ev) {
			w.fail("%d was lost on the way to %d", at, seq)
			return
		}
	}
}

func (w *walk) event(d *Delivery) {
	if d.Seq <= w.pos.Seq {
		w.fail("%d came again or late", d.Seq)
		return
	}
	w.skip(d.Seq - 1)
	w.pos.Seq = d.Seq
	ev := d.Event
	if !w.h.wants(ev) || d.Frame != nil && d.Frame.Event != ev {
		w.fail("%s was not for it", ev.ID)
	}
	key := w.h.user + " " + w.pos.String()
	if was := w.t.events[key]; was != nil && was != ev {
		w.fail("got %s, published was %s", ev.ID, was.ID)
		return
	}
	if ev.Type != "all" {
		if w.t.events[key] == nil {
			w.fail("%s was never published", ev.ID)
		}
		return
	}
	w.t.events[key] = ev
	if was, ok := w.t.broadcasts[w.h.user+ev.ID]; ok && was != w.pos.String() {
		w.fail("broadcast %s came twice, at %s too", ev.ID, was)
	}
	w.t.broadcasts[w.h.user+ev.ID] = w.pos.String()
}
