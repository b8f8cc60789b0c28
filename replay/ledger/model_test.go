package ledger

import (
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hubline/internal/logtest"
	"hubline/replay"
	"hubline/replay/journal"
)

// publisher is what a broker does with a ledger and a store in front of it, beside
// an endless store that has everything in memory.
type publisher struct {
	*fixture
	cfg             replay.Config
	backed, endless *replay.Store
	epoch           string
	cursors         map[name]replay.Cursor
	keys            map[name]KeyRecord
	facts           map[factID]string
}

func (p *publisher) restart() {
	cfg := p.cfg
	cfg.MaxUsers, cfg.MaxTotalBytes, cfg.MaxWatermarks, cfg.Backing = 2, 2000, 2, p.Ledger
	p.backed = replay.NewStore(cfg)
}

// publish appends a batch; a broadcast is one body and entries that point to it.
func (p *publisher) publish(t *rapid.T, users []string, broadcast bool, key string) {
	ev := p.event(fmt.Sprint(p.Next()))
	ev.Data = append(ev.Data[:len(ev.Data)-1], make([]byte, rapid.SampledFrom([]int{0, 0, 300, 3000}).Draw(t, "size"))...)
	if ttl := rapid.SampledFrom([]int64{0, 0, 0, 1, 10}).Draw(t, "ttl"); ttl != 0 {
		ev.Expires = ev.Time + ttl
	}
	if ev.IDGiven = rapid.Bool().Draw(t, "given"); ev.IDGiven {
		ev.ID = fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
	}
	var entries []Entry
	var body uint64
	if broadcast {
		body = p.Next()
		entries = append(entries, Entry{Event: ev})
	}
	stands := map[string]replay.Standing{}
	for _, user := range users {
		st, ok := stands[user]
		if !ok {
			st = p.backed.Standing(user)
		}
		if p.epoch == "" {
			p.epoch = st.Epoch
		}
		e := Entry{User: user, Event: ev, Epoch: st.Epoch, Seq: st.Head + 1, Prev: st.At, Body: body}
		if key != "" {
			k := Key{Name: key, Digest: md5.Sum([]byte(key)), ID: ev.ID, Delivered: int(st.Head)} //nolint:gosec // a small number
			e.Keys = append(e.Keys, k)
			p.keys[name{user, key}] = KeyRecord{
				Key: k, At: p.Next() + uint64(len(entries)), Saved: p.time(), Cursor: replay.Cursor{Epoch: st.Epoch, Seq: e.Seq},
			}
		}
		stands[user] = replay.Standing{Epoch: st.Epoch, Head: e.Seq, At: p.Next() + uint64(len(entries))}
		entries = append(entries, e)
	}
	first, err := p.Append(entries)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "checkpoint between") {
		if err := p.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range entries {
		if e := &entries[i]; e.User != "" {
			c := p.backed.AppendAt(e.User, ev, first+uint64(i))
			p.Note(e.User, replay.Standing{Epoch: c.Epoch, Head: c.Seq, At: first + uint64(i)})
			if want := p.endless.Append(e.User, ev); c.Seq != want.Seq || c.Seq != e.Seq || c.Epoch != p.epoch {
				t.Fatalf("%s appended at %v, want seq %d in %s", e.User, c, want.Seq, p.epoch)
			}
		}
	}
}

func entriesOf(s *replay.Store, user string, after uint64) (out []string) {
	for {
		page, _ := s.Read(user, after, make([]replay.Entry, 0, 4), 1<<20, nil)
		if len(page) == 0 {
			return out
		}
		for _, e := range page {
			after = e.Seq
			if e.Lost != nil {
				out = append(out, fmt.Sprint("lost ", e.Lost.From, e.Lost.To))
				continue
			}
			out = append(out, fmt.Sprintf("%d %+v", e.Seq, *e.Event))
		}
	}
}

