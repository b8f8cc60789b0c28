package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hubline/replay"
)

// A table that was cut, anywhere, is noticed when it is opened: it is put aside, the
// events are read from the log, and everybody gets another epoch. Its pages are read
// by way of memory, where what is missing ends a process that does not look first.
func TestTruncatedTable(t *testing.T) {
	f := newFixture(t, Options{})
	users := f.table10()
	before := f.Epoch()
	must(t, f.Close())
	image := f.dir
	info, err := os.Stat(filepath.Join(image, "state.db"))
	must(t, err)
	var sizes []int64
	for size := int64(0); size < info.Size(); size += 4096 {
		sizes = append(sizes, size, size+1, size+4095)
	}
	sizes = append(sizes, 16, 100, info.Size()-1)
	lost := 0
	for _, size := range sizes {
		f.dir = copyDir(t, image)
		must(t, os.Truncate(filepath.Join(f.dir, "state.db"), size))
		f.open()
		// The library gives the file room to grow, which nobody misses.
		if f.Epoch() != before {
			lost++
			if aside, _ := filepath.Glob(filepath.Join(f.dir, "state.db.damaged-*")); len(aside) != 1 && size > 0 {
				t.Errorf("cut to %d: put aside are %v", size, aside)
			}
		}
		for i := range users {
			user := fmt.Sprint("user", i)
			texts, _ := f.events(user)
			if st, ok := f.Find(user); !ok || st.Head != 1 || st.Epoch != f.Epoch() || len(texts) != 1 {
				t.Fatalf("cut to %d: %s stands at %+v with %v", size, user, st, texts)
			}
		}
		f.put("later", "user0")
		f.reopen()
		if st, _ := f.Find("user0"); st.Head != 2 {
			t.Fatalf("cut to %d: afterwards at %+v", size, st)
		}
		must(t, f.Close())
	}
	if lost < len(sizes)/2 {
		t.Errorf("%d of %d were noticed", lost, len(sizes))
	}
}

// table10 fills a table of some pages and returns how many users are in it.
func (f *fixture) table10() int {
	const users = 150
	for i := range users {
		f.put("x", fmt.Sprint("user", i))
	}
	return users
}

// A byte that has changed in the table costs no more than epochs: nobody stands in an
// epoch of before anywhere but where that user stood.
func TestChangedByteInTheTable(t *testing.T) {
	f := newFixture(t, Options{})
	users := f.table10()
	before := map[string]replay.Standing{}
	for i := range users {
		user := fmt.Sprint("user", i)
		before[user], _ = f.Find(user)
	}
	must(t, f.Close())
	image := f.dir
	raw, err := os.ReadFile(filepath.Join(image, "state.db"))
	must(t, err)
	lost := 0
	for at := 0; at < len(raw); at += 211 {
		f.dir = t.TempDir()
		must(t, os.CopyFS(f.dir, os.DirFS(image)))
		raw[at] ^= 0x15
		must(t, os.WriteFile(filepath.Join(f.dir, "state.db"), raw, 0o600))
		raw[at] ^= 0x15
		f.open()
		changed := 0
		for user, was := range before {
			st, _ := f.Find(user)
			if st.Epoch != was.Epoch {
				changed++
			} else if st != was {
				t.Fatalf("byte %d: %s stands at %+v, before %+v", at, user, st, was)
			}
		}
		if changed > 0 {
			lost++
			if f.Stats().Damaged == 0 || f.Count("level=ERROR") == 0 {
				t.Fatalf("byte %d: nothing was said of it: %+v", at, f.Stats())
			}
		}
		must(t, f.Close())
	}
	if lost < 10 {
		t.Errorf("%d changes were noticed", lost)
	}
}

// A table that is cut while it is in use ends nobody's process.
func TestTableIsCutWhileItIsRead(t *testing.T) {
	f := newFixture(t, Options{})
	users := f.table10()
	before := f.Epoch()
	f.reopen()
	must(t, os.Truncate(filepath.Join(f.dir, "state.db"), 8<<10))
	for i := range users {
		user := fmt.Sprint("user", i)
		if st, ok := f.Find(user); !ok || st.Epoch == before {
			t.Fatalf("%s stands at %+v", user, st)
		}
	}
	if f.Stats().Damaged == 0 {
		t.Errorf("%+v", f.Stats())
	}
	for range 2 {
		if err := f.Checkpoint(); !errors.Is(err, errTable) {
			t.Error(err)
		}
	}
	if err := f.Close(); !errors.Is(err, errTable) {
		t.Error(err)
	}
	f.dir = copyDir(t, f.dir) // for another process
	f.open()
	f.put("later", "user0")
}
