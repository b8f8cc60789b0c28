package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Open opens the journal in dir, which it makes if need be, and takes it for
// itself: another process gets ErrLocked. The newest segment is read through: a
// commit that did not finish is cut off and logged, damage before it is logged
// and counted. Other segments are looked at when they are first read; Range
// from First looks at all. Open takes as long as reading one segment.
func Open(dir string, o Options) (*Journal, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the directory is the caller's choice
		return nil, fmt.Errorf("journal: %w", err)
	}
	locked, err := lock(dir)
	if err != nil {
		return nil, err
	}
	j := newJournal(dir, o.withDefaults(), locked)
	if err := j.load(); err != nil {
		j.files.closeAll()
		return nil, errors.Join(fmt.Errorf("journal: open %s: %w", dir, err), locked.Close())
	}
	j.start()
	return j, nil
}

// load finds the segments and makes the newest ready to be written.
func (j *Journal) load() error {
	firsts, err := j.list()
	if err != nil {
		return err
	}
	segments := make([]*segment, len(firsts))
	for i, first := range firsts {
		s := &segment{name: segmentName(first), first: first, newest: UnknownTime}
		before, err := j.loadHead(s)
		if err != nil {
			return err
		}
		if segments[i] = s; i > 0 && !s.headless {
			segments[i-1].newest = before
		}
		if i > 0 {
			segments[i-1].next = first
		}
		if i == len(firsts)-1 && !s.headless {
			s.newest = before
		}
	}
	j.segments.Store(&segments)
	if len(segments) == 0 {
		return j.create(1, NoTime)
	}
	last := segments[len(segments)-1]
	if last.headless {
		return j.abandon(last)
	}
	return j.resume(last)
}

// list returns what segments there are, in order, and removes what a creation
// left that did not finish.
func (j *Journal) list() ([]uint64, error) {
	names, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, name := range names {
		if first, ok := parseName(name); ok {
			firsts = append(firsts, first)
		} else if base, ok := strings.CutSuffix(name, tmpSuffix); ok {
			if _, ok := parseName(base); ok {
				if err := j.fs.Remove(filepath.Join(j.dir, name)); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// loadHead reads the head and the size of a segment.
func (j *Journal) loadHead(s *segment) (newestBefore int64, err error) {
	h, err := j.files.acquire(s)
	if err != nil {
		return 0, err
	}
	defer j.files.release(h)
	if s.size, err = h.Size(); err != nil {
		return 0, err
	}
	w := window{r: h, end: s.size, step: preambleSize}
	b, err := w.at(0, preambleSize)
	if err != nil {
		return 0, err
	}
	s.end = s.size
	hd, copies := parseHead(b, s.first)
	if copies < 2 {
		j.log.Warn("head of a segment is damaged", "file", s.name, "copies_left", copies)
		j.damaged.Add(1)
	}
	s.salt, s.headless = hd.salt, copies == 0
	return hd.newestBefore, nil
}

// abandon closes a newest segment that nobody can read, and begins another one
// behind all that can have stood there.
func (j *Journal) abandon(s *segment) error {
	frames := max(0, s.size-preambleSize) / frameHead
	s.next = s.first + max(1, uint64(frames)) //nolint:gosec // not negative
	return j.create(s.next, NoTime)
}

// resume makes the newest segment ready to be written. What is read is synced
// first: it may have come from the memory of the machine alone, and nobody may
// see what a power loss could take back.
func (j *Journal) resume(s *segment) error {
	f, err := j.fs.OpenFile(filepath.Join(j.dir, s.name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	j.files.drop(s)
	h := j.files.add(s, f)
	t, err := settle(&scanner{w: window{r: h, end: s.size}, salt: s.salt, off: preambleSize})
	if err != nil {
		return err
	}
	if t.torn > 0 {
		j.log.Warn("torn tail was cut off", "file", s.name, "offset", t.off, "bytes", t.torn, "index", s.first+t.rel)
	}
	if t.off < s.size {
		if err := h.Truncate(t.off); err != nil {
			return err
		}
	}
	if err := errors.Join(h.Sync(), j.fs.SyncDir(j.dir)); err != nil {
		return err
	}
	s.next, s.end, s.size, s.indexed, s.spots = s.first+t.rel, t.off, t.off, true, t.spots
	if t.any {
		s.newest = max(s.newest, t.newest)
	}
	for _, it := range t.damage {
		_ = j.report(s, it) //nolint:errcheck // it is what is reported
	}
	j.active = active{segment: s, file: h, off: t.off, reserved: t.off, limit: j.opts.SegmentBytes, marked: t.marked}
	j.spots.block = -1
	return nil
}
