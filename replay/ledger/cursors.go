package ledger

import (
	"bytes"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"hubline/replay"
)

// SaveCursors puts on disk what devices have received, as one commit. A cursor that
// is not after the saved one of its epoch is passed over. Errors as Append.
func (l *Ledger) SaveCursors(cursors []DeviceCursor) error {
	for i := range cursors {
		if !validName(cursors[i].User) || !validName(cursors[i].Device) || len(cursors[i].Cursor.Epoch) > replay.MaxEpochLen {
			return ErrName
		}
	}
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	var later []DeviceCursor
	for i := range cursors {
		c := &cursors[i]
		old, ok := l.FindCursor(c.User, c.Device)
		if !ok || old.Epoch != c.Cursor.Epoch || old.Seq < c.Cursor.Seq {
			later = append(later, *c)
		}
	}
	if len(later) == 0 {
		return nil
	}
	if err := l.room(); err != nil {
		return err
	}
	now := l.opts.Now().UnixMilli()
	l.buf = appendCursors(l.buf, now, later)
	l.records = append(l.records, l.buf)
	index, err := l.write(cursorTime)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range later {
		c := &later[i]
		l.active.putCursor(c.User, c.Device, cursorRow{c.Cursor, now})
	}
	l.wroteLocked(index)
	return nil
}

// FindCursor returns what a device of a user has received.
func (l *Ledger) FindCursor(user, device string) (replay.Cursor, bool) {
	n := name{user, device}
	l.mu.Lock()
	r, ok := l.cursor(n)
	l.mu.Unlock()
	if ok || user == "" {
		return r.cursor, ok
	}
	whole, key := true, n.key()
	err := l.table.get(bucketCursors, key, func(row []byte) {
		if ok = row != nil; ok {
			r, whole = decodeCursor(key, row)
		}
	})
	if err != nil || !whole {
		l.badRow("row of a device is damaged", user, err)
		return replay.Cursor{}, false
	}
	return r.cursor, ok
}

// Cursors returns the devices of a user in the order of their names, as of the call
// of the sequence.
func (l *Ledger) Cursors(user string) iter.Seq[DeviceCursor] {
	return func(yield func(DeviceCursor) bool) {
		rows := map[string]cursorRow{}
		l.mu.Lock()
		for _, o := range []*overlay{l.writing, l.active} {
			if o != nil {
				maps.Copy(rows, o.cursors[user])
			}
		}
		l.mu.Unlock()
		err := l.table.view(func(tx *bolt.Tx) error {
			prefix := name{user: user}.key()
			c := tx.Bucket(bucketCursors).Cursor()
			for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
				device := string(k[len(prefix):])
				if _, newer := rows[device]; newer {
					continue
				}
				if r, whole := decodeCursor(k, v); whole {
					rows[device] = r
				}
			}
			return nil
		})
		if err != nil {
			l.badRow("row of a device is damaged", user, err)
		}
		for _, device := range slices.SortedFunc(maps.Keys(rows), strings.Compare) {
			r := rows[device]
			if !yield(DeviceCursor{User: user, Device: device, Cursor: r.cursor, Saved: time.UnixMilli(r.saved)}) {
				return
			}
		}
	}
}
