package journal

import "sync"

// queue is what waits for the committer. Its lock is held for copying a record,
// never for anything that waits.
type queue struct {
	maxWaiting           int64
	maxRecords, maxBytes int

	mu      sync.Mutex
	wake    sync.Cond // of mu: the committer waits for work
	idle    bool      // it does
	batches []*batch  // oldest first; the last may grow
	spare   []*batch
	waiting int64
	full    uint64
	closed  bool
	failure error // why nothing is taken any more
}

// batch is what one commit takes.
type batch struct {
	buf     []byte // frames without what the commit adds
	records int
	calls   []call
	rotate  bool // instead: begin a new segment
}

// call is one submission in a batch.
type call struct {
	records int
	done    func(first uint64, err error)
}

const (
	spareBatches = 4
	// maxSpareBytes: a batch that one large submission has grown is not kept.
	maxSpareBytes = 4 << 20
)

func (q *queue) init(o Options) {
	q.wake.L = &q.mu
	q.maxWaiting, q.maxRecords, q.maxBytes = o.MaxWaitingBytes, o.MaxCommitRecords, o.MaxCommitBytes
}

// put copies a submission into the batch that takes it.
func (q *queue) put(at int64, records [][]byte, size int64, done func(uint64, error)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure != nil {
		return q.failure
	}
	if q.waiting+size > q.maxWaiting {
		q.full++
		return ErrFull
	}
	var b *batch
	if n := len(q.batches); n > 0 {
		b = q.batches[n-1]
	}
	if b == nil || b.rotate || b.records+len(records) > q.maxRecords || int64(len(b.buf))+size > int64(q.maxBytes) {
		b = q.newBatchLocked()
	}
	for _, r := range records {
		b.buf = openFrame(b.buf, at, r)
	}
	b.records += len(records)
	b.calls = append(b.calls, call{len(records), done})
	q.waiting += size
	q.wakeLocked()
	return nil
}

func (q *queue) newBatchLocked() *batch {
	var b *batch
	if n := len(q.spare); n > 0 {
		b, q.spare = q.spare[n-1], q.spare[:n-1]
	} else {
		b = &batch{}
	}
	q.batches = append(q.batches, b)
	return b
}

func (q *queue) wakeLocked() {
	if q.idle {
		q.idle = false
		q.wake.Signal()
	}
}

// putRotate asks for a new segment behind all that has been submitted.
func (q *queue) putRotate(done func(uint64, error)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure != nil {
		return q.failure
	}
	q.batches = append(q.batches, &batch{rotate: true, calls: []call{{done: done}}})
	q.wakeLocked()
	return nil
}

// take waits for a batch. It returns nil when the queue is closed and empty.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.batches) == 0 {
		if q.closed {
			return nil
		}
		q.idle = true
		q.wake.Wait()
	}
	b := q.batches[0]
	n := copy(q.batches, q.batches[1:])
	q.batches[n] = nil
	q.batches = q.batches[:n]
	return b
}

// written gives up the bytes of a batch, before its callbacks: whom they let go
// on finds room.
func (q *queue) written(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting -= int64(len(b.buf))
}

// reuse takes a batch back after its callbacks.
func (q *queue) reuse(b *batch) {
	clear(b.calls)
	if b.rotate || cap(b.buf) > maxSpareBytes {
		return
	}
	b.buf, b.calls, b.records = b.buf[:0], b.calls[:0], 0
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.spare) < spareBatches {
		q.spare = append(q.spare, b)
	}
}

// fail refuses all that comes from now on; the first reason stays.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure == nil {
		q.failure = err
	}
}

// close reports whether it was the first.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	if q.failure == nil {
		q.failure = ErrClosed
	}
	q.wakeLocked()
	return true
}

// records returns how many wait in the batch that is next.
func (q *queue) records() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.batches) == 0 {
		return 0
	}
	return q.batches[0].records
}

func (q *queue) err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failure
}

func (q *queue) stats() (waiting int64, full uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.full
}
