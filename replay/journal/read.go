package journal

import (
	"fmt"
	"slices"
	"sync"
)

// reader is the buffer of one Read.
type reader struct{ s scanner }

var readers = sync.Pool{New: func() any { return new(reader) }}

// maxReaderBytes: a buffer that one large record has grown is not kept.
const maxReaderBytes = 64 << 10

// Read appends the record of an index to dst and returns it. Errors:
// ErrNotFound, a *CorruptError (ErrCorrupt), ErrClosed, or one of the file
// system. The first Read of a segment that was closed before Open looks through
// all of it, unless Range did.
func (j *Journal) Read(index uint64, dst []byte) ([]byte, error) {
	s := j.find(index)
	if s == nil {
		return dst, ErrNotFound
	}
	h, err := j.acquire(s)
	if err != nil {
		return dst, err
	}
	defer j.files.release(h)
	if err := j.index(s, h); err != nil {
		return dst, err
	}
	if d := s.damaged(index); d != nil {
		return dst, d
	}
	rel := index - s.first
	from, until := s.place(rel)
	r := readers.Get().(*reader) //nolint:errcheck // nothing else is in it
	defer r.free()
	_, end := s.bounds()
	r.s = scanner{
		w:    window{r: h, end: end, step: until - int64(from.off), buf: r.s.w.buf[:0]},
		salt: s.salt, off: int64(from.off), rel: uint64(from.rel), skip: rel,
	}
	if err := r.s.hop(); err != nil {
		return dst, fmt.Errorf("journal: read %s: %w", s.name, err)
	}
	for {
		it, err := r.s.next()
		switch {
		case err != nil:
			return dst, fmt.Errorf("journal: read %s: %w", s.name, err)
		case it.kind == kindEnd:
			it.to = rel + 1
			return dst, j.report(s, it)
		case it.kind == kindDamaged && it.to > rel:
			return dst, j.report(s, it)
		case it.kind == kindRecord && it.rel == rel:
			return append(dst, it.data...), nil
		}
	}
}

func (r *reader) free() {
	r.s.w.r = nil
	if cap(r.s.w.buf) <= maxReaderBytes {
		readers.Put(r)
	}
}

// find returns the segment of an index that is on disk, or nil.
func (j *Journal) find(index uint64) *segment {
	if index == 0 || index > j.Last() {
		return nil
	}
	segments := *j.segments.Load()
	i, found := slices.BinarySearchFunc(segments, index, func(s *segment, index uint64) int {
		switch {
		case s.first > index:
			return 1
		case s.first < index:
			return -1
		}
		return 0
	})
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return segments[i]
}

// acquire opens a segment for a reader.
func (j *Journal) acquire(s *segment) (*handle, error) {
	if j.closed.Load() {
		return nil, ErrClosed
	}
	h, err := j.files.acquire(s)
	if err == nil || err == ErrNotFound || err == ErrClosed { //nolint:errorlint // of ours, not wrapped
		return h, err
	}
	return nil, fmt.Errorf("journal: read %s: %w", s.name, err)
}

// index looks through a closed segment, once.
func (j *Journal) index(s *segment, h *handle) error {
	s.mu.Lock()
	indexed := s.indexed
	s.mu.Unlock()
	if indexed {
		return nil
	}
	return j.walk(s, h, s.first, func(Record) error { return nil })
}
