package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// window is a part of a file in memory that moves forward.
type window struct {
	r    io.ReaderAt
	end  int64 // of what may be read, offset in the file
	step int64 // how much is read at a time; zero means readAhead
	buf  []byte
	base int64 // offset of buf
}

// readAhead is enough that calls do not count, and little enough to stay in the
// processor's cache until it is checked.
const readAhead = 256 << 10

// at returns n bytes from off on, or what there is. They are valid until the next
// call.
func (w *window) at(off, n int64) ([]byte, error) {
	n = min(n, w.end-off)
	if n <= 0 {
		return nil, nil
	}
	if off < w.base || off+n > w.base+int64(len(w.buf)) {
		step := w.step
		if step == 0 {
			step = readAhead
		}
		want := min(max(n, step), w.end-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		got, err := w.r.ReadAt(w.buf[:want], off)
		if err != nil && !errors.Is(err, io.EOF) {
			w.buf = w.buf[:0]
			return nil, err
		}
		w.buf, w.base = w.buf[:got], off // a file that is shorter than it was ends here
		n = min(n, int64(got))
	}
	return w.buf[off-w.base:][:n], nil
}

// kind is what a scanner found.
type kind int

const (
	kindRecord kind = iota // whole
	kindMark
	kindDamaged // records rel up to, not including, to; none if only a mark is gone
	kindEnd     // nothing more that could be read; to is rel
)

// item is one thing in a segment.
type item struct {
	kind  kind
	frame // for a damaged one only if headOK
	// headOK: the record is damaged but its head is not.
	headOK  bool
	off     int64 // where it begins
	rel, to uint64
	data    []byte // until the next call
}

// scanner reads a segment's frames in order and goes on behind what is damaged:
// by the length in the head if that is whole, else at the next place where a
// head is. It is the one parser of segments.
type scanner struct {
	w    window
	salt uint32
	off  int64  // of what comes next
	rel  uint64 // index of what comes next, counted like frame.rel
	skip uint64 // records before this one are passed over unread
}

// next returns the next item. After kindEnd, or an error of the file, it must
// not be called again.
func (s *scanner) next() (item, error) {
	f, ok, err := s.head()
	switch {
	case err != nil:
		return item{}, err
	case ok:
		return s.take(f)
	}
	return s.search()
}

// head returns the head that stands next. It reports false if there is none that is
// whole and of the frame that belongs there.
func (s *scanner) head() (f frame, ok bool, err error) {
	b, err := s.w.at(s.off, frameHead)
	if err != nil || len(b) < frameHead {
		return frame{}, false, err
	}
	f, ok = parseFrame(b, s.salt)
	return f, ok && uint64(f.rel) == s.rel && s.off+frameHead+f.len <= s.w.end, nil
}

// hop passes over what next would pass over unread, as long as the heads are whole.
func (s *scanner) hop() error {
	for s.rel < s.skip {
		f, ok, err := s.head()
		if err != nil || !ok {
			return err
		}
		s.off += frameHead + f.len
		if !f.mark {
			s.rel++
		}
	}
	return nil
}

// take returns the item whose head was found at off.
func (s *scanner) take(f frame) (item, error) {
	it := item{kind: kindRecord, frame: f, headOK: true, off: s.off, rel: s.rel, to: s.rel + 1}
	switch {
	case f.mark:
		it.kind, it.to = kindMark, s.rel
	case s.rel >= s.skip:
		b, err := s.w.at(s.off+frameHead, f.len)
		if err != nil {
			return item{}, err
		}
		if int64(len(b)) < f.len { // the file has become shorter
			return item{kind: kindEnd, off: s.off, rel: s.rel, to: s.rel}, nil
		}
		it.data = b
		if crc32.Update(s.salt, castagnoli, b) != f.sum {
			it.kind, it.data = kindDamaged, nil
		}
	}
	s.off, s.rel = s.off+frameHead+f.len, it.to
	return it, nil
}

// search looks for the next place that is the head of this index or a later one.
// How many records can have stood in the bytes that are passed over limits which
// indexes are believed.
func (s *scanner) search() (item, error) {
	for off := s.off + 1; ; off++ {
		b, err := s.w.at(off, frameHead)
		if err != nil {
			return item{}, err
		}
		if len(b) < frameHead {
			return item{kind: kindEnd, off: s.off, rel: s.rel, to: s.rel}, nil
		}
		rel := uint64(binary.LittleEndian.Uint32(b[12:]))
		if rel < s.rel || rel-s.rel > uint64(off-s.off)/frameHead { //nolint:gosec // off is past s.off
			continue
		}
		if f, ok := parseFrame(b, s.salt); ok && off+frameHead+f.len <= s.w.end {
			it := item{kind: kindDamaged, off: s.off, rel: s.rel, to: rel}
			s.off, s.rel = off, rel
			return it, nil
		}
	}
}

// lastNonZero returns the offset behind the last byte from off on that is not
// zero, or off.
func (w *window) lastNonZero(off int64) (int64, error) {
	last := off
	for off < w.end {
		b, err := w.at(off, min(readAhead, w.end-off))
		if err != nil || len(b) == 0 {
			return last, err
		}
		for i, c := range slices.Backward(b) {
			if c != 0 {
				last = off + int64(i) + 1
				break
			}
		}
		off += int64(len(b))
	}
	return last, nil
}
