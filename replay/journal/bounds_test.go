package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stalled is a journal whose disk hangs until release is called.
func stalled(t *testing.T, o Options) (j *Journal, release func()) {
	fs := newMemFS()
	j, _ = opened(t, fs, o)
	hang, reached := make(chan struct{}), make(chan struct{}, 1)
	fs.on(func(op, _ string, n int) (int, error) {
		if op == "sync" {
			select {
			case reached <- struct{}{}:
			default:
			}
			fs.Mu.Unlock()
			<-hang
			fs.Mu.Lock()
		}
		return n, nil
	})
	if err := j.Submit(0, [][]byte{nil}, func(uint64, error) {}); err != nil {
		t.Fatal(err)
	}
	<-reached
	return j, func() { close(hang) }
}

func TestWaitingIsBounded(t *testing.T) {
	const size = 100 + frameHead
	j, release := stalled(t, Options{MaxWaitingBytes: frameHead + 3*size})
	record := [][]byte{make([]byte, 100)}
	answers := make(chan uint64, 4)
	done := func(first uint64, err error) { answers <- first }
	for range 3 {
		if err := j.Submit(0, record, done); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Submit(0, [][]byte{nil}, done); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if s := j.Stats(); s.Waiting != frameHead+3*size || s.Full != 1 {
		t.Errorf("%+v", s)
	}
	release()
	for want := uint64(2); want <= 4; want++ {
		if got := <-answers; got != want {
			t.Errorf("index %d, want %d", got, want)
		}
	}
	if _, err := j.Append(t.Context(), 0, record[0], record[0], record[0]); err != nil {
		t.Error(err)
	}
	if s := j.Stats(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCommitsAreBounded(t *testing.T) {
	tests := []struct {
		name    string
		o       Options
		records int // of each of 12 submissions of 10 bytes a record
		commits uint64
	}{
		{"by records", Options{MaxCommitRecords: 4}, 1, 3},
		{"by records of submissions that do not divide", Options{MaxCommitRecords: 5}, 2, 6},
		{"by bytes", Options{MaxCommitBytes: 3 * (10 + frameHead)}, 1, 4},
		{"one submission is never split", Options{MaxCommitRecords: 1}, 3, 12},
		{"unbounded", Options{}, 5, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j, release := stalled(t, test.o)
			records := make([][]byte, test.records)
			for i := range records {
				records[i] = make([]byte, 10)
			}
			for range 12 {
				if err := j.Submit(0, records, func(uint64, error) {}); err != nil {
					t.Fatal(err)
				}
			}
			release()
			j.Close()
			if got := j.Stats().Commits - 1; got != test.commits {
				t.Errorf("%d commits, want %d", got, test.commits)
			}
		})
	}
}

func TestWhatCannotBeTaken(t *testing.T) {
	j, _ := opened(t, newMemFS(), Options{MaxWaitingBytes: 20 << 20})
	large := make([]byte, MaxRecordBytes)
	tests := []struct {
		name    string
		records [][]byte
		want    error
	}{
		{"nothing", nil, ErrEmpty},
		{"the largest", [][]byte{large}, nil},
		{"larger", [][]byte{make([]byte, MaxRecordBytes+1)}, ErrTooLarge},
		{"together too large", [][]byte{large, large}, ErrTooLarge},
		{"empty", [][]byte{{}}, nil},
	}
	for _, test := range tests {
		if _, err := j.Append(t.Context(), 0, test.records...); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	b, err := j.Read(1, nil)
	if err != nil || len(b) != MaxRecordBytes {
		t.Error(len(b), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hung, release := stalled(t, Options{})
	if _, err := hung.Append(ctx, 0, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	release()
	j.Close()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if _, err := j.Append(t.Context(), 0, nil); !errors.Is(err, ErrClosed) || !errors.Is(j.Err(), ErrClosed) {
		t.Error(err)
	}
	if _, err := j.Read(1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := j.Range(1, func(Record) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	bad := Options{SegmentBytes: 1, MaxCommitRecords: -1, MaxCommitBytes: -1, MaxWaitingBytes: maxBytes + 1}
	_, err := Open(t.TempDir(), bad)
	for _, name := range []string{"SegmentBytes", "MaxCommitRecords", "MaxCommitBytes", "MaxWaitingBytes"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in %v", name, err)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for name, want := range map[string]os.FileMode{"": 0o700 | os.ModeDir, lockName: 0o600, segmentName(1): 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
}

func TestSubmitAllocatesNothing(t *testing.T) {
	j, _ := opened(t, newMemFS(), Options{})
	record := make([]byte, 300)
	done := func(uint64, error) {}
	fresh := make(chan struct{}, 1)
	last := func(uint64, error) { fresh <- struct{}{} }
	run := func() {
		for range 100 {
			if err := j.Submit(1, [][]byte{record}, done); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Submit(1, [][]byte{record}, last); err != nil {
			t.Fatal(err)
		}
		<-fresh
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 20 { // of 101 submissions: spots, and the file system in memory
		t.Errorf("%v allocations", n)
	}
}