// A store with little memory, whose server is killed now and then, answers as one
// that has room for everything and never ends.
func TestBackedStoreIsLikeAnEndlessOne(t *testing.T) {
	users := []string{"ann", "bob", "cid", "dan"}
	rapid.Check(t, func(rt *rapid.T) {
		cfg := replay.Config{
			MaxEvents: rapid.IntRange(1, 8).Draw(rt, "maxEvents"),
			MaxBytes:  rapid.IntRange(1, 8).Draw(rt, "maxBytes") * 500,
			MaxAge:    time.Duration(rapid.IntRange(5, 50).Draw(rt, "maxAge")) * time.Millisecond,
		}
		f := newFixture(t, Options{
			Journal: journal.Options{SegmentBytes: small}, MaxAge: cfg.MaxAge,
			CheckpointSize: rapid.SampledFrom([]int{1, 10, 1000}).Draw(rt, "checkpointSize"),
		})
		defer func() { f.Close() }()
		p := &publisher{fixture: f, cursors: map[name]replay.Cursor{}, keys: map[name]KeyRecord{}, facts: map[factID]string{}}
		p.cfg = cfg
		p.cfg.Now = p.time
		p.endless = replay.NewStore(p.cfg)
		p.restart()
		user := func(t *rapid.T) string { return rapid.SampledFrom(users).Draw(t, "user") }
		rt.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				to := rapid.SliceOfN(rapid.SampledFrom(users), 1, 3).Draw(t, "to")
				p.publish(t, to, false, rapid.SampledFrom([]string{"", "k1", "k2"}).Draw(t, "key"))
			},
			"broadcast": func(t *rapid.T) { p.publish(t, users[:rapid.IntRange(1, 4).Draw(t, "n")], true, "") },
			"advance": func(t *rapid.T) {
				p.advance(time.Duration(rapid.IntRange(1, 20).Draw(t, "ms")) * time.Millisecond)
			},
			"save": func(t *rapid.T) {
				c := replay.Cursor{Epoch: "e", Seq: uint64(rapid.IntRange(0, 9).Draw(t, "seq"))} //nolint:gosec // small
				n := name{user(t), rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "device")}
				if err := p.SaveCursors([]DeviceCursor{{User: n.user, Device: n.of, Cursor: c}}); err != nil {
					t.Fatal(err)
				}
				if old, ok := p.cursors[n]; !ok || old.Seq < c.Seq {
					p.cursors[n] = c
				}
			},
			"facts": func(t *rapid.T) {
				var facts []Fact
				for range rapid.IntRange(1, 3).Draw(t, "n") {
					f := Fact{Kind: Member, Of: rapid.SampledFrom([]string{"", "c", "cc"}).Draw(t, "of"), Name: user(t)}
					if rapid.Bool().Draw(t, "holds") {
						f.Value = []byte(rapid.SampledFrom([]string{"", "v"}).Draw(t, "value"))
						p.facts[f.id()] = string(f.Value)
					} else {
						delete(p.facts, f.id())
					}
					facts = append(facts, f)
				}
				if err := p.SaveFacts(facts); err != nil {
					t.Fatal(err)
				}
			},
			"restate":    func(*rapid.T) { p.RestateFacts() },
			"lose table": func(t *rapid.T) { p.loseTable(t) },
			"checkpoint": func(t *rapid.T) {
				if err := p.Checkpoint(); err != nil {
					t.Fatal(err)
				}
			},
			"retain": func(t *rapid.T) {
				if err := p.Retain(p.time()); err != nil {
					t.Fatal(err)
				}
			},
			"reopen": func(*rapid.T) { p.reopen(); p.restart() },
			"kill":   func(*rapid.T) { p.crash(); p.restart() },
			"sweep":  func(*rapid.T) { p.backed.Sweep(p.time()); p.endless.Sweep(p.time()) },
			"find": func(t *rapid.T) {
				u, id := user(t), fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
				a, _, oka := p.backed.Find(u, id)
				b, _, okb := p.endless.Find(u, id)
				if a.Seq != b.Seq || oka != okb {
					t.Fatalf("found %v %v, want %v %v", a, oka, b, okb)
				}
			},
			"read": func(t *rapid.T) {
				u := user(t)
				after := uint64(rapid.IntRange(0, int(p.endless.State(u).Head)+2).Draw(t, "after")) //nolint:gosec // small
				if diff := cmp.Diff(entriesOf(p.endless, u, after), entriesOf(p.backed, u, after)); diff != "" {
					t.Fatalf("read of %s after %d (-want +got):\n%s", u, after, diff)
				}
			},
			"": func(t *rapid.T) { p.check(t, users) },
		})
		if st := p.Stats(); st.Damaged != 0 || st.EpochChanges != 0 || p.Count("level=ERROR") != 0 {
			rt.Fatalf("%+v: %s", st, p.String())
		}
	})
}

