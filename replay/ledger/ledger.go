package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"hubline/replay"
	"hubline/replay/journal"
)

// Ledger is an open log with its table. See the package comment for who may call
// what.
type Ledger struct {
	opts    Options
	log     *slog.Logger
	journal *journal.Journal
	table   *table

	// writeMu is held to write to the log, so that SaveCursors may also come from
	// another goroutine than Append; only Next loses its meaning then.
	writeMu sync.Mutex
	buf     []byte
	records [][]byte
	restating

	// tableMu is held to change the table: by one checkpoint or retention at a time.
	tableMu    sync.Mutex
	usersFrom  []byte // where the next look for users to forget begins
	cursorFrom []byte
	rotated    int64 // when the segment that was being written was last dropped
	restatedAt int64 // when facts were last to be said again because of their age

	mu sync.Mutex
	layers
	meta       meta
	dirty      bool // meta has changed since the last checkpoint
	last       uint64
	events     uint64 // index of the newest record of an event
	pending    []pending
	many       int   // pending entries that make it worth looking which are not
	now        int64 // of the last batch, Unix milliseconds
	fresh      uint32
	freshMade  bool
	tableErr   error // of the last checkpoint
	badRecords map[uint64]struct{}

	damaged, changed atomic.Uint64

	restateWanted atomic.Bool // facts are to be said again
	restateFull   atomic.Bool // there was no space for it

	wake       chan struct{}
	stop, done chan struct{}
	closing    sync.Once
}

var _ replay.Backing = (*Ledger)(nil)

// Open opens the ledger in a directory, which it makes if need be, and reads the
// log. Another process gets journal.ErrLocked. Damage is no error: it is logged, and
// epochs change, see the package comment.
func Open(dir string, o Options) (*Ledger, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the directory is the caller's choice
		return nil, fmt.Errorf("ledger: %w", err)
	}
	j, err := journal.Open(filepath.Join(dir, "journal"), o.Journal)
	if err != nil {
		return nil, err
	}
	t, m, lost, err := openTable(filepath.Join(dir, "state.db"), o.noSync)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	l := &Ledger{
		opts: o, log: o.Logger, journal: j, table: t, meta: m, layers: layers{active: newOverlay()},
		many: manyPending, badRecords: map[uint64]struct{}{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if lost {
		l.damaged.Add(1)
		l.log.Error("table was damaged and was put aside")
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, t.close(), j.Close())
	}
	// Ends when Close closes stop.
	go l.run()
	return l, nil
}

// Close writes a last checkpoint and closes the files. Nothing is lost if that
// fails: the next Open has more to read. Nobody may write meanwhile, and readers
// find nothing afterwards.
func (l *Ledger) Close() (err error) {
	l.closing.Do(func() {
		close(l.stop)
		<-l.done
		err = errors.Join(l.Checkpoint(), l.table.close(), l.journal.Close())
	})
	return err
}

// Stats is a snapshot for metrics. Counters are since Open.
type Stats struct {
	Users       uint64 // in the table
	Bytes       int64  // of the log
	First, Last uint64 // indexes in the log
	Lag         uint64 // records that the table does not contain yet
	Waiting     int    // changes in memory that wait for the table

	Damaged      uint64 // records and rows that could not be read
	EpochChanges uint64 // users whose epoch had to change; everybody's counts once
	TableErr     error  // why the last checkpoint failed, or nil

	Journal journal.Stats
}

// Stats returns the ledger's gauges and counters.
func (l *Ledger) Stats() Stats {
	st := Stats{
		Bytes: l.journal.Size(), First: l.journal.First(), Last: l.journal.Last(),
		Damaged: l.damaged.Load(), EpochChanges: l.changed.Load(), Journal: l.journal.Stats(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	st.Users, st.Waiting, st.TableErr = l.meta.users, l.active.size()+l.writing.size(), l.tableErr
	if st.Last > l.meta.index {
		st.Lag = st.Last - l.meta.index
	}
	return st
}

// Size is the bytes of the log on disk.
func (l *Ledger) Size() int64 { return l.journal.Size() }

// Err returns nil, or why nothing can be written any more: see journal.Journal.Err.
func (l *Ledger) Err() error { return l.journal.Err() }

// write puts records on disk.
func (l *Ledger) write(at int64) (first uint64, err error) {
	first, err = l.journal.Append(context.Background(), at, l.records...)
	clear(l.records)
	l.records = l.records[:0]
	if l.buf = l.buf[:0]; cap(l.buf) > maxSpareBytes {
		l.buf = nil
	}
	return first, err
}

// maxSpareBytes: a buffer that one large batch has grown is not kept.
const maxSpareBytes = 4 << 20
