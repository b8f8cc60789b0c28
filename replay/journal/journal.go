package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Journal is an open log. All methods may be called concurrently. See the
// package comment for what may be called under a lock and what from a callback.
type Journal struct {
	opts   Options
	dir    string
	fs     FS
	log    *slog.Logger
	files  files
	locked *os.File

	// segments is oldest first, never empty once open. The slice is replaced, not
	// changed; listMu is held to replace it.
	segments atomic.Pointer[[]*segment]
	listMu   sync.Mutex
	dropMu   sync.Mutex // one DropBefore at a time

	queue queue
	last  atomic.Uint64 // index of the newest record on disk

	// Owned by the committer once it runs.
	active active
	spots  spotter // of the commit under way
	broken error   // the permanent failure

	done     chan struct{} // closed when the committer has ended
	closeErr error         // of the committer, before done is closed
	closed   atomic.Bool

	commits, records, syncNanos, damaged atomic.Uint64
}

func newJournal(dir string, o Options, locked *os.File) *Journal {
	j := &Journal{
		opts: o, dir: dir, fs: o.FS, log: o.Logger, locked: locked, done: make(chan struct{}),
		files: files{fs: o.FS, dir: dir, log: o.Logger, open: map[*segment]*handle{}},
	}
	j.queue.init(o)
	return j
}

// start runs the committer.
func (j *Journal) start() {
	j.last.Store(j.active.segment.next - 1)
	// Ends when Close has been called and what had been submitted is written.
	go j.commitAll()
}

// Close writes what has been submitted, calls the callbacks of it, and gives up
// the directory. It returns what kept it from leaving an orderly end; nothing
// acknowledged is lost by that. It waits for the callbacks, so it must not be
// called from one, nor under a lock that one takes. Later calls return nil.
func (j *Journal) Close() error {
	if !j.queue.close() {
		<-j.done
		return nil
	}
	<-j.done
	j.closed.Store(true)
	j.files.closeAll()
	if err := errors.Join(j.closeErr, j.locked.Close()); err != nil {
		return fmt.Errorf("journal: close %s: %w", j.dir, err)
	}
	return nil
}

// Err returns nil, or what Submit returns for ever: ErrClosed, or ErrFailed with
// its cause.
func (j *Journal) Err() error { return j.queue.err() }

// First returns the index of the oldest record that DropBefore has left; it is
// Last+1 if there is none. The record may be damaged.
func (j *Journal) First() uint64 { return (*j.segments.Load())[0].first }

// Last returns the index of the newest record on disk; zero if there never was
// one.
func (j *Journal) Last() uint64 { return j.last.Load() }

// Size returns the bytes of the files, with up to 128 KiB that is reserved for what
// comes next.
func (j *Journal) Size() int64 {
	var n int64
	for _, s := range *j.segments.Load() {
		n += s.info().Bytes
	}
	return n
}

// Segments returns what there is, oldest first: for retention, which can drop
// only whole segments. The last one is being written.
func (j *Journal) Segments() []SegmentInfo {
	segments := *j.segments.Load()
	infos := make([]SegmentInfo, len(segments))
	for i, s := range segments {
		infos[i] = s.info()
	}
	return infos
}

// Stats are counts since Open.
type Stats struct {
	// Commits, Records and SyncTime are of those on disk. SyncTime is what commits
	// waited for the disk, writing not included.
	Commits, Records uint64
	SyncTime         time.Duration
	// Waiting is the bytes submitted and not yet written. Full is how many
	// submissions were refused because of that.
	Waiting int64
	Full    uint64
	// Damaged is how many damaged places were found.
	Damaged uint64
}

// Stats returns the counts.
func (j *Journal) Stats() Stats {
	s := Stats{
		Commits: j.commits.Load(), Records: j.records.Load(), Damaged: j.damaged.Load(),
		SyncTime: time.Duration(j.syncNanos.Load()), //nolint:gosec // 292 years
	}
	s.Waiting, s.Full = j.queue.stats()
	return s
}

// report remembers, counts and logs what a scanner found damaged, once, and
// returns it.
func (j *Journal) report(s *segment, it item) *CorruptError {
	d := s.damageAt(it.off, it.rel, it.to)
	if s.note(d) {
		j.damaged.Add(1)
		j.log.Error("log is damaged", "file", d.File, "offset", d.Offset, "first", d.First, "last", d.Last)
	}
	return d
}
