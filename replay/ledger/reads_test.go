package ledger

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"hubline/replay/journal"
)

// countingFS counts what is read.
type countingFS struct {
	faultFS

	bytes atomic.Int64
}

type countingFile struct {
	journal.File
	fs *countingFS
}

func (fs *countingFS) OpenFile(name string, flag int, perm os.FileMode) (journal.File, error) {
	f, err := fs.faultFS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return countingFile{f, fs}, nil
}

func (f countingFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(b, off)
	f.fs.bytes.Add(int64(n))
	return n, err
}

// Opening reads what is retained, about once, however much was ever written.
func TestOpeningReadsWhatIsRetained(t *testing.T) {
	fs := &countingFS{}
	f := newFixture(t, Options{Journal: journal.Options{SegmentBytes: 8 << 10, FS: fs}, MaxAge: time.Hour})
	opening := func() (read, retained int64) {
		t.Helper()
		retained = f.Stats().Bytes
		must(t, f.Close())
		fs.bytes.Store(0)
		f.open()
		return fs.bytes.Load(), retained
	}
	round := func() {
		for range 100 {
			f.put("x", crowd...)
		}
	}
	round()
	first, one := opening()
	round()
	second, two := opening()
	if first < one/2 || first > 2*one || second < two/2 || second > 2*two || two < one*3/2 {
		t.Errorf("%d bytes of %d were read, then %d of %d", first, one, second, two)
	}
	for range 20 { // of these, one round is kept
		f.advance(2 * time.Hour)
		round()
		must(t, f.Retain(f.time()))
	}
	if read, retained := opening(); read > 2*first || retained > 2*one {
		t.Errorf("%d bytes of %d were read after much was written, %d of %d before", read, retained, first, one)
	}
}
