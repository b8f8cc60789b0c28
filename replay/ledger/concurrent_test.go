package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"hubline/internal/logtest"
	"hubline/replay"
	"hubline/replay/journal"
)

// One writes, many read, checkpoints and retention go on: a reader finds every event
// that was noted, in order, or is told that it is gone.
func TestReadersBesideTheWriter(t *testing.T) {
	f := newFixture(t, Options{
		CheckpointSize: 50, MaxBytes: 12 << 10, Journal: journal.Options{SegmentBytes: 2 << 10}, CheckpointEvery: time.Millisecond,
	})
	const users, events = 8, 160
	user := func(i int) string { return fmt.Sprint("u", i%users) }
	for i := range users {
		f.put("x", user(i))
	}
	var wg sync.WaitGroup
	var stopped atomic.Bool
	readers := []func(i int){
		func(i int) {
			st, ok := f.Find(user(i))
			if !ok || st.Head == 0 {
				t.Errorf("%s is not known", user(i))
			}
			want := st.Head
			f.Load(user(i), st.At, st.Head+1, func(seq uint64, ev *replay.Event) bool {
				if seq != want || string(ev.Data) != fmt.Sprintf("%q", fmt.Sprint("x", user(i), seq)) {
					t.Errorf("%s: %s at %d, want %d", user(i), ev.Data, seq, want)
				}
				want--
				return true
			})
		},
		func(int) {
			seen := map[string]bool{}
			f.Users(func(user string, _ replay.Standing) bool {
				if seen[user] {
					t.Errorf("%s came twice", user)
				}
				seen[user] = true
				return true
			})
			if len(seen) != users {
				t.Errorf("%d users", len(seen))
			}
		},
		func(i int) {
			f.FindKey(user(i), "k")
			for range f.Cursors(user(i)) {
				f.Stats()
			}
		},
		func(int) {
			if err := f.Retain(f.time()); err != nil {
				t.Error(err)
			}
		},
	}
	for n, r := range readers {
		wg.Go(func() {
			for i := n; !stopped.Load(); i++ {
				r(i)
			}
		})
	}
	for i := range events {
		f.put("x", user(i), user(i+1))
		if i%10 == 0 {
			must(t, f.SaveCursors([]DeviceCursor{{User: user(i), Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: uint64(i)}}}))
		}
	}
	stopped.Store(true)
	wg.Wait()
	must(t, f.Checkpoint())
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.Damaged != 0 || st.First == 1 || st.Users != users || f.Count("level=ERROR") != 0 {
		t.Errorf("%+v: %s", st, f.String())
	}
	f.crash()
	total := uint64(0)
	f.Users(func(_ string, st replay.Standing) bool { total += st.Head; return true })
	if total != 2*events+users {
		t.Errorf("%d events, want %d", total, 2*events+users)
	}
}

// A process is killed while it writes, checkpoints and drops: what it had
// acknowledged is there, whole, in the same epoch.
func TestKilledAtAnyMoment(t *testing.T) {
	f := newFixture(t, Options{CheckpointSize: 20, CheckpointEvery: time.Millisecond, Journal: journal.Options{SegmentBytes: 8 << 10}})
	for _, user := range crowd {
		f.put("x", user)
	}
	var stopped atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; i < 2000 && !stopped.Load(); i++ {
			f.put("x", crowd[i%4], crowd[(i+1)%4], crowd[i%3])
		}
	})
	for range 20 {
		before := f.stands()
		g := &fixture{clock: f.clock, Lines: &logtest.Lines{}, t: t, dir: f.image(), opts: f.opts}
		g.opts.Logger = slogTo(g.Lines)
		g.open()
		for _, user := range crowd {
			st, _ := g.Find(user)
			texts, _ := g.events(user)
			if st.Head < before[user].Head || st.Epoch != before[user].Epoch || uint64(len(texts)) != st.Head {
				t.Errorf("%s has %d events, stands at %+v, before %+v", user, len(texts), st, before[user])
			}
		}
		if g.Count("level=ERROR") != 0 {
			t.Error(g.String())
		}
		g.Close()
	}
	stopped.Store(true)
	wg.Wait()
}

// image copies the files of a ledger that is in use, as if at one moment: the table
// as of a transaction, then the log between two commits. What is left of a commit that
// was under way is a matter of the journal.
func (f *fixture) image() string {
	dir := f.t.TempDir()
	must(f.t, os.Mkdir(filepath.Join(dir, "journal"), 0o700))
	must(f.t, f.table.view(func(tx *bolt.Tx) error { return tx.CopyFile(filepath.Join(dir, "state.db"), 0o600) }))
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	for _, name := range f.files() {
		b, err := os.ReadFile(name)
		must(f.t, err)
		must(f.t, os.WriteFile(filepath.Join(dir, "journal", filepath.Base(name)), b, 0o600))
	}
	return dir
}
