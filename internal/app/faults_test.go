package app

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hubline/broker"
	"hubline/internal/disktest"
	"hubline/replay"
	"hubline/replay/journal"
	"hubline/replay/ledger"
)

// faultyFS is a disk for tests, as the journal wants it.
type faultyFS struct{ *disktest.FS }

func (fs faultyFS) OpenFile(name string, flag int, perm os.FileMode) (journal.File, error) {
	f, err := fs.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// onDisk is a broker whose log is on a disk for tests.
type onDisk struct {
	*broker.Broker

	t      *testing.T
	dir    string
	fs     faultyFS
	ledger *ledger.Ledger
}

func (d *onDisk) open() {
	d.t.Helper()
	l, err := ledger.Open(d.dir, ledger.Options{Journal: journal.Options{FS: d.fs}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.ledger = l
	d.Broker = broker.New(broker.Config{Ledger: disk{l}}, replay.NewStore(replay.Config{Backing: l}))
}

func (d *onDisk) close() {
	d.Close()
	_ = d.ledger.Close()
}

func (d *onDisk) publish(id string) (broker.Receipt, error) {
	ev := &replay.Event{ID: id, IDGiven: true, Type: "t", Time: time.Now().UnixMilli(), Data: []byte(`"` + id + `"`)}
	return d.Publish("ann", ev, broker.Key{})
}

// ids are those of all that can be read of the user's log.
func (d *onDisk) ids() (ids []string) {
	entries, _ := d.Store().Read("ann", 0, make([]replay.Entry, 0, 100), 1<<20, nil)
	for _, e := range entries {
		if e.Lost != nil {
			d.t.Errorf("lost is %+v", *e.Lost)
			continue
		}
		ids = append(ids, e.Event.ID)
	}
	return ids
}

// A write that comes short, a full disk, a sync that fails: publishers are told which,
// readers read on, nothing of what was refused is ever there, and a sync that has failed
// is not tried again, even when the disk is well.
func TestFaultsUnderARunningServer(t *testing.T) {
	tests := []struct {
		name, op string
		cause    error // nil comes short without one
		want     error
		forGood  bool
	}{
		{"short write", "write", nil, broker.ErrNoSpace, false},
		{"no space", "write", syscall.ENOSPC, broker.ErrNoSpace, false},
		{"over the quota", "write", syscall.EDQUOT, broker.ErrNoSpace, false},
		{"write error", "write", syscall.EIO, broker.ErrLog, true},
		{"sync error", "sync", syscall.EIO, broker.ErrLog, true},
		{"no space at a sync", "sync", syscall.ENOSPC, broker.ErrLog, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &onDisk{t: t, dir: t.TempDir(), fs: faultyFS{disktest.New()}}
			d.open()
			defer func() { d.close() }()
			want := []string{"a", "b"}
			for _, id := range want {
				if _, err := d.publish(id); err != nil {
					t.Fatal(err)
				}
			}
			var asked atomic.Int32
			d.fs.On(func(op, _ string, n int) (int, error) {
				if op != tt.op {
					return n, nil
				}
				asked.Add(1)
				return n / 2, tt.cause
			})
			for i := range 3 {
				if _, err := d.publish(fmt.Sprint("refused", i)); !errors.Is(err, tt.want) {
					t.Errorf("publish %d: %v", i, err)
				}
			}
			if n := asked.Load(); tt.forGood && n != 1 {
				t.Errorf("%s was tried %d times", tt.op, n)
			}
			if got := d.ids(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("meanwhile there is %v", got)
			}
			d.fs.On(nil)
			r, err := d.publish("c")
			switch {
			case tt.forGood && !errors.Is(err, broker.ErrLog), !tt.forGood && (err != nil || r.Cursor.Seq != 3):
				t.Errorf("when the disk is well again: %+v, %v", r, err)
			case err == nil:
				want = append(want, "c")
			}
			d.close()
			d.open() // another process
			if got := d.ids(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("after a restart there is %v", got)
			}
			if r, err := d.publish("d"); err != nil || r.Cursor.Seq != uint64(len(want)+1) {
				t.Errorf("after a restart: %+v, %v", r, err)
			}
			if st := d.ledger.Stats(); st.Damaged != 0 || st.EpochChanges != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}
