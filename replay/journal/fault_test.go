package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

// tolerant appends until n submissions have succeeded or the journal has failed,
// and returns how many and the errors on the way.
func tolerant(j *Journal, n int) (ok int, errs []error) {
	for range 3 * n {
		i := j.Last() + 1
		if _, err := j.Append(context.Background(), int64(i), rec(i)); err != nil {
			errs = append(errs, err)
			if errors.Is(err, ErrFailed) {
				return ok, errs
			}
		} else if ok++; ok == n {
			return ok, errs
		}
	}
	return ok, errs
}

const faultRecords = 50 // two segments

// A full disk at any write costs that submission and nothing else.
func TestNoSpaceAtAnyWrite(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	quota := &os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}
	large := &os.PathError{Op: "write", Path: "x", Err: syscall.EFBIG}
	for kind, cause := range map[string]error{"full": full, "quota": quota, "short": nil, "large": large} {
		for nth := 1; ; nth++ {
			fs := newMemFS()
			j, l := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
			fs.on(failNth("write", nth, cause))
			ok, errs := tolerant(j, faultRecords)
			if ok != faultRecords || len(errs) > 1 || j.Err() != nil {
				t.Fatalf("%s at write %d: %d written, errors %v, %s", kind, nth, ok, errs, l.String())
			}
			for _, err := range errs {
				if !errors.Is(err, ErrNoSpace) || errors.Is(err, ErrFailed) {
					t.Fatalf("%s at write %d: %v", kind, nth, err)
				}
			}
			if d := verify(t, j, 1, faultRecords); d != nil {
				t.Fatalf("%s at write %d: damaged %d", kind, nth, d)
			}
			reached := fs.Ops
			j.Close()
			again, l := reopened(t, fs, Options{SegmentBytes: minSegmentBytes})
			if d := verify(t, again, 1, faultRecords); d != nil || l.Count("level") != 0 {
				t.Fatalf("%s at write %d: afterwards damaged %d: %s", kind, nth, d, l.String())
			}
			again.Close()
			if nth > reached {
				break
			}
			if nth > 10 {
				nth += 12 // the others are alike
			}
		}
	}
}

// A disk that stays full refuses each submission, keeps what there is, and takes
// submissions again when there is room.
func TestFullDiskIsNoEnd(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	appendN(t, j, 50)
	fs.on(func(op, _ string, n int) (int, error) {
		if op == "write" || op == "create" {
			return n / 3, syscall.ENOSPC
		}
		return n, nil
	})
	for range 10 {
		if _, err := j.Append(t.Context(), 1, rec(51)); !errors.Is(err, ErrNoSpace) {
			t.Fatal(err)
		}
	}
	verify(t, j, 1, 50)
	if err := j.DropBefore(51); !errors.Is(err, ErrNoSpace) { // it needs a new segment
		t.Error(err)
	}
	fs.on(nil)
	appendN(t, j, 50)
	j.Close()
	again, _ := reopened(t, fs, Options{})
	verify(t, again, 1, 100)
}

// After an error that says that the disk is not to be trusted nothing is accepted
// any more, and nothing is lost that was acknowledged.
func TestFailureIsForGood(t *testing.T) {
	for _, op := range []string{"sync", "syncdir", "write"} {
		for nth := 1; nth < 300; nth += 1 + nth/8 {
			fs := newMemFS()
			j, l := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
			fs.on(failNth(op, nth, errIO))
			ok, errs := tolerant(j, faultRecords)
			if ok == faultRecords {
				// A fault when zeros were written ahead is nobody's loss.
				j.Close()
				continue
			}
			if len(errs) != 1 || !errors.Is(errs[0], ErrFailed) || !errors.Is(errs[0], syscall.EIO) {
				t.Fatalf("%s %d: %v", op, nth, errs)
			}
			fs.on(nil) // the disk is well again, but who knows
			for range 3 {
				if err := j.Submit(1, [][]byte{rec(1)}, nil); !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EIO) {
					t.Fatalf("%s %d: %v", op, nth, err)
				}
			}
			if l.Count("log stopped for good") != 1 || !errors.Is(j.Err(), ErrFailed) {
				t.Fatalf("%s %d: %s", op, nth, l.String())
			}
			verify(t, j, 1, uint64(ok)) // reading goes on
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			again, _ := reopened(t, fs, Options{SegmentBytes: minSegmentBytes})
			verify(t, again, 1, uint64(ok))
			again.Close()
		}
	}
}

