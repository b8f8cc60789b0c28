package replay

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model runs a store and the oracle side by side. Besides equal answers it checks
// the promise itself, against its own record of every event ever appended: what is
// delivered is the right event, in order, without a hole that is not announced.
type model struct {
	*Store
	clock  *clock
	oracle *oracle
	pins   map[string][]*Log
	epochs []string            // by generation
	given  map[string]*Event   // "user epoch-seq" to the event that has it
	ids    map[string][]string // given ids by user
	n      int
}

var modelUsers = []string{"ann", "bob", "cid", "dan", "eve"}

func newModel(t *rapid.T) *model {
	m := &model{clock: newClock(), pins: map[string][]*Log{}, given: map[string]*Event{}, ids: map[string][]string{}}
	cfg := Config{
		MaxEvents:     rapid.IntRange(1, 8).Draw(t, "maxEvents"),
		MaxBytes:      rapid.IntRange(1, 8).Draw(t, "maxBytes") * eventOverhead,
		MaxAge:        time.Duration(rapid.IntRange(1, 20).Draw(t, "maxAge")) * time.Millisecond,
		MaxUsers:      rapid.IntRange(1, 4).Draw(t, "maxUsers"),
		MaxTotalBytes: rapid.Int64Range(1, 20).Draw(t, "maxTotalBytes") * eventOverhead,
		MaxWatermarks: rapid.IntRange(1, 4).Draw(t, "maxWatermarks"),
		Now:           m.clock.time,
	}
	m.Store, m.oracle = NewStore(cfg), newOracle(cfg, t0)
	return m
}

// epoch returns the text of a generation, and checks that it is a new one.
func (m *model) epoch(t *rapid.T, gen int, text string) string {
	if gen == len(m.epochs) {
		if slices.Contains(m.epochs, text) {
			t.Fatalf("epoch %q of generation %d was that of %v", text, gen, m.epochs)
		}
		m.epochs = append(m.epochs, text)
	}
	if gen > len(m.epochs) {
		t.Fatalf("generation %d was never seen", gen)
	}
	return m.epochs[gen]
}

// record notes that c was given to ev. A second event with the same cursor is what
// must never happen.
func (m *model) record(t *rapid.T, user string, c Cursor, ev *Event) {
	key := user + " " + c.String()
	if m.given[key] != nil {
		t.Fatalf("%s was given twice", key)
	}
	m.given[key] = ev
}

func (m *model) event(t *rapid.T, user string) *Event {
	m.n++
	ev := m.clock.event(rapid.SampledFrom([]int{0, 0, 0, 1, eventOverhead, 5 * eventOverhead}).Draw(t, "size"))
	ev.Type = rapid.SampledFrom([]string{"", "x"}).Draw(t, "type")
	ev.Time -= rapid.SampledFrom([]int64{0, 0, 0, 3, 30}).Draw(t, "late")
	if ttl := rapid.SampledFrom([]int64{0, 0, 1, 3, 10}).Draw(t, "ttl"); ttl != 0 {
		ev.Expires = ev.Time + ttl
	}
	if rapid.Bool().Draw(t, "given") {
		ev.ID, ev.IDGiven = fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id")), true
		m.ids[user] = append(m.ids[user], ev.ID)
	}
	return ev
}

func (m *model) user(t *rapid.T) string { return rapid.SampledFrom(modelUsers).Draw(t, "user") }

// handle returns one of the user's pinned logs, or nil.
func (m *model) handle(t *rapid.T, user string) *Log {
	if len(m.pins[user]) == 0 || rapid.Bool().Draw(t, "by store") {
		return nil
	}
	return m.pins[user][0]
}

func (m *model) append(t *rapid.T) {
	user := m.user(t)
	ev := m.event(t, user)
	m.oracle.append(user, ev)
	var got Cursor
	if l := m.handle(t, user); l != nil {
		got = l.Append(ev)
	} else {
		got = m.Append(user, ev)
	}
	l := m.oracle.logs[user]
	if want := (Cursor{m.epoch(t, l.gen, got.Epoch), l.head}); got != want {
		t.Fatalf("Append = %v, want %v", got, want)
	}
	m.record(t, user, got, ev)
}

