package journal

import "fmt"

// Record is what Range passes.
type Record struct {
	// Index is that of the record, or the first that is damaged.
	Index uint64
	// At is the time it was submitted with.
	At int64
	// Data is the record, until the function returns.
	Data []byte
	// Damage is nil, or tells which records, from Index on, cannot be read.
	Damage *CorruptError
}

// Range calls each for every record from an index on that was on disk when Range
// began, in order; what is damaged is passed too, one place at a time, and
// reading goes on behind it. It begins with First if from is before it, and
// passes over what DropBefore removes meanwhile. It stops at the first error of
// each and returns it; other errors are ErrClosed and those of the file system.
func (j *Journal) Range(from uint64, each func(Record) error) error {
	last := j.Last()
	for _, s := range *j.segments.Load() {
		next, _ := s.bounds()
		if next <= from || s.first > last {
			continue
		}
		h, err := j.acquire(s)
		if err == ErrNotFound { //nolint:errorlint // of ours, not wrapped
			continue
		}
		if err != nil {
			return err
		}
		err = j.walk(s, h, max(from, s.first), each)
		j.files.release(h)
		if err != nil {
			return err
		}
	}
	return nil
}

// walk calls each for what is in a segment from an index on. If the segment has
// no spots yet and all of it is walked through, it has afterwards.
func (j *Journal) walk(s *segment, h *handle, from uint64, each func(Record) error) error {
	next, end := s.bounds()
	if s.headless {
		d := j.report(s, item{off: 0, rel: 0, to: next - s.first})
		return each(Record{Index: from, Damage: d})
	}
	want, until := from-s.first, next-s.first
	start, _ := s.place(want)
	sc := scanner{w: window{r: h, end: end}, salt: s.salt, off: int64(start.off), rel: uint64(start.rel), skip: want}
	sp := spotter{block: -1}
	for sc.rel < until {
		it, err := sc.next()
		if err != nil {
			return fmt.Errorf("journal: read %s: %w", s.name, err)
		}
		if it.kind == kindEnd {
			it.kind, it.to = kindDamaged, until
			sc.rel = until
		}
		it.to = min(it.to, until)
		sp.item(it)
		if it.kind == kindMark {
			continue
		}
		r := Record{Index: s.first + it.rel, At: it.at, Data: it.data}
		if it.kind == kindDamaged {
			r.Damage = j.report(s, it)
			r.Index = max(r.Index, from)
		}
		if it.to <= want || it.to == it.rel {
			continue // before what was asked for, or damage that holds no record
		}
		if err := each(r); err != nil {
			return err
		}
	}
	if start.off == preambleSize {
		s.adopt(sp.spots)
	}
	return nil
}
