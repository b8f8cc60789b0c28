package ledger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

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
	f := &fixture{clock: from.clock, lines: &lines{}, t: t, dir: copyDir(t, image), opts: from.opts}
	f.opts.Logger = slogTo(f.lines)
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
			if g.count("epochs of users change") != 1 || g.count("records of the log are lost") == 0 {
				t.Fatalf("%s", g.b.String())
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

// What nobody can answer for is everybody's: a log whose end is gone, a table that is
// gone or damaged.
func TestWhatIsLostAsAWhole(t *testing.T) {
	tests := map[string]func(f *fixture){
		"table": func(f *fixture) { must(f.t, os.Remove(filepath.Join(f.dir, "state.db"))) },
		"table is no table": func(f *fixture) {
			must(f.t, os.WriteFile(filepath.Join(f.dir, "state.db"), make([]byte, 64<<10), 0o600))
		},
		"meta row": func(f *fixture) { f.spoil(bucketMeta, metaKey) },
		"end of the log": func(f *fixture) {
			names := f.files()
			must(f.t, os.Remove(names[len(names)-1]))
		},
		"log": func(f *fixture) { must(f.t, os.RemoveAll(filepath.Join(f.dir, "journal"))) },
	}
	for what, lose := range tests {
		t.Run(what, func(t *testing.T) {
			f := newFixture(t, Options{Journal: tiny})
			f.story()
			before, base := f.stands(), f.Epoch()
			must(t, f.Close())
			lose(f)
			f.open()
			if f.Epoch() == base || f.Stats().EpochChanges != 1 || f.count("epochs of all users change") != 1 {
				t.Errorf("epoch %s after %s, %+v", f.Epoch(), base, f.Stats())
			}
			for _, user := range crowd {
				if st, _ := f.Find(user); st.Epoch == before[user].Epoch {
					t.Errorf("%s stands at %+v, before %+v", user, st, before[user])
				}
				f.events(user)
			}
			after := f.stands()
			f.put("later", crowd...)
			f.crash()
			for _, user := range crowd {
				if st, _ := f.Find(user); st.Epoch != after[user].Epoch || st.Head != after[user].Head+1 {
					t.Errorf("%s stands at %+v, before %+v", user, st, after[user])
				}
			}
		})
	}
}

// A row that was changed on disk is noticed, and is its user's alone.
func TestDamagedRows(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("x", crowd...)
	must(t, f.SaveCursors([]DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: 1}}}))
	before := f.stands()
	must(t, f.Close())
	f.spoil(bucketUsers, []byte("bob"))
	f.spoil(bucketCursors, name{"ann", "d"}.key())
	f.open()
	for _, user := range crowd {
		st, _ := f.Find(user)
		if same := st == before[user]; same == (user == "bob") {
			t.Errorf("%s stands at %+v, before %+v", user, st, before[user])
		}
	}
	if _, ok := f.FindCursor("ann", "d"); ok {
		t.Error("a damaged cursor was believed")
	}
	if st := f.Stats(); st.Damaged != 2 || st.EpochChanges != 1 {
		t.Errorf("%+v", st)
	}
	after, _ := f.Find("bob")
	f.reopen()
	if st, _ := f.Find("bob"); st != after {
		t.Errorf("%+v, before %+v", st, after)
	}
}

// spoil changes the last byte of a row of a closed table.
func (f *fixture) spoil(bucket, key []byte) {
	f.t.Helper()
	db, err := bolt.Open(filepath.Join(f.dir, "state.db"), 0o600, nil)
	must(f.t, err)
	must(f.t, db.Update(func(tx *bolt.Tx) error {
		row := append([]byte(nil), tx.Bucket(bucket).Get(key)...)
		row[len(row)-1] ^= 1
		return tx.Bucket(bucket).Put(key, row)
	}))
	must(f.t, db.Close())
}

// Above a bound it is not told apart who is affected: everybody is.
func TestManyAreAffected(t *testing.T) {
	for most, all := range map[int]bool{3: true, 4: true, 5: false} {
		f := newFixture(t, Options{maxAffected: most})
		f.put("x", append([]string{"eve"}, crowd...)...)
		body := f.Next()
		entries := []Entry{{Event: f.event("the body")}}
		for _, user := range crowd {
			st, _ := f.Find(user)
			entries = append(entries, Entry{User: user, Epoch: st.Epoch, Seq: 2, Prev: st.At, Body: body})
		}
		_, err := f.Append(entries)
		must(t, err)
		before := f.stands()
		f.put("y", "eve")
		for i, e := range entries[1:] {
			f.Note(e.User, replay.Standing{Epoch: e.Epoch, Head: 2, At: body + 1 + uint64(i)})
		}
		must(t, f.Close())
		raw, err := os.ReadFile(f.files()[0])
		must(t, err)
		g := flipped(t, f, f.dir, filepath.Base(f.files()[0]), int64(bytes.Index(raw, []byte("the body"))))
		for _, user := range crowd {
			if st, _ := g.Find(user); st.Epoch == before[user].Epoch || st.Head != 2 {
				t.Errorf("%s stands at %+v", user, st)
			}
		}
		if eve, _ := g.Find("eve"); (eve.Epoch != before["ann"].Epoch) != all || eve.Head != 2 {
			t.Errorf("with %d: eve stands at %+v", most, eve)
		}
	}
}

// Who waits for a long log to be read is told how far it is.
func TestProgress(t *testing.T) {
	f := newFixture(t, Options{})
	for range 3 {
		f.put("x", slices.Repeat(crowd, 300)...)
	}
	var told []int64
	f.opts.progressEvery = 1
	f.opts.Progress = func(done, total int64) { told = append(told, done, total) }
	f.reopen()
	if got, want := fmt.Sprint(told), "[1024 3600 2048 3600 3072 3600]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