func (m *model) broadcast(t *rapid.T) {
	ev := m.event(t, "")
	before := maps.Clone(m.oracle.logs)
	want, got := m.oracle.broadcast(ev), 0
	for user, l := range before {
		if l.pins == 0 {
			m.record(t, user, Cursor{m.epochs[l.gen], l.head}, ev)
		}
	}
	// The store shrinks after each shard, the oracle would after all of them: give
	// it no reason to. What shrinking does is in append and unpin.
	total, users := m.cfg.MaxTotalBytes, m.cfg.MaxUsers
	m.cfg.MaxTotalBytes, m.cfg.MaxUsers = 1<<40, 1<<40
	for i := range m.Shards() {
		got += m.AppendToUnpinned(i, ev)
	}
	m.cfg.MaxTotalBytes, m.cfg.MaxUsers = total, users
	if got != want {
		t.Fatalf("AppendToUnpinned reached %d, want %d", got, want)
	}
}

func (m *model) pin(t *rapid.T) {
	user := m.user(t)
	m.oracle.pin(user)
	m.pins[user] = append(m.pins[user], m.Pin(user))
}

func (m *model) unpin(t *rapid.T) {
	user := m.user(t)
	if n := len(m.pins[user]); n > 0 {
		m.oracle.unpin(user)
		m.Unpin(m.pins[user][n-1])
		m.pins[user] = m.pins[user][:n-1]
	}
}

func (m *model) advance(t *rapid.T) {
	d := time.Duration(rapid.IntRange(1, 5).Draw(t, "ms")) * time.Millisecond
	m.clock.advance(d)
	m.oracle.advance(d)
}

// sweep ages one user at a time, so that watermarks come in a known order.
func (m *model) sweep(t *rapid.T) {
	for _, user := range modelUsers {
		m.state(t, user)
	}
	m.oracle.sweep()
	m.Sweep(m.clock.time())
}

func (m *model) state(t *rapid.T, user string) {
	l := m.oracle.look(user)
	got := m.State(user)
	if want := (State{m.epoch(t, l.gen, got.Epoch), l.head, l.oldest()}); got != want {
		t.Fatalf("State(%s) = %+v, want %+v", user, got, want)
	}
}

func (m *model) find(t *rapid.T) {
	user := m.user(t)
	id := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
	var want uint64
	l := m.oracle.look(user)
	if m.oracle.logs[user] == nil {
		// Find leaves the watermarks alone, look made this one the newest: so does State.
		m.State(user)
	}
	for i, ev := range l.kept {
		if ev.IDGiven && ev.ID == id {
			want = l.oldest() + uint64(i)
		}
	}
	c, ev, ok := m.Find(user, id)
	if ok != (want != 0) || c.Seq != want || ok && (ev.ID != id || ev != m.given[user+" "+c.String()]) {
		t.Fatalf("Find(%s, %s) = %v, %v, %v; want %d", user, id, c, ev, ok, want)
	}
}

func (m *model) check(t *rapid.T) {
	if err := checkStore(m.Store); err != nil {
		t.Fatal(err)
	}
	users, events, bytes := m.oracle.totals()
	pinned := 0
	for _, l := range m.oracle.logs {
		if l.pins > 0 {
			pinned++
		}
	}
	got := m.Stats()
	want := Stats{
		Users: users, Pinned: pinned, Events: events, Bytes: bytes,
		Watermarks: len(m.oracle.marks), DroppedWatermarks: m.oracle.dropped,
		Appended: got.Appended, EvictedUsers: got.EvictedUsers,
		TrimmedEvicted: got.TrimmedEvicted, TrimmedExpired: got.TrimmedExpired, TrimmedLimit: got.TrimmedLimit,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Stats (-want +got):\n%s", diff)
	}
	if n := got.TrimmedEvicted + got.TrimmedExpired + got.TrimmedLimit; got.Appended != n+uint64(events) {
		t.Fatalf("%d appended, %d trimmed, %d kept", got.Appended, n, events)
	}
}

func TestStoreAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"append":    m.append,
			"append2":   m.append,
			"broadcast": m.broadcast,
			"pin":       m.pin,
			"unpin":     m.unpin,
			"advance":   m.advance,
			"sweep":     m.sweep,
			"find":      m.find,
			"resume":    m.resume,
			"resume2":   m.resume,
			"":          m.check,
		})
	})
}
