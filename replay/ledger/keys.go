package ledger

import (
	"bytes"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"hubline/replay"
)

// purgeRounds is how many transactions of txRows keys a checkpoint removes at most:
// more than come in between two, so that they never pile up.
const purgeRounds = 16

// keysLocked remembers the keys of an entry.
func (l *Ledger) keysLocked(e *Entry, index uint64, at int64) {
	for _, k := range e.Keys {
		r := KeyRecord{Key: k, At: index, Saved: time.UnixMilli(at)}
		if e.User != "" {
			r.Cursor = replay.Cursor{Epoch: e.Epoch, Seq: e.Seq}
		}
		l.active.keys[name{e.User, k.Name}] = r
	}
}

// FindKey returns what a publish to the user with that key was answered; the user is
// empty for a broadcast.
func (l *Ledger) FindKey(user, key string) (r KeyRecord, ok bool) {
	n := name{user, key}
	l.mu.Lock()
	r, ok = l.key(n)
	l.mu.Unlock()
	if !ok {
		whole, k := true, n.key()
		err := l.table.get(bucketKeys, k, func(row []byte) {
			if ok = row != nil; ok {
				r, whole = decodeKey(k, row)
			}
		})
		if err != nil || !whole {
			l.badRow("row of a key is damaged", user, err)
			return KeyRecord{}, false
		}
	}
	if !ok || l.keyIsOld(r.Saved.UnixMilli(), r.At, l.opts.Now().UnixMilli()) {
		return KeyRecord{}, false
	}
	r.Name = key
	return r, true
}

// keyIsOld reports whether a key may be forgotten.
func (l *Ledger) keyIsOld(saved int64, at uint64, now int64) bool {
	if saved+l.opts.KeyTTL.Milliseconds() > now {
		return false
	}
	return l.opts.MaxAge > 0 || at < l.journal.First()
}

// purgeKeys removes keys that are old, the oldest first, as many as one call may.
// tableMu is held.
func (l *Ledger) purgeKeys() error {
	for range purgeRounds {
		old, err := l.oldKeys()
		if err != nil || len(old) == 0 {
			return err
		}
		err = l.table.update(func(tx *bolt.Tx) error {
			for _, k := range old {
				if err := tx.Bucket(bucketDue).Delete(k.due); err != nil {
					return err
				}
				if k.again {
					continue
				}
				if err := tx.Bucket(bucketKeys).Delete(k.due[8:]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(old) < txRows {
			return err
		}
	}
	return nil
}

// oldKey is a key that was due. If its name has been used again since, that one is
// due later.
type oldKey struct {
	due   []byte
	again bool
}

func (l *Ledger) oldKeys() (old []oldKey, err error) {
	now := l.opts.Now().UnixMilli()
	err = l.table.view(func(tx *bolt.Tx) error {
		keys, c := tx.Bucket(bucketKeys), tx.Bucket(bucketDue).Cursor()
		for k, _ := c.First(); k != nil && len(old) < txRows && len(k) > 8; k, _ = c.Next() {
			saved := int64(binary.BigEndian.Uint64(k)) //nolint:gosec // was an int64
			r, whole := decodeKey(k[8:], keys.Get(k[8:]))
			again := whole && r.Saved.UnixMilli() != saved
			if saved+l.opts.KeyTTL.Milliseconds() > now || whole && !again && !l.keyIsOld(saved, r.At, now) {
				break
			}
			old = append(old, oldKey{bytes.Clone(k), again})
		}
		return nil
	})
	return old, err
}

// badRow counts and logs a row that cannot be read.
func (l *Ledger) badRow(message, user string, err error) {
	if !isClosed(err) {
		l.damaged.Add(1)
		l.log.Error(message, "user", user, "err", err) //nolint:sloglint // two messages, both constant
	}
}
