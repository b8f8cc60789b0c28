package journal

import (
	"errors"
	"fmt"
	"syscall"
)

// What callers branch on. Errors of Open, Submit, Append, Read, Range and
// DropBefore, and those given to callbacks, wrap one of them or a cause of the
// file system.
var (
	// ErrLocked means that another process, or another Journal of this one, has
	// the directory open.
	ErrLocked = errors.New("journal: directory is in use")
	// ErrFull means that the bound of what waits for the disk is reached. Nothing
	// was taken; later submissions may be.
	ErrFull = errors.New("journal: too much is waiting for the disk")
	// ErrTooLarge means that a record is over MaxRecordBytes, or one submission over
	// Options.MaxWaitingBytes. It would never be taken.
	ErrTooLarge = errors.New("journal: record or submission is too large")
	// ErrEmpty means a submission without records.
	ErrEmpty = errors.New("journal: no records")
	// ErrNoSpace means that the disk or a quota is full, or that the process may not
	// have files of that size (RLIMIT_FSIZE). What was written of the
	// commit was undone; later commits may succeed.
	ErrNoSpace = errors.New("journal: no space on the disk")
	// ErrFailed means that the disk cannot be trusted any more. Nothing is accepted
	// until the journal is opened anew, by somebody who knows why; reading goes on.
	ErrFailed = errors.New("journal: failed for good")
	// ErrClosed means that Close was called.
	ErrClosed = errors.New("journal: closed")
	// ErrNotFound means an index before First or after Last.
	ErrNotFound = errors.New("journal: no such record")
	// ErrCorrupt means that a record was on disk and cannot be read any more. It
	// comes as a *CorruptError.
	ErrCorrupt = errors.New("journal: record is damaged")
)

// CorruptError is a damaged place: bytes that are not what was written. It
// matches ErrCorrupt. What stands behind it in the file is not affected.
type CorruptError struct {
	// File is the base name of the segment; Offset is where in it the damage
	// begins, in bytes.
	File   string
	Offset int64
	// First and Last are the indexes that are lost, both included. If the head of
	// the newest segment is lost, nobody knows how many records stood there: Last is
	// then as many as could have, so that no index is given twice.
	First, Last uint64
}

// Error says what is lost and where.
func (e *CorruptError) Error() string {
	if e.First == e.Last {
		return fmt.Sprintf("%v: index %d, file %s, offset %d", ErrCorrupt, e.First, e.File, e.Offset)
	}
	return fmt.Sprintf("%v: indexes %d to %d, file %s, offset %d", ErrCorrupt, e.First, e.Last, e.File, e.Offset)
}

// Unwrap makes errors.Is(err, ErrCorrupt) hold.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// isNoSpace tells a full disk or quota, or a file that may not become larger, from a
// broken one. A write that came short without a reason counts as full, which is when
// that happens.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, errShortWrite)
}

// errShortWrite is a write that wrote less than asked and gave no reason.
var errShortWrite = errors.New("short write")
