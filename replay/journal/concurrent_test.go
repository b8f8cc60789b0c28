package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// numbered is record n of submitter s.
func numbered(s, n int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(s))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return append(b, bytes.Repeat([]byte{byte(n)}, n%200)...)
}

// Callbacks come in the order of submissions, with consecutive indexes, and the
// records are where they say; on the machine's file system, with readers.
func TestCallbacksComeInOrder(t *testing.T) {
	j, err := Open(filepath.Join(t.TempDir(), "j"), Options{SegmentBytes: 64 << 10, MaxCommitRecords: 100})
	if err != nil {
		t.Fatal(err)
	}
	const submitters, each = 16, 300
	var (
		order  sync.Mutex // stands for a user's lock: Submit is called under it
		next   [submitters]int
		called = uint64(1) // by the committer alone
		wg     sync.WaitGroup
		stop   atomic.Bool
	)
	for s := range submitters {
		wg.Go(func() {
			for n := range each {
				order.Lock()
				records := [][]byte{numbered(s, 2*n), numbered(s, 2*n+1)}
				err := j.Submit(1, records, func(first uint64, err error) {
					if err != nil || first != called || next[s] != n {
						t.Errorf("submission %d of %d: index %d, want %d, after %d: %v", n, s, first, called, next[s], err)
					}
					called, next[s] = first+2, n+1
				})
				order.Unlock()
				clear(records[0]) // ours again
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !stop.Load() {
				want := uint64(1)
				err := j.Range(1, func(r Record) error {
					if r.Damage != nil || r.Index != want {
						return fmt.Errorf("%v, want %d", r, want)
					}
					want++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if last := j.Last(); last > 0 {
					if _, err := j.Read(last, nil); err != nil {
						t.Error(last, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if _, err := j.Append(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	stop.Store(true)
	readers.Wait()
	var seen [submitters]int
	if err := j.Range(1, func(r Record) error {
		if len(r.Data) == 0 {
			return nil
		}
		s, n := int(binary.BigEndian.Uint32(r.Data)), int(binary.BigEndian.Uint32(r.Data[4:]))
		if !bytes.Equal(r.Data, numbered(s, n)) || seen[s] != n {
			return fmt.Errorf("record %d: %d of %d, want %d", r.Index, n, s, seen[s])
		}
		seen[s]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := uint64(submitters*each*2 + 1); j.Last() != want || j.Stats().Records != want {
		t.Errorf("last is %d, counted %d, want %d", j.Last(), j.Stats().Records, want)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is dropped under way disappears from the front only, and appends and
// readers never notice more than that.
func TestDropBeforeUnderLoad(t *testing.T) {
	j, err := Open(filepath.Join(t.TempDir(), "j"), Options{SegmentBytes: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	for range 4 {
		wg.Go(func() {
			for range 400 {
				if _, err := j.Append(t.Context(), 1, make([]byte, 100)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var others sync.WaitGroup
	others.Go(func() {
		for !stop.Load() {
			if last := j.Last(); last > 200 {
				if err := j.DropBefore(last - 200); err != nil {
					t.Error(err)
				}
			}
		}
	})
	others.Go(func() {
		for !stop.Load() {
			prev := uint64(0)
			if err := j.Range(0, func(r Record) error {
				if r.Damage != nil || r.Index <= prev || len(r.Data) != 100 {
					return fmt.Errorf("after %d: %v", prev, r)
				}
				prev = r.Index
				return nil
			}); err != nil {
				t.Error(err)
			}
			if _, err := j.Read(j.First(), nil); err != nil && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	stop.Store(true)
	others.Wait()
	if err := j.DropBefore(j.Last() - 200); err != nil {
		t.Fatal(err)
	}
	if j.Last() != 1600 || j.First() > 1400 || j.First() < 1200 || j.Stats().Damaged != 0 {
		t.Errorf("first, last = %d, %d", j.First(), j.Last())
	}
	files, _ := filepath.Glob(filepath.Join(j.dir, "*"+segmentSuffix))
	if len(files) != len(j.Segments()) {
		t.Errorf("%d files, %d segments", len(files), len(j.Segments()))
	}
	j.Close()
}
