package journal

import (
	"fmt"
	"slices"
	"testing"

	"hubline/internal/logtest"
)

// flips opens copies of fs with one bit changed, at every byte of every file, and
// tells what was said about it.
func flips(t *testing.T, fs *memFS, each func(t *testing.T, j *Journal, l *logtest.Lines, name string, at int)) {
	for _, name := range fs.names() {
		for at := range fs.Files[name].Data {
			c := fs.clone()
			c.Files[name].Data[at] ^= 1 << (at % 8)
			j, l := opened(t, c, Options{SegmentBytes: minSegmentBytes})
			each(t, j, l, name, at)
			j.Close()
		}
	}
}

// After an orderly end one flipped bit loses at most one record, and tells which.
func TestFlippedBitLosesOneRecordAndTells(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 25) // two segments
	j.Close()
	clear := slices.Sorted(func(yield func(int) bool) {
		for i := range preambleSize {
			if i%headSpacing >= headBytes && !yield(i) {
				return
			}
		}
	})
	end := len(fs.Files[fs.names()[1]].Data)
	silent := 0
	flips(t, fs.clone(), func(t *testing.T, j *Journal, l *logtest.Lines, name string, at int) {
		where := fmt.Sprintf("%s at %d: %s", name, at, l.String())
		d := verify(t, j, 1, 25)
		_, unused := slices.BinarySearch(clear, at)
		inMark := name != segmentName(1) && at >= end-frameHead
		switch {
		case unused || at < preambleSize || inMark:
			if len(d) != 0 {
				t.Fatalf("%s: damaged %d", where, d)
			}
			if !unused && l.Count("level") == 0 {
				t.Fatalf("%s: nothing is said", where)
			}
			silent++
		case len(d) != 1 || l.Count("log is damaged") != 1 || j.Stats().Damaged != 1:
			t.Fatalf("%s: damaged %d", where, d)
		}
	})
	if silent == 0 {
		t.Error("heads and marks were not reached")
	}
}

// Without an orderly end nobody can tell a flipped bit in the last commit from a
// torn one: it goes, and that is logged. Everything before is as above.
func TestFlippedBitInTheLastCommitIsLogged(t *testing.T) {
	fs, last, end := written(t, 1, 3, 2)
	_, _, before := written(t, 1, 3)
	fs.Files[segmentName(1)].Data = fs.Files[segmentName(1)].Data[:end]
	flips(t, fs, func(t *testing.T, j *Journal, l *logtest.Lines, _ string, at int) {
		got, damaged := indexes(t, j)
		switch {
		case at < preambleSize:
			if uint64(len(got)) != last || damaged != nil {
				t.Fatalf("at %d: records %d, damaged %d", at, got, damaged)
			}
		case int64(at) < before:
			if len(damaged) != 1 || uint64(len(got)) != last-1 {
				t.Fatalf("at %d: records %d, damaged %d", at, got, damaged)
			}
		default:
			if uint64(len(got)) != last-2 || damaged != nil || l.Count("torn tail was cut off") != 1 {
				t.Fatalf("at %d: records %d, damaged %d: %s", at, got, damaged, l.String())
			}
		}
	})
}

// Both copies of a head gone: a closed segment is lost as a whole; of the newest
// one nobody knows how much it held, so the numbering goes on behind all that
// can have been there.
func TestSegmentWithoutAHead(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 25)
	infos := j.Segments()
	j.Close()
	for i, s := range infos {
		c := fs.clone()
		f := c.Files[segmentName(s.First)]
		f.Data[3]++
		f.Data[headSpacing+9]++
		j, l := opened(t, c, Options{SegmentBytes: minSegmentBytes})
		if i < len(infos)-1 {
			if d := verify(t, j, 1, 25); uint64(len(d)) != s.Last-s.First+1 || j.Segments()[i].Newest != int64(s.Last) {
				t.Errorf("segment %d: damaged %d", i, d)
			}
			continue
		}
		last := j.Last()
		if limit := s.First + uint64(s.Bytes)/frameHead; last < 25 || last > limit || l.Count("head of a segment") != 1 {
			t.Errorf("last is %d, at most %d: %s", last, limit, l.String())
		}
		if j.Segments()[i].Newest != UnknownTime {
			t.Error("age of what is lost is known")
		}
		appendN(t, j, 5)
		got, damaged := indexes(t, j)
		if uint64(len(got)) != s.First-1+5 || uint64(len(damaged)) != last-s.First+1 {
			t.Errorf("records %d, damaged %d", got, damaged)
		}
		j.Close()
		c.Files[segmentName(s.First)].Data = nil // and gone altogether
		again, _ := reopened(t, c, Options{})
		if again.Last() != last+5 {
			t.Errorf("last is %d, want %d", again.Last(), last+5)
		}
	}
}

// A record that holds what looks like records is not taken for them.
func TestRecordsInARecordAreNotFound(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{})
	var fake []byte
	for i := range uint32(10) {
		b := openFrame(nil, 1, []byte("forged"))
		closeFrame(b, 0, i+1, flagBegin|flagEnd)
		fake = append(fake, b...)
	}
	for range 3 {
		if _, err := j.Append(t.Context(), 1, fake); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	fs.Files[segmentName(1)].Data[preambleSize+8]++ // the length of the first
	again, _ := reopened(t, fs, Options{})
	if err := again.Range(1, func(r Record) error {
		if r.Damage == nil && len(r.Data) != len(fake) || r.Damage != nil && r.Index != 1 {
			return fmt.Errorf("%d: %q", r.Index, r.Data)
		}
		return nil
	}); err != nil || again.Last() != 3 {
		t.Fatal(err, again.Last())
	}
}
