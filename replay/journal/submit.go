package journal

import (
	"context"
	"sync"
)

// Submit takes records to be written together, all or none, with consecutive
// indexes, and returns without waiting for the disk: it may be called under a
// lock, and costs a copy. The records may be changed when it returns.
//
// at is the time of the records, in milliseconds or whatever the caller counts
// ages in; SegmentInfo.Newest is the latest of them. It need not rise.
//
// If Submit returns nil, done is called once, in the order of submissions, by the
// one goroutine that commits: with the index of the first record when all of
// them are on disk, or with ErrNoSpace or ErrFailed. The next commit waits for
// it, so it must not block for long; it may call Submit, and must not call
// Append, DropBefore or Close.
//
// Errors, with which nothing was taken: ErrFull, ErrFailed with its cause,
// ErrClosed, ErrTooLarge, ErrEmpty.
func (j *Journal) Submit(at int64, records [][]byte, done func(first uint64, err error)) error {
	if len(records) == 0 {
		return ErrEmpty
	}
	var size int64
	for _, r := range records {
		if len(r) > MaxRecordBytes {
			return ErrTooLarge
		}
		size += frameHead + int64(len(r))
	}
	if size > j.opts.MaxWaitingBytes {
		return ErrTooLarge
	}
	return j.queue.put(at, records, size, done)
}

// waiter is somebody who waits for a callback.
type waiter struct {
	answer chan answer
	done   func(uint64, error)
}

type answer struct {
	first uint64
	err   error
}

var waiters = sync.Pool{New: func() any {
	w := &waiter{answer: make(chan answer, 1)}
	w.done = func(first uint64, err error) { w.answer <- answer{first, err} }
	return w
}}

// Append is Submit that waits until the records are on disk and returns the
// index of the first. If the context ends before, its error is returned and the
// records may still be written.
func (j *Journal) Append(ctx context.Context, at int64, records ...[]byte) (first uint64, err error) {
	w := waiters.Get().(*waiter) //nolint:errcheck // nothing else is in it
	if err := j.Submit(at, records, w.done); err != nil {
		waiters.Put(w)
		return 0, err
	}
	select {
	case a := <-w.answer:
		waiters.Put(w)
		return a.first, a.err
	case <-ctx.Done():
		return 0, ctx.Err() // the answer goes to the waiter, which is not used again
	}
}
