package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// active is the segment that is written, and where.
type active struct {
	segment *segment
	file    *handle
	off     int64
	// reserved is where zeros end that were written ahead. Overwriting them costs
	// a sync less than growing the file: the file system has nothing to note.
	reserved int64
	// plain: there was no room to reserve; the rest of the segment does without.
	plain bool
	// limit is where the next segment is begun. It moves when that fails.
	limit  int64
	marked bool // the last thing written is a mark
}

// reserveBytes is how far ahead zeros are written, with the sync of one commit
// in several. More at a time would be rarer and be felt by those who wait for it.
const reserveBytes = 128 << 10

// commitAll is the committer: it alone writes.
func (j *Journal) commitAll() {
	defer close(j.done)
	for {
		j.gather()
		b := j.queue.take()
		if b == nil {
			j.closeErr = j.finish()
			return
		}
		first, err := j.commit(b)
		j.queue.written(b)
		for _, c := range b.calls {
			if err != nil {
				c.done(0, err)
				continue
			}
			c.done(first, nil)
			first += uint64(c.records) //nolint:gosec // a count
		}
		j.queue.reuse(b)
	}
}

// gather lets those who were called back submit again before the next commit is
// begun, as long as that makes it larger: else a commit finds only the quickest
// of them, and the others wait for two. It gives up its turn a few times at most,
// so that somebody who submits without end does not hold up the rest.
func (j *Journal) gather() {
	for n, turns := -1, 0; n < j.queue.records() && turns < maxTurns; turns++ {
		n = j.queue.records()
		runtime.Gosched()
	}
}

// maxTurns is twice what 64 publishers on two cores need.
const maxTurns = 8

// fail stops the journal for good.
func (j *Journal) fail(what string, cause error) error {
	err := fmt.Errorf("%w: %s %s: %w", ErrFailed, what, j.active.segment.name, cause)
	j.broken = err
	j.queue.fail(err)
	j.log.Error("log stopped for good", "file", j.active.segment.name, "err", err)
	return err
}

// commit puts a batch on disk, or leaves no trace of it.
func (j *Journal) commit(b *batch) (first uint64, err error) {
	if j.broken != nil {
		return 0, j.broken
	}
	a := &j.active
	if size := int64(len(b.buf)); a.segment.next > a.segment.first && (b.rotate || a.off+size > a.limit) {
		if err := j.rotate(size, b.rotate); err != nil {
			return 0, err
		}
	}
	if b.rotate {
		return 0, nil
	}
	spots, newest := j.complete(b.buf)
	if err := j.write(b.buf); err != nil {
		return 0, err
	}
	a.marked = false
	first = a.segment.next
	a.segment.grow(spots, first+uint64(b.records), a.off, max(a.reserved, a.off), newest) //nolint:gosec // a count
	j.last.Store(first + uint64(b.records) - 1)                                           //nolint:gosec // a count
	j.commits.Add(1)
	j.records.Add(uint64(b.records)) //nolint:gosec // a count
	return first, nil
}

// complete fills in the heads of the frames of a commit.
func (j *Journal) complete(buf []byte) (spots []spot, newest int64) {
	a := &j.active
	rel := a.segment.next - a.segment.first
	newest = NoTime
	j.spots.spots = j.spots.spots[:0]
	for pos := int64(0); pos < int64(len(buf)); rel++ {
		b := buf[pos:]
		var flags uint32
		if pos == 0 {
			flags = flagBegin
		}
		if int(binary.LittleEndian.Uint32(b[8:]))+frameHead == len(b) {
			flags |= flagEnd
		}
		size, at := closeFrame(b, a.segment.salt, uint32(rel), flags) //nolint:gosec // a segment is below 4 GiB
		j.spots.add(rel, a.off+pos)
		newest = max(newest, at)
		pos += size
	}
	return j.spots.spots, newest
}

// write puts bytes behind what is there and syncs them.
func (j *Journal) write(buf []byte) error {
	a := &j.active
	end := a.off + int64(len(buf))
	n, err := a.file.WriteAt(buf, a.off)
	if err == nil && n < len(buf) {
		err = errShortWrite
	}
	if err != nil {
		return j.undo("write", err)
	}
	j.reserve(end)
	begin := time.Now()
	if err := a.file.Sync(); err != nil {
		// What the machine's memory says now is not what is on disk. Whoever opens the
		// log next must not find records there that were answered with an error.
		_ = a.file.Truncate(a.off) //nolint:errcheck // the disk is not trusted anyway
		return j.fail("sync", err)
	}
	j.syncNanos.Add(uint64(time.Since(begin))) //nolint:gosec // not negative
	a.off = end
	return nil
}

// undo takes back a write that did not succeed. If the disk was full, that is
// all; anything else, or not being able to, is the end.
func (j *Journal) undo(what string, cause error) error {
	a := &j.active
	if !isNoSpace(cause) {
		return j.fail(what, cause)
	}
	if err := a.file.Truncate(a.off); err != nil {
		return j.fail("truncate", fmt.Errorf("%w after %w", err, cause))
	}
	a.reserved = a.off
	if errors.Is(cause, syscall.EFBIG) {
		a.limit = a.off // the next commit goes into a file of its own
	}
	return fmt.Errorf("%w: %w", ErrNoSpace, cause)
}

// reserve writes zeros behind end, if those that were there are used up. It is
// only for speed: if it fails, the disk is nearly full, and does without.
func (j *Journal) reserve(end int64) {
	a := &j.active
	to := min(end+reserveBytes, a.limit)
	if a.plain || end <= a.reserved || to <= end {
		return
	}
	n, err := a.file.WriteAt(zeros[:to-end], end)
	if err != nil || int64(n) < to-end {
		a.plain = true
		_ = a.file.Truncate(end) //nolint:errcheck // zeros are in nobody's way
		return
	}
	a.reserved = to
}

var zeros [reserveBytes]byte
