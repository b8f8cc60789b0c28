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
		MaxTotalBytes: rapid.Int64Range(1, 16).Draw(t, "maxTotalBytes") * eventOverhead,
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

// resume is a client: it asks for a position and reads to the head, in pages.
func (m *model) resume(t *rapid.T) {
	user := m.user(t)
	m.state(t, user) // so that the present generation has a text
	since := Since{Kind: SinceKind(rapid.IntRange(0, 3).Draw(t, "kind"))}
	gen := rapid.IntRange(-1, len(m.epochs)).Draw(t, "gen")
	switch {
	case since.Kind != SinceCursor:
	case gen >= 0 && gen < len(m.epochs):
		since.Cursor.Epoch = m.epochs[gen]
	case gen == len(m.epochs):
		since.Cursor.Epoch = "foreign"
	}
	if l := m.oracle.look(user); since.Kind == SinceCursor {
		m.State(user)
		since.Cursor.Seq = rapid.Uint64Range(0, l.head+2).Draw(t, "seq")
	}
	var match func(*Event) bool
	if rapid.Bool().Draw(t, "filter") {
		match = func(ev *Event) bool { return ev.Type == "x" }
	}

	want := m.oracle.survey(user, since.Kind, gen, gen == -1, since.Cursor.Seq, match)
	log := m.handle(t, user)
	var got Survey
	if log != nil {
		got = log.Survey(since, match)
	} else {
		got = m.Survey(user, since, match)
	}
	want.Epoch = got.Epoch
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Survey(%s, %s) (-want +got):\n%s", user, since, diff)
	}

	entries := m.read(t, user, log, got.Start)
	m.checkHonest(t, user, since, match, got, entries)
	if since.Kind == SinceCursor {
		m.read(t, user, log, since.Cursor.Seq) // as a caller that asks by seq alone
	}
}

func (m *model) read(t *rapid.T, user string, log *Log, after uint64) []Entry {
	want := m.oracle.read(user, after)
	room := rapid.IntRange(1, 5).Draw(t, "room")
	maxBytes := rapid.IntRange(0, 4).Draw(t, "bytes") * eventOverhead
	var got []Entry
	for at := after; ; at = got[len(got)-1].Seq {
		page := make([]Entry, 0, room)
		if log != nil {
			page, _ = log.Read(at, page, maxBytes)
		} else {
			page, _ = m.Read(user, at, page, maxBytes)
		}
		if len(page) == 0 {
			break
		}
		// A gap that a page's end has cut would be met again as two.
		if n := len(got); n > 0 && got[n-1].Lost != nil && page[0].Lost != nil && got[n-1].Lost.Reason == page[0].Lost.Reason {
			t.Fatalf("one gap on two pages: %s, %s", got[n-1].Lost.text(), page[0].Lost.text())
		}
		got = append(got, page...)
	}
	same := cmp.Comparer(func(a, b *Event) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Fatalf("Read(%s, %d) (-want +got):\n%s", user, after, diff)
	}
	return got
}

func (m *model) checkHonest(t *rapid.T, user string, since Since, match func(*Event) bool, sv Survey, entries []Entry) {
	if since.Kind == SinceLatest || since.Kind == SinceDevice {
		return
	}
	next, matching := sv.Start+1, 0
	delivered := make(map[uint64]bool)
	for _, e := range entries {
		if e.Lost != nil {
			if e.Lost.From != next || e.Seq != e.Lost.To || e.Lost.To < e.Lost.From {
				t.Fatalf("gap %s at %d, seq %d", e.Lost.text(), next, e.Seq)
			}
		} else {
			if e.Seq != next || e.Event != m.given[user+" "+Cursor{sv.Epoch, e.Seq}.String()] {
				t.Fatalf("seq %d at %d, or another event under it", e.Seq, next)
			}
			if delivered[e.Seq] = true; match == nil || match(e.Event) {
				matching++
			}
		}
		next = e.Seq + 1
	}
	if next != sv.Head+1 || matching != sv.Matching {
		t.Fatalf("reading ended at %d with %d, the survey said %d with %d", next-1, matching, sv.Head, sv.Matching)
	}
	if !sv.Recovered {
		return
	}
	asked := since.Cursor.Seq // 0 with SinceAll
	for seq := asked + 1; seq <= sv.Head; seq++ {
		ev := m.given[user+" "+Cursor{sv.Epoch, seq}.String()]
		if !delivered[seq] && (match == nil || match(ev)) {
			t.Fatalf("recovered, but %d is missing", seq)
		}
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
