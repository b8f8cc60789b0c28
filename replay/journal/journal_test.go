package journal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hubline/internal/leaktest"
	"hubline/internal/logtest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// opened is a journal on fs, closed at the end.
func opened(t testing.TB, fs FS, o Options) (*Journal, *logtest.Lines) {
	t.Helper()
	l := &logtest.Lines{}
	o.FS, o.Logger = fs, slog.New(slog.NewTextHandler(l, nil))
	j, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, l
}

// reopened is the journal of a copy of the files.
func reopened(t testing.TB, fs *memFS, o Options) (*Journal, *logtest.Lines) {
	t.Helper()
	return opened(t, fs.clone(), o)
}

// record i of tests: recognisable, of several lengths.
func rec(i uint64) []byte { return fmt.Appendf(nil, "%d-%s", i, strings.Repeat("x", int(i*7%60))) }

func appendN(t testing.TB, j *Journal, n int) {
	t.Helper()
	for range n {
		i := j.Last() + 1
		if got, err := j.Append(t.Context(), int64(i), rec(i)); err != nil || got != i {
			t.Fatalf("append %d: %d, %v", i, got, err)
		}
	}
}

// verify reads from first to last in both ways and returns what is damaged.
// Anything but the record or ErrCorrupt is a failure.
func verify(t testing.TB, j *Journal, first, last uint64) (damaged []uint64) {
	t.Helper()
	if j.First() != first || j.Last() != last {
		t.Fatalf("first, last = %d, %d, want %d, %d", j.First(), j.Last(), first, last)
	}
	want := first
	err := j.Range(0, func(r Record) error {
		if r.Index != want {
			return fmt.Errorf("index %d, want %d", r.Index, want)
		}
		want++
		if r.Damage != nil {
			for i := r.Damage.First; i <= r.Damage.Last; i++ {
				damaged = append(damaged, i)
			}
			want = r.Damage.Last + 1
		} else if !bytes.Equal(r.Data, rec(r.Index)) || r.At != int64(r.Index) {
			return fmt.Errorf("record %d is %q at %d", r.Index, r.Data, r.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want != last+1 {
		t.Fatalf("range ended before %d, want %d", want, last+1)
	}
	var unread []uint64
	for i := first; i <= last; i++ {
		b, err := j.Read(i, nil)
		if errors.Is(err, ErrCorrupt) {
			unread = append(unread, i)
		} else if err != nil || !bytes.Equal(b, rec(i)) {
			t.Fatalf("read %d: %q, %v", i, b, err)
		}
	}
	if fmt.Sprint(unread) != fmt.Sprint(damaged) {
		t.Fatalf("Read finds %d damaged, Range %d", unread, damaged)
	}
	return damaged
}

func TestWhatIsAppendedIsReadAgain(t *testing.T) {
	for _, size := range []int64{minSegmentBytes, 64 << 10, 0} {
		fs := newMemFS()
		j, _ := opened(t, fs, Options{SegmentBytes: size})
		if j.First() != 1 || j.Last() != 0 {
			t.Fatalf("empty: first, last = %d, %d", j.First(), j.Last())
		}
		appendN(t, j, 500)
		if d := verify(t, j, 1, 500); d != nil {
			t.Errorf("damaged: %d", d)
		}
		for _, i := range []uint64{0, 501, 1 << 40} {
			if _, err := j.Read(i, nil); !errors.Is(err, ErrNotFound) {
				t.Errorf("read %d: %v", i, err)
			}
		}
		j.Close()
		again, l := reopened(t, fs, Options{SegmentBytes: size})
		appendN(t, again, 100)
		if d := verify(t, again, 1, 600); d != nil || l.Count("level") != 0 {
			t.Errorf("damaged: %d, logged %s", d, l.String())
		}
		for _, s := range again.Segments()[1:] {
			if s.Newest != int64(s.Last) && s.Last != again.Last() {
				t.Errorf("newest of %d to %d is %d", s.First, s.Last, s.Newest)
			}
		}
	}
}

// An orderly end leaves a mark, and the next start goes on behind it: a read passes
// over marks as over records.
func TestReadsPassOverMarks(t *testing.T) {
	fs := newMemFS()
	const starts, each = 5, 7
	for i := range uint64(starts) {
		j, _ := opened(t, fs, Options{})
		appendN(t, j, each)
		if damaged := verify(t, j, 1, (i+1)*each); damaged != nil {
			t.Errorf("after start %d %d are damaged", i+1, damaged)
		}
		if n := len(j.Segments()); n != 1 {
			t.Fatalf("%d segments: nothing is to be passed over", n)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
