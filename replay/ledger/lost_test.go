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
			if f.Epoch() == base || f.Stats().EpochChanges != 1 || f.Count("epochs of all users change") != 1 {
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

// A segment that is gone is damage to those who had events in it, unless it was the
// oldest: these are gone for everybody, and readers are told so.
func TestLostSegment(t *testing.T) {
	for nth, want := range []bool{true, false} {
		f := newFixture(t, Options{Journal: tiny})
		f.story()
		before := f.stands()
		must(t, f.Close())
		must(t, os.Remove(f.files()[nth]))
		for range 2 {
			f.open()
			for _, user := range crowd {
				texts, why := f.events(user)
				st, _ := f.Find(user)
				if same := st.Epoch == before[user].Epoch; same != want || st.Head != before[user].Head || why != replay.Evicted {
					t.Errorf("segment %d: %s has %d events (%s), stands at %+v, before %+v", nth, user, len(texts), why, st, before[user])
				}
			}
			must(t, f.Close())
		}
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
	// One is bob's and one that of new users: the name in a damaged row may be another.
	if st := f.Stats(); st.Damaged != 2 || st.EpochChanges != 2 {
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
