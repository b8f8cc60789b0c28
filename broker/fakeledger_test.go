package broker

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"hubline/replay"
	"hubline/replay/ledger"
)

// tape is a Ledger in memory, which takes its time and may fail.
type tape struct {
	before func(n int) error // each Append, with what number it is

	mu       sync.Mutex
	appends  int
	entries  []ledger.Entry // at their index less one
	standing map[string]replay.Standing
	keys     map[keyID]ledger.KeyRecord
	cursors  map[deviceID]replay.Cursor
	facts    map[factName]ledger.Fact
	restate  int // portions of facts that are to be written again
}

type factName struct {
	kind     ledger.FactKind
	of, name string
}

func newTape() *tape {
	return &tape{
		standing: map[string]replay.Standing{}, keys: map[keyID]ledger.KeyRecord{}, cursors: map[deviceID]replay.Cursor{},
		facts: map[factName]ledger.Fact{},
	}
}

// slow is a tape that takes up to 3 ms, and fails at times.
func slowTape(seed uint64, fails bool) *tape {
	l := newTape()
	r := rand.New(rand.NewPCG(seed, 9)) //nolint:gosec // a test
	l.before = func(int) error {
		time.Sleep(time.Duration(r.IntN(4)) * time.Millisecond)
		if fails && r.IntN(10) == 0 {
			return ErrNoSpace
		}
		return nil
	}
	return l
}

func (*tape) Err() error { return nil }

func (*tape) Epoch() string { return "base" }

func (l *tape) Find(user string) (replay.Standing, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	st, ok := l.standing[user]
	return st, ok
}

func (l *tape) Load(user string, at, below uint64, take func(uint64, *replay.Event) bool) replay.Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at > 0 {
		e := &l.entries[at-1]
		if e.User != user {
			panic("an entry of another user is in the chain")
		}
		ev := e.Event
		if e.Body != 0 {
			ev = l.entries[e.Body-1].Event
		}
		if e.Seq < below && !take(e.Seq, ev) {
			return ""
		}
		at = e.Prev
	}
	return ""
}

func (l *tape) Append(entries []ledger.Entry) (uint64, error) {
	l.mu.Lock()
	l.appends++
	n := l.appends
	l.mu.Unlock()
	if l.before != nil {
		if err := l.before(n); err != nil {
			return 0, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(len(l.entries) + 1)
	l.entries = append(l.entries, slices.Clone(entries)...)
	for i := range entries {
		for _, k := range entries[i].Keys {
			l.keys[keyID{entries[i].User, k.Name}] = ledger.KeyRecord{
				Key: k, Cursor: replay.Cursor{Epoch: entries[i].Epoch, Seq: entries[i].Seq},
			}
		}
	}
	return first, nil
}

func (l *tape) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.entries) + 1)
}

func (l *tape) Note(user string, st replay.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.standing[user] = st
}

func (l *tape) Users(yield func(string, replay.Standing) bool) {
	l.mu.Lock()
	known := maps.Clone(l.standing)
	l.mu.Unlock()
	for user, st := range known {
		if !yield(user, st) {
			return
		}
	}
}

func (l *tape) FindKey(user, name string) (ledger.KeyRecord, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.keys[keyID{user, name}]
	return r, ok
}

func (l *tape) SaveCursors(cursors []ledger.DeviceCursor) error {
	if l.before != nil {
		if err := l.before(0); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range cursors {
		l.cursors[deviceID{c.User, c.Device}] = c.Cursor
	}
	return nil
}

func (l *tape) FindCursor(user, device string) (replay.Cursor, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.cursors[deviceID{user, device}]
	return c, ok
}

func (l *tape) SaveFacts(facts []ledger.Fact) error {
	if l.before != nil {
		if err := l.before(-1); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range facts {
		id := factName{f.Kind, f.Of, f.Name}
		if f.Value == nil {
			delete(l.facts, id)
		} else {
			l.facts[id] = f
		}
	}
	return nil
}

func (l *tape) Facts(kind ledger.FactKind, yield func(ledger.Fact) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.facts {
		if f.Kind == kind && !yield(f) {
			return
		}
	}
}

func (l *tape) RestateFacts() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restate = max(l.restate-1, 0)
	return l.restate > 0
}
