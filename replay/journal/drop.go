package journal

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Rotate begins a new segment, unless nothing is in the one that is written. It waits for
// what has been submitted before. It must not be called from a callback.
func (j *Journal) Rotate() error {
	j.dropMu.Lock()
	defer j.dropMu.Unlock()
	return j.beginSegment()
}

// DropBefore gives the segments back to the file system whose records are all
// before index; an index after Last drops everything, for which a new segment is
// begun. Records before index that share a segment with others stay readable:
// see First. It waits for the file system but not for appends, nor they for it;
// readers of what is dropped finish or get ErrNotFound. It must not be called
// from a callback.
//
// It removes the oldest first and stops at an error, so the log never has a hole.
func (j *Journal) DropBefore(index uint64) error {
	j.dropMu.Lock()
	defer j.dropMu.Unlock()
	if last := j.Last(); last > 0 && index > last {
		if err := j.beginSegment(); err != nil {
			return err
		}
	}
	segments := *j.segments.Load()
	n := 0
	for ; n < len(segments)-1 && segments[n+1].first <= index; n++ {
		if err := j.remove(segments[n]); err != nil {
			return fmt.Errorf("journal: drop: %w", err)
		}
	}
	if n == 0 {
		return nil
	}
	if err := j.fs.SyncDir(j.dir); err != nil {
		return fmt.Errorf("journal: drop: %w", err)
	}
	return nil
}

// beginSegment waits until what has been submitted is in closed segments.
func (j *Journal) beginSegment() error {
	w := waiters.Get().(*waiter) //nolint:errcheck // nothing else is in it
	defer waiters.Put(w)
	if err := j.queue.putRotate(w.done); err != nil {
		return err
	}
	return (<-w.answer).err
}

// remove removes the oldest segment.
func (j *Journal) remove(s *segment) error {
	s.dropped.Store(true)
	if err := j.fs.Remove(filepath.Join(j.dir, s.name)); err != nil {
		s.dropped.Store(false)
		return err
	}
	j.files.drop(s)
	j.listMu.Lock()
	defer j.listMu.Unlock()
	segments := *j.segments.Load()
	if segments[0] != s {
		return errors.New("it is not the oldest")
	}
	segments = segments[1:]
	j.segments.Store(&segments)
	return nil
}
