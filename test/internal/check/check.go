package check

import "hubline/test/internal/client"

// Step is one thing that happened to a client: it connected, or it read a message.
type Step struct {
	// Connected is set on a step of its own.
	Connected *Connected
	Message   client.Message
}

// Poll is the transport on which every answer is a connection of its own.
const Poll = "poll"

// Connected tells how a client connected.
type Connected struct {
	Transport string
	// Since is "latest", "0", or the cursor it asked with.
	Since string
}

// Client is all that happened to one client.
type Client struct {
	Name, User, Device string
	Types              []string // its filter
	Steps              []Step
	// Until is the end that it must reach.
	Until client.Cursor
}

// Check returns every broken promise.
func Check(t Truth, clients []Client) []Violation {
	b := open(&t)
	for i := range clients {
		b.observe(&clients[i])
	}
	b.dense()
	b.causal()
	for i := range clients {
		w := &walk{book: b, c: &clients[i], u: b.user(clients[i].User), told: map[string]uint64{}}
		w.run()
	}
	return b.violations
}

// walk follows one client through its log.
type walk struct {
	*book

	c *Client
	u *userBook

	pos     client.Cursor // everything up to here was received or announced as lost
	known   bool          // pos is known
	anyLife bool          // the epoch is unknown: a gap said that it changed
	last    uint64        // seq received last, for the choice of words

	told map[string]uint64 // by epoch: the furthest it was ever told of

	asked    *Connected
	from     client.Cursor // where it asked to resume
	resuming bool          // it asked with a cursor, and nothing followed yet
	owed     bool          // "not recovered" was said: a gap must follow
	promised bool          // "recovered" was said
	ready    *client.Welcome
	began    bool // something was read over this connection
}

func (w *walk) fail(k Kind, format string, args ...any) {
	w.book.fail(k, w.c.Name, format, args...)
}

func (w *walk) run() {
	for i := range w.c.Steps {
		s := &w.c.Steps[i]
		switch {
		case s.Connected != nil:
			w.connected(s.Connected)
		case s.Message.Kind == client.Ready:
			w.welcomed(&s.Message)
		case s.Message.Kind == client.Gap:
			w.gap(&s.Message)
		case s.Message.Kind == client.Event:
			w.event(&s.Message)
		case s.Message.Kind == client.Move:
			w.moved(s.Message.Cursor)
		}
		w.began = s.Connected == nil
	}
	if !w.known || w.anyLife || w.pos.Epoch != w.c.Until.Epoch || w.pos.Seq < w.c.Until.Seq {
		w.fail(Lost, "ended at %s, the log at %s", w.pos, w.c.Until)
	}
}

// connected begins a new connection.
func (w *walk) connected(c *Connected) {
	w.asked, w.ready, w.owed, w.promised, w.anyLife = c, nil, false, false, false
	w.resuming = c.Since != "latest" && c.Since != "0"
	if !w.resuming {
		w.known = false
		return
	}
	cur, err := client.ParseCursor(c.Since)
	switch {
	case err != nil:
		w.fail(Impossible, "resumed with %q: %v", c.Since, err)
	case cur.Seq > w.told[cur.Epoch]:
		w.fail(Impossible, "resumed from %s, having been told of nothing after seq %d", cur, w.told[cur.Epoch])
	}
	w.pos, w.from, w.known, w.last = cur, cur, true, cur.Seq
}

// event checks that it is the next one that is meant for the client.
func (w *walk) event(m *client.Message) {
	at := m.Cursor
	e := w.u.at[at]
	switch {
	case e == nil:
		w.fail(Unpublished, "%s (%s)", at, m.ID)
	case e.ID != m.ID, e.Type != m.Type, e.Data != string(m.Data):
		w.fail(Altered, "%s is %s %s %.80q, published was %s %s %.80q", at, m.ID, m.Type, m.Data, e.ID, e.Type, e.Data)
	case !e.wanted(w.c):
		w.fail(Unwanted, "%s type %q device %q exceptDevice %q", at, e.Type, e.Device, e.ExceptDevice)
	}
	switch {
	case !w.known: // the first message of a poll that asked for what there is
	case w.anyLife:
		if at.Epoch == w.from.Epoch {
			w.fail(GapReason, "a gap said that the epoch changed, and %s follows", at)
		}
		w.skip(client.Cursor{Epoch: at.Epoch, Seq: w.pos.Seq}, at.Seq-1)
	case at.Epoch != w.pos.Epoch:
		w.fail(SilentGap, "%s follows %s: the epoch changed and nothing was said", at, w.pos)
	case at.Seq <= w.pos.Seq:
		if at.Seq == w.last {
			w.fail(Duplicate, "%s came again", at)
		} else {
			w.fail(Swapped, "%s came after %s", at, w.pos)
		}
		return // what was received stays received
	default:
		w.skip(w.pos, at.Seq-1)
	}
	w.arrive(at)
	w.last = at.Seq
	w.settle()
}

// settle checks, once everything was read that existed at the welcome, that the gap
// came that "not recovered" promised.
func (w *walk) settle() {
	if w.owed && w.pos.Epoch == w.from.Epoch && w.pos.Seq >= w.ready.Head {
		w.fail(FalseLoss, "not recovered was said, and no gap followed")
		w.owed = false
	}
}

// arrive moves the position.
func (w *walk) arrive(at client.Cursor) {
	w.told[at.Epoch] = max(w.told[at.Epoch], at.Seq)
	w.pos, w.known, w.anyLife, w.resuming = at, true, false, false
}

// skip checks that nothing after the position up to seq was meant for the client.
func (w *walk) skip(pos client.Cursor, seq uint64) {
	for s := pos.Seq + 1; s <= seq; s++ {
		at := client.Cursor{Epoch: pos.Epoch, Seq: s}
		if e := w.u.at[at]; e == nil || e.wanted(w.c) {
			w.fail(SilentGap, "%s is missing and was not announced (%d to %d were left out)", at, pos.Seq+1, seq)
			return
		}
	}
}

// moved follows a cursor that came without an event.
func (w *walk) moved(at client.Cursor) {
	switch {
	case !w.known:
	case w.anyLife:
		w.skip(client.Cursor{Epoch: at.Epoch, Seq: w.pos.Seq}, at.Seq)
	case at.Epoch != w.pos.Epoch:
		w.fail(SilentGap, "the cursor moved to %s from %s: the epoch changed and nothing was said", at, w.pos)
	case at.Seq < w.pos.Seq:
		w.fail(Swapped, "the cursor moved back from %s to %s", w.pos, at)
		return
	default:
		w.skip(w.pos, at.Seq)
	}
	w.arrive(at)
	w.settle()
	if w.asked.Transport == Poll {
		w.from, w.resuming = at, true // the next poll asks anew
	}
}
