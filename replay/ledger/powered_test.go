package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hubline/internal/disktest"
	"hubline/internal/logtest"
	"hubline/replay"
	"hubline/replay/journal"
)

// powerFS is a disk for tests, as the journal wants it.
type powerFS struct{ *disktest.FS }

func (fs powerFS) OpenFile(name string, flag int, perm os.FileMode) (journal.File, error) {
	f, err := fs.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// powered is a ledger whose power is lost at every moment: whenever something is about
// to be written, synced, renamed or removed, and after each transaction of the table,
// what the disks may then have is opened and compared with what was acknowledged.
type powered struct {
	*fixture

	fs    powerFS
	rng   *rand.Rand
	table []byte // state.db as it was after the last transaction
	cuts  int
	lost  int   // of these, with the table
	bad   error // of the first image that was wrong
	base  string

	// What was acknowledged, and, in next, what the operation under way adds.
	events  map[string][]*replay.Event
	next    map[string][]*replay.Event
	cursors map[name][2]uint64 // acknowledged, and under way
	keys    map[name]KeyRecord
	facts   map[factID][2]string // acknowledged, and under way; empty holds no more
}

const powerAge = time.Hour

func newPowered(t testing.TB, seed uint64) *powered {
	p := &powered{
		fs: powerFS{disktest.New()}, rng: rand.New(rand.NewPCG(seed, 5)),
		events: map[string][]*replay.Event{}, cursors: map[name][2]uint64{}, keys: map[name]KeyRecord{},
		facts: map[factID][2]string{},
	}
	p.fixture = newFixture(t, Options{Journal: journal.Options{SegmentBytes: 1 << 10, FS: p.fs}, MaxAge: powerAge})
	p.base = p.Epoch()
	p.watch()
	return p
}

// watch begins to take the power away.
func (p *powered) watch() {
	p.table = p.read()
	p.Ledger.table.wrote = func() {
		now := p.read()
		p.fs.Mu.Lock()
		defer p.fs.Mu.Unlock()
		p.cut(mixed(p.table, now, p.rng))
		p.table = now
	}
	p.fs.On(func(_, _ string, n int) (int, error) {
		p.cut(p.table)
		return n, nil
	})
}

func (p *powered) read() []byte {
	b, err := os.ReadFile(filepath.Join(p.dir, "state.db"))
	must(p.t, err)
	return b
}

// mixed is a table of which a part of a transaction is written: pages in any order, and
// only then, after a sync, the page that makes them count.
func mixed(before, after []byte, rng *rand.Rand) []byte {
	const sector, metas = 512, 8 << 10
	from, to := metas, len(after)
	mix := append(bytes.Clone(before), make([]byte, max(0, len(after)-len(before)))...)
	if rng.IntN(2) == 0 {
		copy(mix[metas:], after[metas:])
		from, to = 0, metas
	}
	for at := from; at < to; at += sector {
		if rng.IntN(2) == 0 {
			copy(mix[at:at+sector], after[at:at+sector])
		}
	}
	return mix
}

// cut opens what is left when the power goes now. The disk is locked.
func (p *powered) cut(table []byte) {
	if p.bad != nil {
		return
	}
	p.cuts++
	dir := p.t.TempDir()
	lost := p.rng.IntN(4) == 0
	if !lost {
		must(p.t, os.WriteFile(filepath.Join(dir, "state.db"), table, 0o600))
	}
	g := &fixture{clock: p.clock, Lines: &logtest.Lines{}, t: p.t, dir: dir, opts: p.opts}
	g.opts.Journal.FS, g.opts.Logger = powerFS{p.fs.Left(p.rng)}, slogTo(g.Lines)
	g.opts.Journal.Logger = nil
	l, err := Open(dir, g.opts)
	if err != nil {
		p.bad = err
		return
	}
	g.Ledger = l
	if lost {
		p.lost++
		p.bad = p.compareLost(g)
	} else {
		p.bad = p.compare(g)
	}
	if p.bad == nil && p.rng.IntN(4) == 0 {
		p.bad = p.goOn(g)
	}
	if p.bad != nil {
		p.bad = fmt.Errorf("cut %d: %w\n%s", p.cuts, p.bad, g.String())
	}
	must(p.t, g.Close())
	must(p.t, os.RemoveAll(dir))
}

// compare returns how a ledger differs from what it must and may have.
func (p *powered) compare(g *fixture) error {
	if st := g.Stats(); st.Damaged != 0 || st.EpochChanges != 0 || g.Epoch() != p.base {
		return fmt.Errorf("damage: %+v", st)
	}
	there, absent := 0, 0 // users of the operation under way
	for _, user := range crowd {
		events := p.events[user]
		st, _ := g.Find(user)
		if n := len(p.next[user]); n > 0 {
			if st.Head == uint64(len(events)+n) {
				events = slices.Concat(events, p.next[user])
				there++
			} else {
				absent++
			}
		}
		if st.Head != uint64(len(events)) || st.Epoch != g.Epoch() {
			return fmt.Errorf("%s stands at %+v, want %d", user, st, len(events))
		}
		if err := p.chain(g, user, st, events); err != nil {
			return err
		}
	}
	if there > 0 && absent > 0 {
		return fmt.Errorf("half of a batch is there: of %d users, not of %d", there, absent)
	}
	for n, c := range p.cursors {
		if at, _ := g.FindCursor(n.user, n.of); at.Seq != c[0] && at.Seq != c[1] {
			return fmt.Errorf("cursor %v is at %d, want %v", n, at.Seq, c)
		}
	}
	if err := p.compareFacts(g); err != nil {
		return err
	}
	for n, want := range p.keys {
		if k, ok := g.FindKey(n.user, n.of); !ok || k.Cursor != want.Cursor || k.ID != want.ID || k.Digest != want.Digest {
			return fmt.Errorf("key %v is %+v, want %+v", n, k, want)
		}
	}
	return nil
}

// compareLost compares a ledger that has lost its table: whoever has a cursor is told so,
// all that is kept of the events is there, and every fact.
func (p *powered) compareLost(g *fixture) error {
	if st := g.Stats(); st.Last > 0 && (g.Epoch() == p.base || st.EpochChanges != 1) {
		return fmt.Errorf("the loss of the table is not told: %+v", st)
	}
	for _, user := range crowd {
		events := slices.Concat(p.events[user], p.next[user])
		st, ok := g.Find(user)
		if st.Epoch != g.Epoch() || ok && st.Head < uint64(len(p.events[user])) || st.Head > uint64(len(events)) {
			return fmt.Errorf("%s stands at %+v, want %d", user, st, len(p.events[user]))
		}
		events = events[:st.Head]
		if !ok {
			events = p.events[user]
		}
		if at, _, err := follow(g, user, st, events); err != nil {
			return err
		} else if at > 0 && events[at-1].Time+powerAge.Milliseconds() > p.ms.Load() {
			return fmt.Errorf("%s has %d of %d events", user, len(events)-at, len(events))
		}
	}
	return p.compareFacts(g)
}

func (p *powered) compareFacts(g *fixture) error {
	facts := map[factID]string{}
	g.Facts(Member, func(f Fact) bool { facts[f.id()] = string(f.Value); return true })
	for id, f := range p.facts {
		if is := facts[id]; is != f[0] && is != f[1] {
			return fmt.Errorf("fact %v is %q, want %q", id, is, f)
		}
	}
	return nil
}

// chain follows a user's events from the newest one to the oldest that must be there.
func (p *powered) chain(g *fixture, user string, st replay.Standing, events []*replay.Event) error {
	at, why, err := follow(g, user, st, events)
	if err == nil && at > 0 && (events[at-1].Time+powerAge.Milliseconds() > p.ms.Load() || why != replay.Expired) {
		return fmt.Errorf("%s has %d of %d events: %s", user, len(events)-at, len(events), why)
	}
	return err
}

// follow returns how many of the events are missing, and why.
func follow(g *fixture, user string, st replay.Standing, events []*replay.Event) (at int, why replay.Reason, err error) {
	at = len(events)
	why = g.Load(user, st.At, st.Head+1, func(seq uint64, ev *replay.Event) bool {
		if at--; at < 0 || seq != uint64(at+1) || ev.ID != events[at].ID || !bytes.Equal(ev.Data, events[at].Data) {
			err = fmt.Errorf("%s has %s as %d", user, ev.ID, seq)
			return false
		}
		return true
	})
	return at, why, err
}

// goOn writes to what was left and opens it again.
func (p *powered) goOn(g *fixture) error {
	before := g.stands()
	if err := g.try("later", crowd...); err != nil {
		return err
	}
	g.reopen()
	for user, was := range before {
		if st, _ := g.Find(user); st.Head != was.Head+1 || st.Epoch != was.Epoch {
			return fmt.Errorf("later %s stands at %+v, before %+v", user, st, was)
		}
	}
	return nil
}
