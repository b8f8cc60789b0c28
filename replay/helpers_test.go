package replay

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// t0 is the time tests start at, in Unix milliseconds.
const t0 = 1_763_596_800_000

// clock is a Config.Now that moves only when told.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ms.Store(t0)
	return c
}

func (c *clock) time() time.Time         { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// event returns one of the smallest size plus n bytes, published now.
func (c *clock) event(n int) *Event {
	return &Event{Time: c.ms.Load(), Data: make([]byte, n)}
}

// ttl returns an event that expires d from now.
func (c *clock) ttl(d time.Duration) *Event {
	ev := c.event(0)
	ev.Expires = ev.Time + d.Milliseconds()
	return ev
}

// fixture is a store with its clock. Every change of it goes through a test, which
// ends with a look at the store's inside.
type fixture struct {
	*Store
	*clock
	t *testing.T
}

func newFixture(t *testing.T, cfg Config) *fixture {
	t.Helper()
	f := &fixture{clock: newClock(), t: t}
	cfg.Now = f.time
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	f.Store = NewStore(cfg)
	t.Cleanup(func() {
		if err := checkStore(f.Store); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) append(user string, n int) {
	for range n {
		f.Append(user, f.event(0))
	}
}

// since parses text in which E stands for the user's epoch and X for another.
func (f *fixture) since(user, text string) Since {
	f.t.Helper()
	text = strings.NewReplacer("E-", f.State(user).Epoch+"-", "X-", "other-").Replace(text)
	s, err := ParseSince(text)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (g *Gap) text() string {
	if g == nil {
		return "none"
	}
	return fmt.Sprintf("%d..%d %s", g.From, g.To, g.Reason)
}

func (sv Survey) text() string {
	rec := "gap"
	if sv.Recovered {
		rec = "recovered"
	}
	return fmt.Sprintf("start %d, lost %s, %d match, %s", sv.Start, sv.Lost.text(), sv.Matching, rec)
}

func entriesText(entries []Entry) string {
	var parts []string
	for _, e := range entries {
		if e.Lost != nil {
			parts = append(parts, "["+e.Lost.text()+"]")
		} else {
			parts = append(parts, strconv.FormatUint(e.Seq, 10))
		}
	}
	return strings.Join(parts, " ")
}

// readAll reads in pages of n entries.
func readAll(s *Store, user string, after uint64, n, maxBytes int) []Entry {
	var all []Entry
	for {
		page, _ := s.Read(user, after, make([]Entry, 0, n), maxBytes, nil)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Seq
	}
}

// checkStore looks for broken promises among the store's fields.
func checkStore(s *Store) error {
	var users, bytes int64
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		defer sh.mu.Unlock()
		events, stamp := 0, uint64(0)
		for user, l := range sh.pinned {
			if l.pins <= 0 || l.user != user || sh.unpinned.Contains(user) {
				return fmt.Errorf("pinned %q: %d pins, user %q", user, l.pins, l.user)
			}
		}
		for n, l := range sh.unpinned.Values() {
			if l.pins != 0 || l.ring.n == 0 || l.used <= stamp {
				return fmt.Errorf("unpinned %q: %d pins, %d events, stamp %d after %d", l.user, l.pins, l.ring.n, l.used, stamp)
			}
			if stamp = l.used; n == 0 && sh.tail.Load() != stamp {
				return fmt.Errorf("shard %d: tail %d, oldest stamp %d", i, sh.tail.Load(), stamp)
			}
		}
		if sh.unpinned.Len() == 0 && sh.tail.Load() != noTail {
			return fmt.Errorf("shard %d: tail %d of nothing", i, sh.tail.Load())
		}
		logs := sh.unpinned.Values()
		for _, l := range sh.pinned {
			logs = append(logs, l)
		}
		for _, l := range logs {
			if err := checkLog(l); err != nil {
				return fmt.Errorf("log of %q: %w", l.user, err)
			}
			if l.ring.n > 0 {
				users++
			}
			bytes += int64(l.bytes)
			events += int(l.ring.n)
		}
		if events != sh.events {
			return fmt.Errorf("shard %d: %d events, %d counted", i, events, sh.events)
		}
	}
	if users != s.users.Load() || bytes != s.bytes.Load() {
		return fmt.Errorf("%d users, %d counted; %d bytes, %d counted", users, s.users.Load(), bytes, s.bytes.Load())
	}
	if n, _ := s.marks.stats(); n > s.cfg.MaxWatermarks {
		return fmt.Errorf("%d watermarks", n)
	}
	return nil
}

func checkLog(l *Log) error {
	bytes, given, ids := 0, uint32(0), make(map[string]uint64)
	for i := range uint64(l.ring.n) {
		ev := l.ring.at(i)
		bytes += ev.Size()
		if ev.IDGiven {
			given++
			ids[ev.ID] = l.oldest() + i
		}
	}
	if bytes != l.bytes || given != l.given {
		return fmt.Errorf("%d bytes, %d counted; %d given ids, %d counted", bytes, l.bytes, given, l.given)
	}
	if l.ids == nil && given > idIndexMin || l.ids != nil && len(ids) != len(l.ids) {
		return fmt.Errorf("index of %d for %d ids", len(l.ids), len(ids))
	}
	for id, seq := range ids {
		if l.findLocked(id) != seq {
			return fmt.Errorf("id %q found at %d, is at %d", id, l.findLocked(id), seq)
		}
	}
	if int(l.ring.n) > l.sh.store.cfg.MaxEvents || bytes > l.sh.store.cfg.MaxBytes && l.ring.n > 1 {
		return fmt.Errorf("%d events of %d bytes are over the bounds", l.ring.n, bytes)
	}
	return nil
}
