package ledger

import (
	"errors"
	"fmt"

	"hubline/replay"
	"hubline/replay/journal"
)

// cursorTime is the time of records of cursors, and of facts that are said again. They
// hold up no retention, and a damaged one is known for what it is by it.
const cursorTime = 1

// manyPending is how many entries may wait for Note before it is looked which do.
const manyPending = 8 << 10

// Next returns the index that the next entry gets, so that entries of one batch can
// point to each other. It holds until the goroutine that writes writes.
func (l *Ledger) Next() uint64 { return l.journal.Last() + 1 }

// Append puts entries on disk as one commit, all or none; entry i has index first+i.
// When it returns, what they say of keys is found. Where the logs of their users
// stand is not, until Note tells. Errors are those of journal.Journal.Append, and
// ErrName; with any of them nothing of the batch counts, now or later.
func (l *Ledger) Append(entries []Entry) (first uint64, err error) {
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return 0, err
		}
	}
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if err := l.room(); err != nil {
		return 0, err
	}
	at := int64(0)
	ends := make([]int, len(entries))
	for i := range entries {
		e := &entries[i]
		l.buf = appendEntry(l.buf, e)
		ends[i] = len(l.buf)
		if e.Event != nil {
			at = max(at, e.Event.Time)
		}
	}
	if at <= cursorTime {
		at = max(l.opts.Now().UnixMilli(), cursorTime+1)
	}
	begin := 0
	for _, end := range ends {
		l.records = append(l.records, l.buf[begin:end])
		begin = end
	}
	if first, err = l.write(at); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.events = at, first+uint64(len(entries))-1
	for i := range entries {
		e, index := &entries[i], first+uint64(i)
		l.keysLocked(e, index, at)
		if e.User != "" {
			l.pending = append(l.pending, pending{index, e.User})
		}
	}
	l.wroteLocked(first + uint64(len(entries)) - 1)
	return first, nil
}

// wroteLocked follows everything that was written.
func (l *Ledger) wroteLocked(last uint64) {
	l.last = last
	if len(l.pending) >= l.many {
		l.settleLocked()
		l.many = max(manyPending, 2*len(l.pending))
	}
	if l.active.size() >= l.opts.CheckpointSize {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// room lets the table catch up when too much waits for it. If it cannot, nothing
// more is taken: what is in memory would grow without bound.
func (l *Ledger) room() error {
	l.mu.Lock()
	full := l.active.size() >= overlayFactor*l.opts.CheckpointSize
	l.mu.Unlock()
	if !full || l.journal.Err() != nil {
		return nil // the log says it itself
	}
	if err := l.Checkpoint(); err != nil {
		if isNoSpace(err) {
			return fmt.Errorf("%w: %w", journal.ErrNoSpace, err)
		}
		return fmt.Errorf("%w: %w", journal.ErrFull, err)
	}
	return nil
}

// Note makes Find tell that the user's log stands there. It is called for every
// entry of a user, under the lock under which the event entered the Store, so that
// both tell the same; not before, or the Store would count the event twice.
func (l *Ledger) Note(user string, st replay.Standing) {
	l.mu.Lock()
	epochs := &l.meta.epochs
	number := epochs.base
	if epochs.texts[number] != st.Epoch {
		number = epochs.intern(st.Epoch)
	}
	l.active.users[user] = userRow{epoch: number, head: st.Head, at: st.At, seen: l.now}
	l.mu.Unlock()
}

// settleLocked forgets the pending entries of which Note has told. It has, since it
// was last called, only of users in the layers.
func (l *Ledger) settleLocked() {
	kept := l.pending[:0]
	for _, p := range l.pending {
		if r, ok := l.user(p.user); !ok || r.at < p.index {
			kept = append(kept, p)
		}
	}
	clear(l.pending[len(kept):])
	l.pending = kept
}

// Find returns where the log of a user stands, as the Store is to know it. A user
// who is not known stands at 0 in the epoch of new users, and ok is false.
func (l *Ledger) Find(user string) (st replay.Standing, ok bool) {
	r, ok := l.row(user)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok {
		return replay.Standing{Epoch: l.meta.epochs.texts[l.meta.epochs.base]}, false
	}
	return l.standingLocked(r), true
}

func (l *Ledger) standingLocked(r userRow) replay.Standing {
	return replay.Standing{Epoch: l.meta.epochs.text(r.epoch), Head: r.head, At: r.at}
}

// Epoch is that of new users.
func (l *Ledger) Epoch() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meta.epochs.texts[l.meta.epochs.base]
}

// row returns what is known of a user.
func (l *Ledger) row(user string) (r userRow, ok bool) {
	l.mu.Lock()
	r, ok = l.user(user)
	l.mu.Unlock()
	if ok || user == "" {
		return r, ok
	}
	// What has left the layers meanwhile is in the table by now.
	whole := true
	err := l.table.get(bucketUsers, []byte(user), func(row []byte) {
		if ok = row != nil; ok {
			r, whole = decodeUser([]byte(user), row)
		}
	})
	switch {
	case isClosed(err):
		return userRow{}, false
	case err != nil || !whole:
		return l.replaceRow(user, err), true
	}
	return r, ok
}

// replaceRow begins a user's log anew whose row cannot be read: in an epoch that
// nobody had.
func (l *Ledger) replaceRow(user string, err error) userRow {
	l.mu.Lock()
	r, ok := l.user(user)
	if !ok {
		if !l.freshMade {
			l.fresh, l.freshMade = l.meta.epochs.add(), true
		}
		r = userRow{epoch: l.fresh, seen: l.opts.Now().UnixMilli()}
		l.active.users[user] = r
	}
	l.mu.Unlock()
	if !ok {
		l.damaged.Add(1)
		l.changed.Add(1)
		l.log.Error("row of a user is damaged, the epoch changes", "user", user, "err", err)
	}
	return r
}

// isBadRecord tells errors of one record from those of the disk.
func isBadRecord(err error) bool {
	return errors.Is(err, journal.ErrCorrupt) || errors.Is(err, errRecord) || errors.Is(err, journal.ErrNotFound)
}
