package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hubline/internal/logtest"
	"hubline/replay"
)

var crowd = []string{"ann", "bob", "cid", "dan"}

// story fills several segments: events of four users, a broadcast to two of them, and
// cursors that concern nobody's events.
func (f *fixture) story() {
	for i := range 12 {
		f.put("x", crowd[i%4], crowd[(i+1)%3])
		if err := f.SaveCursors([]DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: uint64(i + 1)}}}); err != nil {
			f.t.Fatal(err)
		}
	}
	body := f.Next()
	ev := f.event("")
	entries := []Entry{{Event: ev}}
	stands := map[string]replay.Standing{}
	for i, user := range crowd[:2] {
		st, _ := f.Find(user)
		ev.Data = fmt.Append(ev.Data, user, st.Head+1, " ")
		stands[user] = replay.Standing{Epoch: st.Epoch, Head: st.Head + 1, At: body + 1 + uint64(i)}
		entries = append(entries, Entry{User: user, Epoch: st.Epoch, Seq: st.Head + 1, Prev: st.At, Body: body})
	}
	if _, err := f.Append(entries); err != nil {
		f.t.Fatal(err)
	}
	for user, st := range stands {
		f.Note(user, st)
	}
}

func (f *fixture) stands() map[string]replay.Standing {
	out := map[string]replay.Standing{}
	for _, user := range crowd {
		out[user], _ = f.Find(user)
	}
	return out
}

// flipped is the ledger of an image with one byte changed.
func flipped(t *testing.T, from *fixture, image, file string, off int64) *fixture {
	t.Helper()
	f := &fixture{clock: from.clock, Lines: &logtest.Lines{}, t: t, dir: copyDir(t, image), opts: from.opts}
	f.opts.Logger = slogTo(f.Lines)
	name := filepath.Join(f.dir, "journal", file)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[off] ^= 0x41
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f.open()
	t.Cleanup(func() { f.Close() })
	return f
}

// positions returns places in all segments of an image but, unless all is set, the
// newest.
func positions(t *testing.T, image string, step int64, all bool) (files []string, offs []int64) {
	names, err := filepath.Glob(filepath.Join(image, "journal", "*.log"))
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	if !all {
		names = names[:len(names)-1]
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		for off := int64(128); off < info.Size(); off += step {
			files, offs = append(files, filepath.Base(name)), append(offs, off)
		}
	}
	return files, offs
}

// A changed byte costs what it hit and nothing else: no wrong event is ever handed
// out, who lost one has another epoch, who did not has the same.
func TestDamageIsAnnouncedToThoseItHit(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny})
	f.story()
	before := f.stands()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	image, hit := f.dir, 0
	files, offs := positions(t, image, 37, true)
	for i, file := range files {
		g := flipped(t, f, image, file, offs[i])
		after := g.stands()
		changed := 0
		for _, user := range crowd {
			texts, why := g.events(user)
			whole := uint64(len(texts)) == before[user].Head
			same := after[user].Epoch == before[user].Epoch
			if whole != same || after[user].Head != before[user].Head || !whole && why != replay.Evicted {
				t.Fatalf("%s at %d: %s has %d events of %d (%s), stands at %+v, before %+v",
					file, offs[i], user, len(texts), before[user].Head, why, after[user], before[user])
			}
			if !same {
				changed++
			}
		}
		if st := g.Stats(); st.EpochChanges != uint64(changed) {
			t.Fatalf("%s at %d: %d changed: %+v", file, offs[i], changed, st)
		}
		if changed > 0 {
			hit++
			if g.Count("epochs of users change") != 1 || g.Count("records of the log are lost") == 0 {
				t.Fatalf("%s", g.String())
			}
		}
		// It is dealt with once, and life goes on.
		for range 2 {
			g.put("later", crowd...)
			g.reopen()
		}
		for _, user := range crowd {
			st, _ := g.Find(user)
			if st.Epoch != after[user].Epoch || st.Head != after[user].Head+2 {
				t.Fatalf("%s at %d: %s stands at %+v, before %+v", file, offs[i], user, st, after[user])
			}
			if texts, _ := g.events(user); len(texts) < 2 {
				t.Fatalf("%s has %d events", user, len(texts))
			}
		}
		g.Close()
	}
	if hit < len(files)/2 {
		t.Errorf("only %d of %d hit anybody", hit, len(files))
	}
}

// The same behind a checkpoint, where nobody knows who stood where.
func TestDamageBehindTheCheckpoint(t *testing.T) {
	for _, size := range []int{0, 3} { // with 3, recovery writes checkpoints on its way
		damageBehind(t, size)
	}
}

func damageBehind(t *testing.T, size int) {
	f := newFixture(t, Options{Journal: tiny})
	f.put("x", crowd...)
	if err := f.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	f.story()
	f.put("x", crowd...)
	before := f.stands()
	image := copyDir(t, f.dir)
	f.opts.CheckpointSize = size
	files, offs := positions(t, image, 37, false)
	all, some := 0, 0
	for i, file := range files {
		g := flipped(t, f, image, file, offs[i])
		changed := 0
		for _, user := range crowd {
			st, _ := g.Find(user)
			texts, _ := g.events(user)
			if st.Epoch != before[user].Epoch {
				changed++
			} else if st.Head != before[user].Head || uint64(len(texts)) != st.Head {
				t.Fatalf("%s at %d: %s has %d events and stands at %+v, before %+v", file, offs[i], user, len(texts), st, before[user])
			}
		}
		switch {
		case changed == len(crowd):
			all++
		case changed > 0:
			some++
		}
		g.Close()
	}
	if all == 0 || some == 0 {
		t.Errorf("%d times all, %d times some", all, some)
	}
}