// loseTable opens what would be left if the table were lost now: all facts are there,
// and whoever has a cursor is told.
func (p *publisher) loseTable(t *rapid.T) {
	g := &fixture{clock: p.clock, Lines: &logtest.Lines{}, t: p.t, dir: copyDir(p.t, p.dir), opts: p.opts}
	g.opts.Logger, g.opts.Journal.Logger = slogTo(g.Lines), nil
	must(p.t, os.Remove(filepath.Join(g.dir, "state.db")))
	g.open()
	defer g.Close()
	facts := map[factID]string{}
	g.Facts(Member, func(f Fact) bool { facts[f.id()] = string(f.Value); return true })
	if diff := cmp.Diff(p.facts, facts, cmp.AllowUnexported(factID{}, name{})); diff != "" {
		t.Fatalf("facts without the table (-want +got):\n%s", diff)
	}
	if st := g.Stats(); st.Last > 0 && (g.Epoch() == p.epoch || st.EpochChanges != 1) {
		t.Fatalf("the loss of the table is not told: %+v", st)
	}
}

// check looks at what is kept beside the events.
func (p *publisher) check(t *rapid.T, users []string) {
	var want, got []string
	facts := map[factID]string{}
	p.Facts(Member, func(f Fact) bool { facts[f.id()] = string(f.Value); return true })
	p.Facts(Revoked, func(f Fact) bool { t.Fatalf("a fact of another kind: %+v", f); return true })
	if diff := cmp.Diff(p.facts, facts, cmp.AllowUnexported(factID{}, name{})); diff != "" {
		t.Fatalf("facts (-want +got):\n%s", diff)
	}
	for _, u := range users {
		if head := p.endless.State(u).Head; p.backed.Standing(u).Head != head {
			t.Fatalf("%s stands at %+v, want %d", u, p.backed.Standing(u), head)
		} else if head > 0 {
			want = append(want, u)
		}
		devices := map[string]replay.Cursor{}
		for c := range p.Cursors(u) {
			devices[c.Device] = c.Cursor
		}
		for _, d := range []string{"d1", "d2"} {
			c, ok := p.FindCursor(u, d)
			if w, known := p.cursors[name{u, d}]; ok != known || c != w || devices[d] != w {
				t.Fatalf("%s %s is at %v %v and %v, want %v", u, d, c, ok, devices[d], w)
			}
		}
		for _, k := range []string{"k1", "k2"} {
			r, ok := p.FindKey(u, k)
			if w, known := p.keys[name{u, k}]; ok != known || !r.Saved.Equal(w.Saved) || cmp.Diff(w, r, cmp.Comparer(time.Time.Equal)) != "" {
				t.Fatalf("key %s of %s is %+v, want %+v", k, u, r, w)
			}
		}
	}
	p.Users(func(user string, st replay.Standing) bool {
		if st != p.backed.Standing(user) {
			t.Fatalf("%s stands at %+v, want %+v", user, st, p.backed.Standing(user))
		}
		got = append(got, user)
		return true
	})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("users (-want +got):\n%s", diff)
	}
}