// If the trace of a refused commit cannot be removed, that is the end too.
func TestUndoingThatFailsIsForGood(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{})
	appendN(t, j, 3)
	fs.on(func(op, _ string, n int) (int, error) {
		switch op {
		case "write":
			return n / 2, syscall.ENOSPC
		case "truncate":
			return 0, errIO
		}
		return n, nil
	})
	if _, err := j.Append(t.Context(), 1, rec(4)); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	j.Close()
	again, _ := reopened(t, fs, Options{})
	verify(t, again, 1, 3)
}

// A next segment that cannot be made for now lets this one grow, within a bound.
func TestSegmentGrowsWhenTheNextCannotBeMade(t *testing.T) {
	for _, op := range []string{"create", "rename"} {
		for _, cause := range []error{syscall.EMFILE, syscall.ENOSPC} {
			fs := newMemFS()
			j, l := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
			fs.on(func(o, _ string, n int) (int, error) {
				if o == op {
					return 0, cause
				}
				return n, nil
			})
			ok, errs := tolerant(j, 1000)
			if n := len(j.Segments()); n != 1 || j.Size() > 2*minSegmentBytes {
				t.Errorf("%s: %d segments, %d bytes", op, n, j.Size())
			}
			if l.Count("this one grows on") == 0 || len(errs) == 0 {
				t.Errorf("%s: %v: %s", op, errs, l.String())
			}
			if want := errors.Is(cause, syscall.EMFILE); errors.Is(j.Err(), ErrFailed) != want {
				t.Errorf("%s: %v: %v", op, cause, j.Err())
			}
			verify(t, j, 1, uint64(ok))
			fs.on(nil)
			if errors.Is(cause, syscall.ENOSPC) {
				appendN(t, j, 200)
			}
			last := j.Last()
			j.Close()
			again, _ := reopened(t, fs, Options{SegmentBytes: minSegmentBytes})
			verify(t, again, 1, last)
		}
	}
}

// Open returns what is wrong and gives the directory up again.
func TestOpenThatFails(t *testing.T) {
	fs := newMemFS()
	j, _ := opened(t, fs, Options{})
	appendN(t, j, 3)
	j.Close()
	dir := t.TempDir()
	for _, op := range []string{"create", "write", "sync", "rename", "syncdir", "truncate"} {
		c := fs.clone()
		if op == "create" || op == "write" || op == "rename" {
			c = newMemFS()
		}
		if op == "truncate" {
			f := c.Files[segmentName(1)]
			f.Data = append(f.Data, 1, 2, 3)
		}
		c.on(failNth(op, 1, errIO))
		if _, err := Open(dir, Options{FS: c}); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", op, err)
		}
		c.on(nil)
		again, err := Open(dir, Options{FS: c})
		if err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		if names := fmt.Sprint(c.names()); names != fmt.Sprintf("[%s]", segmentName(1)) {
			t.Errorf("%s: %s", op, names)
		}
		again.Close()
	}
}

// Files may not become as large as a segment may: the submission that is refused for
// that costs no more than itself, as the next one begins a segment.
func TestFileSizeLimitIsNoEnd(t *testing.T) {
	fs := newMemFS()
	const most = minSegmentBytes / 2
	j, _ := opened(t, fs, Options{SegmentBytes: minSegmentBytes})
	written := map[string]int{}
	fs.on(func(op, name string, n int) (int, error) {
		if op == "write" && n < 120 { // what is reserved is not counted
			if written[name]+n > most {
				return most - written[name], syscall.EFBIG
			}
			written[name] += n
		}
		return n, nil
	})
	ok, errs := tolerant(j, faultRecords)
	if ok != faultRecords || len(errs) == 0 || len(errs) > len(j.Segments()) || j.Err() != nil {
		t.Errorf("%d written in %d segments, errors %v", ok, len(j.Segments()), errs)
	}
	for _, err := range errs {
		if !errors.Is(err, ErrNoSpace) {
			t.Error(err)
		}
	}
}
