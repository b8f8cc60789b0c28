package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hubline/test/internal/client"
)

// Event is one event as its publisher knows it.
type Event struct {
	ID, Type, Data       string
	Device, ExceptDevice string
	// TTL is set on events that may expire on their own.
	TTL bool
	// User whose log it went to; empty for a broadcast, which went to all.
	User string
	// Cursor from the receipt. Zero when the publisher was not told: a broadcast,
	// or a request whose answer never came.
	Cursor client.Cursor
	// Start and End of the request that published it, on one clock. Only looked at
	// when there is a cursor.
	Start, End time.Duration
}

// wanted reports whether the event is meant for the client.
func (e *Event) wanted(c *Client) bool {
	switch {
	case e.Device != "" && e.Device != c.Device, e.ExceptDevice != "" && e.ExceptDevice == c.Device:
		return false
	}
	return len(c.Types) == 0 || slices.Contains(c.Types, e.Type)
}

// Truth is what was published, and what the server was allowed to forget.
type Truth struct {
	Events []Event
	// Reasons are the gap reasons that the server's configuration can lead to.
	// None: there must be no gap at all.
	Reasons []string
	// LogEvents, if not zero, says that nothing but this count of events bounds a
	// log: gaps are then exactly predictable.
	LogEvents uint64
}

// Kind names a way in which the contract is broken.
type Kind string

// The kinds.
const (
	Reused         Kind = "reused seq"        // two events were promised the same cursor
	Hole           Kind = "hole in the log"   // a seq that no publish accounts for
	Inverted       Kind = "order of receipts" // published after another was answered, yet numbered before it
	Unpublished    Kind = "unpublished event" // nobody published what a client got
	Altered        Kind = "altered event"     // not what was published under that seq
	Duplicate      Kind = "duplicate"         // delivered again
	Swapped        Kind = "order"             // delivered behind a later one
	SilentGap      Kind = "silent gap"        // events are missing and were not announced
	Unwanted       Kind = "unwanted event"    // filtered out, or meant for another device
	GapRange       Kind = "gap range"         // announced, but not exactly what is missing
	GapReason      Kind = "gap reason"        // a reason that cannot be
	FalseRecovered Kind = "false recovered"   // "recovered" although something is missing
	FalseLoss      Kind = "false loss"        // not "recovered" although nothing is missing
	Miscounted     Kind = "ready numbers"     // cursor, head, oldest or replayed are wrong
	Lost           Kind = "lost at the end"   // the client never reached the end of the log
	Impossible     Kind = "impossible resume" // the test's own client is broken
)

// Violation is one broken promise.
type Violation struct {
	Kind   Kind
	Who    string // client or user
	Detail string
}

// String is one line.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Who, v.Kind, v.Detail) }

// book is the truth by user and cursor, completed by what clients observed of
// events whose cursor their publisher was not told.
type book struct {
	truth      *Truth
	users      map[string]*userBook
	loose      map[string][]*Event // by id: events without a cursor
	violations []Violation
}

type userBook struct {
	at    map[client.Cursor]*Event
	heads map[string]uint64 // by epoch: the highest seq known
	seen  map[string]client.Cursor
}

func (b *book) fail(k Kind, who, format string, args ...any) {
	b.violations = append(b.violations, Violation{k, who, fmt.Sprintf(format, args...)})
}

func (b *book) user(name string) *userBook {
	u := b.users[name]
	if u == nil {
		u = &userBook{at: map[client.Cursor]*Event{}, heads: map[string]uint64{}, seen: map[string]client.Cursor{}}
		b.users[name] = u
	}
	return u
}

// open writes the receipts into the book.
func open(t *Truth) *book {
	b := &book{truth: t, users: map[string]*userBook{}, loose: map[string][]*Event{}}
	for i := range t.Events {
		e := &t.Events[i]
		if e.Cursor == (client.Cursor{}) {
			b.loose[e.ID] = append(b.loose[e.ID], e)
			continue
		}
		u := b.user(e.User)
		if old := u.at[e.Cursor]; old != nil {
			b.fail(Reused, e.User, "%s was promised to %s and to %s", e.Cursor, old.ID, e.ID)
			continue
		}
		u.put(e.Cursor, e)
	}
	return b
}

func (u *userBook) put(c client.Cursor, e *Event) {
	u.at[c] = e
	u.heads[c.Epoch] = max(u.heads[c.Epoch], c.Seq)
}

// observe completes the book with what a client saw.
func (b *book) observe(c *Client) {
	u := b.user(c.User)
	for i := range c.Steps {
		m := &c.Steps[i].Message
		if m.Kind != client.Event || u.at[m.Cursor] != nil {
			continue
		}
		for _, e := range b.loose[m.ID] {
			if e.User != "" && e.User != c.User {
				continue
			}
			if at, ok := u.seen[m.ID]; ok {
				b.fail(Duplicate, c.Name, "%s stands at %s and at %s", m.ID, at, m.Cursor)
			}
			u.seen[m.ID] = m.Cursor
			u.put(m.Cursor, e)
			break
		}
	}
}

// dense checks that every seq up to the head belongs to a publish. As many may be
// unknown as there are publishes that nobody was told the seq of and no client saw.
func (b *book) dense() {
	for name, u := range b.users {
		spare := 0
		for id, events := range b.loose {
			for _, e := range events {
				if _, ok := u.seen[id]; !ok && (e.User == "" || e.User == name) {
					spare++
				}
			}
		}
		var holes []string
		for epoch, head := range u.heads {
			for seq := uint64(1); seq <= head; seq++ {
				if c := (client.Cursor{Epoch: epoch, Seq: seq}); u.at[c] == nil {
					holes = append(holes, c.String())
				}
			}
		}
		if len(holes) > spare {
			b.fail(Hole, name, "%d seqs belong to nobody and only %d publishes could have taken them: %s",
				len(holes), spare, strings.Join(holes[:min(len(holes), 5)], " "))
		}
	}
}

// causal checks that an event whose publishing began after another's answer has the
// higher seq.
func (b *book) causal() {
	for name, u := range b.users {
		for epoch, head := range u.heads {
			earliest := time.Duration(1<<63 - 1) // end of any publish with a higher seq
			var which *Event
			for seq := head; seq > 0; seq-- {
				e := u.at[client.Cursor{Epoch: epoch, Seq: seq}]
				if e == nil || e.Cursor == (client.Cursor{}) {
					continue
				}
				if e.Start > earliest {
					b.fail(Inverted, name, "%s (%s) was published after %s (%s) had been answered", e.Cursor, e.ID, which.Cursor, which.ID)
				}
				if e.End < earliest {
					earliest, which = e.End, e
				}
			}
		}
	}
}
