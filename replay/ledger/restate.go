package ledger

import (
	"errors"

	bolt "go.etcd.io/bbolt"

	"hubline/replay/journal"
)

// Facts have no age, and the records that say them have. So that the log alone can tell
// all that hold, those that do are said again before the records of old are dropped:
// once in the time in which the log is renewed as a whole. The goroutine that writes
// does it, a portion at a time, so that what is said again holds at that moment.

const (
	// restatePortion and restateBytes bound what is said again in one commit, and how
	// long others wait for it.
	restatePortion = 2048
	restateBytes   = 256 << 10
)

// restated is from where on the log alone tells all facts that hold.
type restated struct {
	from  uint64 // 0: nowhere
	last  uint64 // the last record of those that say them again
	bytes int64  // of these records
}

// restating is facts being said again. Guarded by writeMu.
type restating struct {
	begun  bool
	recent []factID // that were in the layers at the beginning
	after  []byte   // the key in the table up to which it is done
	done   restated
}

// RestateFacts has a portion of the facts that hold written again, when Retain waits
// for that, and reports whether more are to come. It is called by the goroutine that
// writes, about once a second and then until it returns false. If nothing can be
// written, Retain asks again.
func (l *Ledger) RestateFacts() (more bool) {
	if !l.restateWanted.Load() {
		return false
	}
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	more, err := l.restateLocked()
	if more && err == nil {
		return true
	}
	l.restating = restating{}
	l.restateWanted.Store(false)
	full := errors.Is(err, journal.ErrNoSpace)
	l.restateFull.Store(full)
	if err != nil && !full && l.journal.Err() == nil {
		l.log.Warn("facts could not be written again, it is tried later", "err", err)
	}
	return false
}

// restateLocked is RestateFacts with writeMu held.
func (l *Ledger) restateLocked() (more bool, err error) {
	r := &l.restating
	if !r.begun {
		r.begun, r.recent = true, l.recentFacts()
		r.done.from = l.Next()
	}
	facts, over, err := l.portion(r)
	if err != nil {
		return false, err
	}
	if len(facts) > 0 {
		if err := l.room(); err != nil {
			return false, err
		}
		l.buf = appendFacts(l.buf, facts)
		l.records = append(l.records, l.buf)
		size := int64(len(l.buf))
		// They hold up no retention, and if one is damaged nothing is lost: the table has
		// them too.
		index, err := l.write(cursorTime)
		if err != nil {
			return false, err
		}
		r.done.last = index
		r.done.bytes += size
		l.mu.Lock()
		l.wroteLocked(index)
		l.mu.Unlock()
	}
	if over {
		l.mu.Lock()
		l.meta.restated, l.dirty = r.done, true
		l.mu.Unlock()
	}
	return !over, nil
}

// recentFacts returns which facts are in the layers.
func (l *Ledger) recentFacts() (ids []factID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range []*overlay{l.writing, l.active} {
		if o == nil {
			continue
		}
		for id := range o.facts {
			ids = append(ids, id)
		}
	}
	return ids
}

// portion returns the next facts that are to be said again. writeMu is held, so that
// they hold until they are written.
func (l *Ledger) portion(r *restating) (facts []Fact, over bool, err error) {
	var ids []factID
	if n, size := 0, 0; len(r.recent) > 0 {
		for ; n < min(restatePortion, len(r.recent)) && size < restateBytes; n++ {
			size += len(r.recent[n].user) + len(r.recent[n].of)
		}
		ids, r.recent = r.recent[:n], r.recent[n:]
	} else if ids, err = l.factsAfter(&r.after); err != nil {
		return nil, false, err
	}
	facts, err = l.factsOf(ids)
	return facts, len(ids) == 0, err
}

// factsAfter returns facts that are in the table after a key, and moves the key.
func (l *Ledger) factsAfter(after *[]byte) (ids []factID, err error) {
	err = l.table.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketFacts)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		k, v := c.Seek(append(*after, 0)) // the first key behind it
		if *after == nil {
			k, v = c.First()
		}
		for size := 0; k != nil && len(ids) < restatePortion && size < restateBytes; k, v = c.Next() {
			*after = append((*after)[:0], k...)
			size += len(k) + len(v)
			if id, ok := parseFactID(k); ok {
				ids = append(ids, id)
			}
		}
		return nil
	})
	return ids, err
}

// factsOf returns which of these facts hold.
func (l *Ledger) factsOf(ids []factID) (facts []Fact, err error) {
	facts = make([]Fact, 0, len(ids))
	// First what is in the layers: whatever is not there is in the table by then.
	rest := make([]factID, 0, len(ids))
	l.mu.Lock()
	for _, id := range ids {
		value, ok := l.fact(id)
		switch {
		case !ok:
			rest = append(rest, id)
		case value != nil:
			facts = append(facts, id.fact(value))
		}
	}
	l.mu.Unlock()
	err = l.table.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketFacts)
		for _, id := range rest {
			key := id.key()
			row := b.Get(key)
			if row == nil {
				continue
			}
			w, whole := unseal(key, row)
			if !whole {
				l.badRow("row of a fact is damaged", id.of, nil)
				continue
			}
			facts = append(facts, id.fact(append([]byte{}, w.b...)))
		}
		return nil
	})
	return facts, err
}

func (id factID) fact(value []byte) Fact { return Fact{id.kind, id.user, id.of, value} }
