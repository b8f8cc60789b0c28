package ledger

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	bucketMeta    = []byte("meta")
	bucketUsers   = []byte("users")
	bucketCursors = []byte("cursors")
	bucketKeys    = []byte("keys")
	bucketDue     = []byte("due") // keys by time, without content
	bucketFacts   = []byte("facts")
)

// errTable means that the table cannot be read as one.
var errTable = errors.New("ledger: state.db is damaged")

// table is state.db.
type table struct {
	db *bolt.DB
	// broken: a transaction that writes has ended in a panic, and holds its locks.
	broken atomic.Bool
	// wrote is called after each transaction that was written. For tests.
	wrote func()
}

// openTable opens the file or makes it. lost means that there was one that is
// damaged; it was put aside.
func openTable(path string, noSync bool) (t *table, m meta, lost bool, err error) {
	t, m, err = tryTable(path, noSync)
	if !errors.Is(err, errTable) {
		return t, m, false, err
	}
	if err := os.Rename(path, fmt.Sprintf("%s.damaged-%d", path, time.Now().UnixNano())); err != nil {
		return nil, meta{}, false, fmt.Errorf("ledger: %w", err)
	}
	t, m, err = tryTable(path, noSync)
	return t, m, true, err
}

func tryTable(path string, noSync bool) (t *table, m meta, err error) {
	t = &table{}
	defer func() {
		if err != nil && t.db != nil {
			err = errors.Join(err, t.db.Close())
		}
	}()
	err = guard(func() (err error) {
		// Whoever holds the lock of the log may have it: who waits longer than a
		// moment waits for a foreign program.
		t.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second, FreelistType: bolt.FreelistMapType, NoSync: noSync})
		return err
	})
	switch {
	case err == nil:
	case isMachines(err):
		return t, m, fmt.Errorf("ledger: state.db: %w", err)
	case errors.Is(err, errTable):
		return t, m, err
	default:
		return t, m, fmt.Errorf("%w: %w", errTable, err)
	}
	made := false
	err = t.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if made = b == nil; made {
			return nil
		}
		var ok bool
		if m, ok = decodeMeta(b.Get(metaKey)); !ok {
			return fmt.Errorf("%w: its meta row", errTable)
		}
		m.lostRows, err = verify(tx, &m)
		return err
	})
	if err != nil || !made {
		return t, m, err // nothing is written: the disk may be full
	}
	m.rebuilding = true
	m.epochs.add()
	return t, m, t.update(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketUsers, bucketCursors, bucketKeys, bucketDue, bucketFacts} {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(metaKey, m.encode())
	})
}

// isMachines tells what keeps a file from being opened from what is wrong in it.
func isMachines(err error) bool {
	_, isErrno := errors.AsType[syscall.Errno](err)
	return isErrno || errors.Is(err, bolterrors.ErrTimeout)
}

// view and update turn the panics with which the library answers pages that are
// not what they should be into errors.
func (t *table) view(f func(*bolt.Tx) error) error {
	return guard(func() error { return t.db.View(f) })
}

func (t *table) update(f func(*bolt.Tx) error) error {
	if t.broken.Load() {
		return fmt.Errorf("%w while it was in use", errTable)
	}
	ended := false
	err := guard(func() error {
		err := t.db.Update(f)
		ended = true
		return err
	})
	if !ended {
		t.broken.Store(true)
	}
	if t.wrote != nil {
		t.wrote()
	}
	return err
}

// guard does so, and with pages that are not there: the file is mapped into memory,
// and whoever reads behind its end would end the process.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errTable, p)
		}
	}()
	return f()
}

// get passes a row, which is valid until the function returns; nil is none.
func (t *table) get(bucket, key []byte, f func(row []byte)) error {
	return t.view(func(tx *bolt.Tx) error {
		f(tx.Bucket(bucket).Get(key))
		return nil
	})
}

// close leaves a broken table to the end of the process.
func (t *table) close() error {
	if t.broken.Load() {
		return fmt.Errorf("%w and not closed", errTable)
	}
	return guard(t.db.Close)
}
