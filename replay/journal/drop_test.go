package journal

import (
	"errors"
	"syscall"
	"testing"
)

func TestDropBefore(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	if err := j.DropBefore(100); err != nil || j.First() != 1 {
		t.Fatal(err, j.First())
	}
	appendN(t, j, 100)
	s := j.Segments()
	size := j.Size()
	tests := []struct {
		name          string
		before, first uint64
	}{
		{"nothing", 0, 1},
		{"the last of the first segment", s[0].Last, 1},
		{"the first of the second", s[1].First, s[1].First},
		{"the same again", s[1].First, s[1].First},
		{"the middle of the third", s[2].First + 1, s[2].First},
		{"the newest", 100, s[len(s)-1].First},
		{"all", 101, 101},
		{"more than all", 1 << 50, 101},
	}
	for _, test := range tests {
		if err := j.DropBefore(test.before); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		verify(t, j, test.first, 100)
		if test.first > 1 {
			if _, err := j.Read(test.first-1, nil); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		again, l := reopened(t, fs, Options{SegmentBytes: minSegmentBytes})
		verify(t, again, test.first, 100)
		if l.Count("level=ERROR") != 0 {
			t.Errorf("%s: %s", test.name, l.String())
		}
		again.Close()
	}
	if j.Size() >= size || len(fs.names()) != 1 {
		t.Errorf("%d bytes of %d are left in %v", j.Size(), size, fs.names())
	}
	appendN(t, j, 10)
	verify(t, j, 101, 110)
}

// A file that cannot be removed is still there, and nothing behind it is gone.
func TestDropThatFailsLeavesNoHole(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 100)
	third := j.Segments()[2].First
	for _, op := range []string{"remove", "syncdir"} {
		fs.on(failNth(op, 1, errIO))
		first := j.First()
		if err := j.DropBefore(third); !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s: %v", op, err)
		}
		fs.on(nil)
		if op == "syncdir" {
			first = third // it is gone, as far as this process can tell
		}
		verify(t, j, first, 100)
	}
	appendN(t, j, 1)
}

// Ages follow from the times of records, also of segments nobody has read.
func TestSegmentsKnowTheirNewestTime(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	if got := j.Segments()[0].Newest; got != NoTime {
		t.Errorf("of nothing: %d", got)
	}
	times := []int64{5, 9, 3, -7}
	want := []int64{5, 9, 9, 9} // never falls
	for _, at := range times {
		if _, err := j.Append(t.Context(), at, make([]byte, minSegmentBytes)); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	again, _ := reopened(t, fs, Options{})
	for _, k := range []*Journal{j, again} {
		for i, s := range k.Segments() {
			if s.Newest != want[i] || s.First != uint64(i)+1 || s.Last != s.First {
				t.Errorf("segment %d: %+v", i, s)
			}
		}
	}
}

// Only so many files are open, however many there are.
func TestOpenFilesAreBounded(t *testing.T) {
	j, _ := opened(t, newMemFS(), Options{SegmentBytes: minSegmentBytes})
	for range maxOpenFiles * 2 {
		if _, err := j.Append(t.Context(), 1, make([]byte, minSegmentBytes)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for i := j.First(); i <= j.Last(); i++ {
			if _, err := j.Read(i, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(j.files.open); n > maxOpenFiles {
			t.Fatalf("%d files are open", n)
		}
	}
}
