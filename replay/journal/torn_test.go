package journal

import (
	"bytes"
	"fmt"
	"testing"
)

// written is a journal's files as they are while it runs, and how many bytes of
// the newest are committed.
func written(t *testing.T, commits ...int) (fs *memFS, last uint64, end int64) {
	t.Helper()
	live := newMemFS()
	j, _ := opened(t, live, Options{SegmentBytes: minSegmentBytes})
	for _, n := range commits {
		records := make([][]byte, n)
		at := j.Last() + 1
		for i := range records {
			records[i] = rec(at + uint64(i))
		}
		// The time of a submission is that of its first record here.
		if _, err := j.Append(t.Context(), int64(at), records...); err != nil {
			t.Fatal(err)
		}
	}
	return live.clone(), j.Last(), j.active.off
}

// indexes returns what is there, and that it is right.
func indexes(t *testing.T, j *Journal) (got, damaged []uint64) {
	t.Helper()
	err := j.Range(1, func(r Record) error {
		if r.Damage != nil {
			for i := r.Index; i <= r.Damage.Last; i++ {
				damaged = append(damaged, i)
			}
			return nil
		}
		got = append(got, r.Index)
		if !bytes.Equal(r.Data, rec(r.Index)) {
			return fmt.Errorf("record %d is %q", r.Index, r.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, damaged
}

// A file that ends anywhere in its last commit has all commits before, none of
// that one, and goes on.
func TestTornTailIsCutAtEveryByte(t *testing.T) {
	for _, zeroed := range []bool{false, true} { // the rest missing, or zeros
		fs, last, end := written(t, 1, 3, 2, 4)
		_, _, before := written(t, 1, 3, 2)
		name := segmentName(1)
		for at := before; at <= end; at++ {
			c := fs.clone()
			f := c.Files[name]
			if zeroed {
				clear(f.Data[at:])
			} else {
				f.Data = f.Data[:at]
			}
			j, l := opened(t, c, Options{SegmentBytes: minSegmentBytes})
			want := last - 4
			// A record whose last byte is zero anyway is whole; none is here.
			if at == end {
				want = last
			}
			got, damaged := indexes(t, j)
			if uint64(len(got)) != want || j.Last() != want || damaged != nil {
				t.Fatalf("cut at %d: records %d, damaged %d, last %d, want %d", at, got, damaged, j.Last(), want)
			}
			if logged := l.Count("torn tail was cut off"); at > before+8 && at < end && logged != 1 {
				t.Fatalf("cut at %d is logged %d times", at, logged)
			}
			appendN(t, j, 3)
			if got, _ := indexes(t, j); uint64(len(got)) != want+3 {
				t.Fatalf("cut at %d: afterwards %d", at, got)
			}
			j.Close()
		}
	}
}

// The middle of the last commit is missing, its end is there: nobody was told
// that it is on disk, so it is torn and not damaged.
func TestHoleInTheLastCommitIsTorn(t *testing.T) {
	fs, last, end := written(t, 2, 8)
	_, _, before := written(t, 2)
	for at := before; at < end-8; at++ {
		c := fs.clone()
		clear(c.Files[segmentName(1)].Data[at : at+8])
		j, l := opened(t, c, Options{})
		if got, damaged := indexes(t, j); len(got) != 2 || damaged != nil || l.Count("torn") != 1 || j.Last() != last-8 {
			if bytes.Equal(c.Files[segmentName(1)].Data[:end], fs.Files[segmentName(1)].Data[:end]) {
				continue // there were zeros
			}
			t.Fatalf("hole at %d: records %d, damaged %d: %s", at, got, damaged, l.String())
		}
		j.Close()
	}
}

// A closed segment that became shorter has lost records, and says which.
func TestShortenedClosedSegmentIsDamage(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 60)
	j.Close()
	names := fs.names()
	if len(names) < 3 {
		t.Fatal(names)
	}
	for cut := range 150 {
		c := fs.clone()
		f := c.Files[names[1]]
		f.Data = f.Data[:len(f.Data)-1-cut]
		again, l := opened(t, c, Options{SegmentBytes: minSegmentBytes})
		if d := verify(t, again, 1, 60); len(d) == 0 || l.Count("log is damaged") != 1 {
			t.Fatalf("cut %d: damaged %d, %s", cut, d, l.String())
		}
		again.Close()
	}
}

// Segments that are gone from the middle leave their records lost, by index.
func TestMissingSegmentIsDamage(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 60)
	infos := j.Segments()
	j.Close()
	fs.Remove(segmentName(infos[1].First))
	again, _ := reopened(t, fs, Options{SegmentBytes: minSegmentBytes})
	d := verify(t, again, 1, 60)
	if uint64(len(d)) != infos[1].Last-infos[1].First+1 || d[0] != infos[1].First {
		t.Fatalf("damaged %d, want %d to %d", d, infos[1].First, infos[1].Last)
	}
}
