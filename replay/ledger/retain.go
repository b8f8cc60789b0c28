package ledger

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"hubline/replay"
	"hubline/replay/journal"
)

const (
	// forgetBatch is how many rows one Retain looks at, of users and of devices.
	forgetBatch = 10_000
	// cursorFactor: a cursor that does not move is kept for that many times
	// ForgetAfter, about a year, as long as its user is known. A device that comes
	// back later than that is new.
	cursorFactor = 12
	// rotateShare: a segment that is being written is dropped for its age once in
	// that part of MaxAge, not each time that a little has been written since.
	rotateShare = 8
)

// Retain gives back to the file system what is too old or too much, in whole
// segments, and forgets users and devices that have long been gone, some at a time.
// It is meant to be called every minute or so. Appends go on meanwhile, but for the
// time of a checkpoint if much waits for one.
func (l *Ledger) Retain(now time.Time) error {
	l.restateNothing()
	l.tableMu.Lock()
	defer l.tableMu.Unlock()
	if err := l.dropLocked(now.UnixMilli()); err != nil {
		return err
	}
	if err := l.forgetUsers(now.UnixMilli()); err != nil {
		return fmt.Errorf("ledger: forget users: %w", err)
	}
	if err := l.forgetCursors(now.UnixMilli()); err != nil {
		return fmt.Errorf("ledger: forget devices: %w", err)
	}
	return nil
}

// dropLocked drops segments. The reason is on disk before they are gone, and so is
// all that the table has to know of them.
func (l *Ledger) dropLocked(now int64) error {
	aged, over := l.droppable(now)
	upTo, err := l.droppableFacts(max(aged, over), l.restateWorth(aged, now))
	if err != nil || upTo == 0 {
		return err
	}
	aged, over = min(aged, upTo), min(over, upTo)
	if upTo = max(aged, over); upTo == 0 {
		return nil
	}
	l.mu.Lock()
	if aged > 0 {
		l.meta.drop(aged, replay.Expired)
	}
	if over > aged {
		l.meta.drop(over, replay.Evicted)
	}
	l.meta.damaged = l.meta.damaged.from(l.journal.First())
	l.dirty = true
	l.mu.Unlock()
	if err := l.checkpointLocked(); err != nil {
		return err
	}
	l.mu.Lock()
	upTo = min(upTo, l.meta.index)
	l.mu.Unlock()
	if upTo == 0 {
		return nil
	}
	return l.journal.DropBefore(upTo + 1)
}

// droppable returns the indexes up to which the log may go for its age, and has to
// for its size; 0 is none.
func (l *Ledger) droppable(now int64) (aged, over uint64) {
	segments := l.journal.Segments()
	newest := len(segments) - 1
	var bytes int64
	for i, s := range segments {
		bytes += s.Bytes
		if s.Newest == journal.NoTime || s.Newest == journal.UnknownTime || l.opts.MaxAge <= 0 || s.Last < s.First {
			continue // the next one's time includes that of this one
		}
		if s.Newest+l.opts.MaxAge.Milliseconds() > now {
			continue
		}
		if i == newest {
			if now-l.rotated < l.opts.MaxAge.Milliseconds()/rotateShare {
				continue
			}
			l.rotated = now
		}
		aged = s.Last
	}
	for i, s := range segments {
		if i == newest || l.opts.MaxBytes == 0 || bytes <= l.opts.MaxBytes {
			break
		}
		bytes -= s.Bytes
		over = s.Last
	}
	return aged, over
}

// forgetUsers removes users none of whose events is left, and their devices. From
// then on new users have another epoch than they had.
func (l *Ledger) forgetUsers(now int64) error {
	var gone []known
	first := l.journal.First()
	from, err := l.scan(bucketUsers, l.usersFrom, func(k, v []byte) {
		r, whole := decodeUser(k, v)
		if whole && r.at < first && r.seen+l.opts.ForgetAfter.Milliseconds() <= now {
			gone = append(gone, known{user: string(k), row: r})
		}
	})
	if l.usersFrom = from; err != nil || len(gone) == 0 {
		return err
	}
	l.mu.Lock()
	kept := gone[:0]
	epochs := &l.meta.epochs
	reused := false
	for _, k := range gone {
		if _, back := l.user(k.user); !back {
			kept = append(kept, k)
			reused = reused || epochs.effective(k.row.epoch) == epochs.base
		}
	}
	if gone = kept; reused {
		epochs.base = epochs.add()
	}
	m := l.meta
	l.mu.Unlock()
	m.users -= min(m.users, uint64(len(gone)))
	err = l.table.update(func(tx *bolt.Tx) error {
		users, cursors := tx.Bucket(bucketUsers), tx.Bucket(bucketCursors)
		for _, k := range gone {
			if err := users.Delete([]byte(k.user)); err != nil {
				return err
			}
			if err := deletePrefix(cursors, name{user: k.user}.key()); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(metaKey, m.encode())
	})
	if err == nil {
		l.mu.Lock()
		l.meta.users = m.users
		l.mu.Unlock()
	}
	return err
}

// forgetCursors removes cursors that have not moved for very long.
func (l *Ledger) forgetCursors(now int64) error {
	var gone [][]byte
	from, err := l.scan(bucketCursors, l.cursorFrom, func(k, v []byte) {
		if r, whole := decodeCursor(k, v); !whole || r.saved+cursorFactor*l.opts.ForgetAfter.Milliseconds() <= now {
			gone = append(gone, bytes.Clone(k))
		}
	})
	if l.cursorFrom = from; err != nil || len(gone) == 0 {
		return err
	}
	return l.table.update(func(tx *bolt.Tx) error {
		for _, k := range gone {
			if err := tx.Bucket(bucketCursors).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// scan passes some rows of a bucket from a key on, and returns the key to go on
// from; nil is the beginning.
func (l *Ledger) scan(bucket, from []byte, each func(k, v []byte)) (next []byte, err error) {
	err = l.table.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		n := 0
		for k, v := c.Seek(from); k != nil; k, v = c.Next() {
			if n++; n > forgetBatch {
				next = bytes.Clone(k)
				return nil
			}
			each(k, v)
		}
		return nil
	})
	return next, err
}

// deletePrefix removes all rows whose key begins so.
func deletePrefix(b *bolt.Bucket, prefix []byte) error {
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Seek(prefix) {
		if err := b.Delete(bytes.Clone(k)); err != nil {
			return err
		}
	}
	return nil
}
