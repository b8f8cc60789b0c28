package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errUncertain is a creation that may or may not be on disk.
var errUncertain = errors.New("not known to be on disk")

// rotate closes the segment that is written and begins the next, for a commit of
// size bytes. If it cannot, the segment grows on, to at most twice its limit:
// no space is left to the write to find out, and a lack of file descriptors may
// pass. must is for callers who want a new segment or an error.
func (j *Journal) rotate(size int64, must bool) error {
	a, old := &j.active, j.active
	err := j.create(old.segment.next, old.segment.info().Newest)
	if err == nil {
		if err := old.file.Truncate(old.off); err == nil {
			old.segment.grow(nil, old.segment.next, old.off, old.off, NoTime)
		}
		j.files.release(old.file)
		return nil
	}
	switch {
	case errors.Is(err, errUncertain):
		return j.fail("begin a segment after", err)
	case must && isNoSpace(err):
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	case must:
		return fmt.Errorf("journal: begin a segment: %w", err)
	}
	if grown := a.limit + j.opts.SegmentBytes/4; max(grown, a.off+size) <= 2*j.opts.SegmentBytes {
		j.log.Warn("next segment could not be begun, this one grows on", "file", a.segment.name, "err", err)
		a.limit = max(grown, a.off+size)
		return nil
	}
	if isNoSpace(err) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return j.fail("begin a segment after", err)
}

// create makes the segment that begins with index first and makes it the active
// one. It gets its name when its head is on disk, so a file of that name always
// had one.
func (j *Journal) create(first uint64, newestBefore int64) error {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) //nolint:errcheck // it never fails
	hd := head{first: first, salt: binary.LittleEndian.Uint32(salt[:]), newestBefore: newestBefore}
	s := &segment{
		name: segmentName(first), first: first, salt: hd.salt,
		next: first, end: preambleSize, size: preambleSize, newest: newestBefore, indexed: true,
	}
	name := filepath.Join(j.dir, s.name)
	f, err := j.fs.OpenFile(name+tmpSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := j.name(f, hd, name); err != nil {
		return errors.Join(err, f.Close())
	}
	j.listMu.Lock()
	var segments []*segment
	if p := j.segments.Load(); p != nil {
		segments = append(segments, *p...)
	}
	segments = append(segments, s)
	j.segments.Store(&segments)
	j.listMu.Unlock()
	j.active = active{
		segment: s, file: j.files.add(s, f), off: preambleSize, reserved: preambleSize, limit: j.opts.SegmentBytes,
	}
	j.spots.block = -1
	return nil
}

// name writes a head and gives the file its name.
func (j *Journal) name(f File, hd head, name string) error {
	b := make([]byte, preambleSize)
	hd.put(b)
	n, err := f.WriteAt(b, 0)
	if err == nil && n < len(b) {
		err = errShortWrite
	}
	synced := true
	if err == nil {
		if err = f.Sync(); err != nil {
			synced = false
		}
	}
	if err == nil {
		if err = j.fs.Rename(name+tmpSuffix, name); err == nil {
			if err = j.fs.SyncDir(j.dir); err == nil {
				return nil
			}
			return fmt.Errorf("%w: %w", errUncertain, err)
		}
	}
	if e := j.fs.Remove(name + tmpSuffix); e != nil {
		j.log.Warn("unfinished segment could not be removed", "err", e)
	}
	if !synced {
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	return err
}

// finish ends the log in an orderly way: with a mark that proves the last
// commit, and without the zeros behind it.
func (j *Journal) finish() error {
	a := &j.active
	defer j.files.release(a.file)
	if j.broken != nil {
		return nil // said when it happened
	}
	if !a.marked && a.off > preambleSize {
		mark := openFrame(nil, 0, nil)
		rel := uint32(a.segment.next - a.segment.first) //nolint:gosec // a segment is below 4 GiB
		closeFrame(mark, a.segment.salt, rel, flagMark|flagBegin|flagEnd)
		a.plain = true // reserve no more
		if err := j.write(mark); err != nil {
			return err
		}
	}
	if err := a.file.Truncate(a.off); err != nil {
		return err
	}
	return a.file.Sync()
}
