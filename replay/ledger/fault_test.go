package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"hubline/replay"
	"hubline/replay/journal"
)

// faultFS is the machine's file system, with a fault.
type faultFS struct {
	mu    sync.Mutex
	fault func(op string) error
	calls atomic.Int64
}

func (fs *faultFS) on(fault func(op string) error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.fault = fault
}

func (fs *faultFS) check(op string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.calls.Add(1)
	if fs.fault == nil {
		return nil
	}
	return fs.fault(op)
}

type faultFile struct {
	*os.File
	fs *faultFS
}

func (fs *faultFS) OpenFile(name string, flag int, perm os.FileMode) (journal.File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultFile{f, fs}, nil
}

func (fs *faultFS) Rename(from, to string) error { return os.Rename(from, to) }
func (fs *faultFS) Remove(name string) error     { return os.Remove(name) }
func (fs *faultFS) SyncDir(string) error         { return fs.check("syncdir") }

func (fs *faultFS) ReadDir(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (f faultFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fs.check("write"); err != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], off)
		return n, err
	}
	return f.File.WriteAt(b, off)
}

func (f faultFile) Sync() error { return f.fs.check("sync") }

func (f faultFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Of a batch that was refused nothing is found: no event, no cursor, no key, now or
// after a restart. What was before is there, and what comes after goes on.
func TestRefusedBatchLeavesNothing(t *testing.T) {
	tests := []struct {
		op    string
		cause error
		want  error
		last  bool // nothing is taken any more
	}{
		{"write", syscall.ENOSPC, journal.ErrNoSpace, false},
		{"write", syscall.EIO, journal.ErrFailed, true},
		{"sync", syscall.EIO, journal.ErrFailed, true},
	}
	for _, tt := range tests {
		fs := &faultFS{}
		f := newFixture(t, Options{Journal: journal.Options{FS: fs}})
		f.put("x", "ann", "bob")
		before := f.stands()
		fs.on(func(op string) error {
			if op == tt.op {
				return tt.cause
			}
			return nil
		})
		e := Entry{
			User: "ann", Event: f.event("lost"), Epoch: before["ann"].Epoch, Seq: 2, Prev: before["ann"].At, Keys: []Key{{Name: "k"}},
		}
		if _, err := f.Append([]Entry{e, e}); !errors.Is(err, tt.want) || !errors.Is(err, tt.cause) {
			t.Errorf("%s %v: %v", tt.op, tt.cause, err)
		}
		cursor := DeviceCursor{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: 1}}
		if err := f.SaveCursors([]DeviceCursor{cursor}); !errors.Is(err, tt.want) {
			t.Errorf("%s %v: %v", tt.op, tt.cause, err)
		}
		check := func() {
			t.Helper()
			for _, user := range crowd {
				if st, _ := f.Find(user); st != before[user] {
					t.Errorf("%s %v: %s stands at %+v, before %+v", tt.op, tt.cause, user, st, before[user])
				}
			}
			if texts, _ := f.events("ann"); len(texts) != 1 {
				t.Errorf("%s %v: %v", tt.op, tt.cause, texts)
			}
			_, key := f.FindKey("ann", "k")
			if _, ok := f.FindCursor("ann", "d"); ok || key {
				t.Errorf("%s %v: a key or a cursor is there", tt.op, tt.cause)
			}
		}
		check()
		must(t, f.Checkpoint())
		fs.on(nil)
		if err := f.try("x", "bob"); errors.Is(err, journal.ErrFailed) != tt.last {
			t.Errorf("%s %v: then %v", tt.op, tt.cause, err)
		}
		before["bob"], _ = f.Find("bob")
		if err := f.Err(); errors.Is(err, journal.ErrFailed) != tt.last {
			t.Errorf("%s %v: then %v", tt.op, tt.cause, err)
		}
		check()
		f.crash()
		check()
		f.put("x", "ann")
		if st, _ := f.Find("ann"); st.Head != 2 {
			t.Errorf("%s %v: %+v", tt.op, tt.cause, st)
		}
		if st := f.Stats(); st.Damaged != 0 || st.EpochChanges != 0 {
			t.Errorf("%s %v: %+v", tt.op, tt.cause, st)
		}
	}
}

// A table that cannot be written loses nothing and bounds what waits in memory; when
// it can be again, it catches up.
func TestTableThatCannotBeWritten(t *testing.T) {
	f := newFixture(t, Options{CheckpointSize: 4})
	f.put("x", "ann")
	must(t, f.Checkpoint())
	db := f.table.db
	must(t, db.Close()) // every transaction fails from now on
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = f.try("x", string(rune('a'+n%26))+"x")
	}
	if !errors.Is(err, journal.ErrFull) || f.Stats().Waiting > 3*4*overlayFactor || f.Stats().TableErr == nil {
		t.Errorf("after %d: %v, %+v", n, err, f.Stats())
	}
	if f.Count("checkpoint could not be written") != 1 {
		t.Error(f.String())
	}
	// The next process has it all.
	if err := f.Close(); err == nil {
		t.Error("closing says nothing of it")
	}
	f.open()
	for i := range min(n-1, 26) {
		if st, _ := f.Find(string(rune('a'+i)) + "x"); st.Head == 0 {
			t.Errorf("user %d is lost", i)
		}
	}
	if st := f.Stats(); st.Lag != 0 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}

// A second process is refused, and does not wait for the table.
func TestDirectoryIsLocked(t *testing.T) {
	f := newFixture(t, Options{})
	if _, err := Open(f.dir, Options{}); !errors.Is(err, journal.ErrLocked) {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(f.dir, "state.db", "x"), Options{}); err == nil {
		t.Error("a file is no directory")
	}
}
