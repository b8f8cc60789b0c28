package journal

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// appender is a log that says when a record is on disk: what this package and
// what it was measured against have in common.
type appender interface {
	append(record []byte) error
	close() error
}

// rivals open each kind of log in an empty directory.
var rivals = []struct {
	name string
	open func(tb testing.TB) (appender, error)
}{
	{"journal", func(tb testing.TB) (appender, error) {
		j, err := Open(filepath.Join(tb.TempDir(), "j"), Options{})
		return ours{j}, err
	}},
	{"floor", openFloor},
	{"bbolt-batch", func(tb testing.TB) (appender, error) { return openBolt(tb, 1000) }},
	// The best that it can do: it need not wait for more publishers than there are.
	{"bbolt-batch-of-64", func(tb testing.TB) (appender, error) { return openBolt(tb, 64) }},
}

type ours struct{ j *Journal }

func (o ours) append(record []byte) error {
	_, err := o.j.Append(context.Background(), 1, record)
	return err
}
func (o ours) close() error { return o.j.Close() }

// grouped is group commit in front of anything that writes many records at once.
type grouped struct {
	write func(records [][]byte) error
	end   func() error

	mu      sync.Mutex
	wake    *sync.Cond
	closed  bool
	pending [][]byte
	calls   []chan error
	done    chan struct{}
}

func newGrouped(write func([][]byte) error, end func() error) *grouped {
	g := &grouped{write: write, end: end, done: make(chan struct{})}
	g.wake = sync.NewCond(&g.mu)
	go g.run()
	return g
}

var errorChans = sync.Pool{New: func() any { return make(chan error, 1) }}

func (g *grouped) append(record []byte) error {
	c := errorChans.Get().(chan error)
	g.mu.Lock()
	g.pending, g.calls = append(g.pending, record), append(g.calls, c)
	g.wake.Signal()
	g.mu.Unlock()
	err := <-c
	errorChans.Put(c)
	return err
}

func (g *grouped) run() {
	defer close(g.done)
	var records [][]byte
	var calls []chan error
	for {
		for n := -1; n < g.waiting(); runtime.Gosched() { // as the journal does
			n = g.waiting()
		}
		g.mu.Lock()
		for len(g.pending) == 0 && !g.closed {
			g.wake.Wait()
		}
		records, g.pending = g.pending, records[:0]
		calls, g.calls = g.calls, calls[:0]
		g.mu.Unlock()
		if len(records) == 0 {
			return
		}
		err := g.write(records)
		for _, c := range calls {
			c <- err
		}
	}
}

func (g *grouped) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.pending)
}

func (g *grouped) close() error {
	g.mu.Lock()
	g.closed = true
	g.wake.Signal()
	g.mu.Unlock()
	<-g.done
	return g.end()
}

// openFloor is bare records at the end of a file whose blocks are written
// before: no checksums, no lengths, nothing that could be read back.
func openFloor(tb testing.TB) (appender, error) {
	const size = 64 << 20
	f, err := os.Create(filepath.Join(tb.TempDir(), "floor"))
	if err != nil {
		return nil, err
	}
	for off := int64(0); off < size; off += reserveBytes {
		if _, err := f.WriteAt(zeros[:], off); err != nil {
			return nil, err
		}
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	var buf []byte
	off := int64(0)
	return newGrouped(func(records [][]byte) error {
		buf = buf[:0]
		for _, r := range records {
			buf = append(buf, r...)
		}
		if off+int64(len(buf)) > size {
			off = 0
		}
		if _, err := f.WriteAt(buf, off); err != nil {
			return err
		}
		off += int64(len(buf))
		return dataSync(f)
	}, f.Close), nil
}

// bolt is bbolt's own group commit.
type bolt struct{ db *bbolt.DB }

var bucket = []byte("log")

func openBolt(tb testing.TB, size int) (appender, error) {
	db, err := bbolt.Open(filepath.Join(tb.TempDir(), "bolt"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	db.MaxBatchSize, db.MaxBatchDelay = size, time.Millisecond // the default is 10 ms
	return bolt{db}, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
}

func (b bolt) append(record []byte) error {
	return b.db.Batch(func(tx *bbolt.Tx) error {
		k := tx.Bucket(bucket)
		k.FillPercent = 1
		n, err := k.NextSequence()
		if err != nil {
			return err
		}
		return k.Put(binary.BigEndian.AppendUint64(nil, n), record)
	})
}

func (b bolt) close() error { return b.db.Close() }
