package ledger

import (
	"errors"

	bolt "go.etcd.io/bbolt"

	"hubline/replay/journal"
)

// noFacts reports that no fact holds, and none is about to.
func (l *Ledger) noFacts() bool {
	if len(l.recentFacts()) > 0 {
		return false
	}
	none := false
	err := l.table.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketFacts)
		if none = b == nil; !none {
			k, _ := b.Cursor().First()
			none = k == nil
		}
		return nil
	})
	return err == nil && none
}

// restateNothing has the log tell all facts from its end on if there are none.
func (l *Ledger) restateNothing() {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if !l.noFacts() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meta.restated = restated{from: l.Next()}
}

// droppableFacts returns up to where the log may go without a fact being lost with it,
// and, if that is before upTo, has them said again; unless there is no room for that on
// the disk: then old events go all the same, to make some, and until then the table
// alone knows the facts. tableMu is held.
func (l *Ledger) droppableFacts(upTo uint64, worth bool) (uint64, error) {
	l.mu.Lock()
	r := l.meta.restated
	l.mu.Unlock()
	if r.from > upTo {
		return upTo, nil
	}
	if l.restateFull.Swap(false) && upTo > 0 {
		l.mu.Lock()
		l.meta.restated, l.dirty = restated{}, true
		l.mu.Unlock()
		if r.from > 0 {
			l.log.Warn("no space to write facts again, state.db alone has them until there is")
		}
		l.restateWanted.Store(true)
		return upTo, nil
	}
	if (r.from == 0 || worth) && !l.restateWanted.Load() {
		// In a segment of its own, so that the ones before it can go.
		if err := l.journal.Rotate(); err != nil && !errors.Is(err, journal.ErrNoSpace) {
			return 0, err
		}
		l.restateWanted.Store(true)
	}
	return max(r.from, 1) - 1, nil
}

// restateWorth reports whether it is worth the writing to have facts said again. They
// may be much compared with what the log may have: then it exceeds that, rather than to
// write nothing else.
func (l *Ledger) restateWorth(aged uint64, now int64) bool {
	l.mu.Lock()
	r, events := l.meta.restated, l.events
	l.mu.Unlock()
	var behind int64
	for _, s := range l.journal.Segments() {
		if s.First > r.last {
			behind += s.Bytes
		}
	}
	if behind >= r.bytes {
		return true
	}
	// Events that are too old are not kept for it.
	if aged < r.from || events < r.from || now-l.restatedAt < l.opts.MaxAge.Milliseconds()/rotateShare {
		return false
	}
	l.restatedAt = now
	return true
}

// findRestated finds out, when the log has been read, from where on it tells all facts.
func (r *recovery) findRestated(first uint64) {
	at := &r.meta.restated
	if len(r.bad) > 0 || at.from < first {
		*at = restated{}
	}
	if at.from == 0 && first == 1 && len(r.bad) == 0 && len(r.meta.damaged) == 0 {
		at.from = 1
	}
}

// dropFacts empties the table of facts if they are damaged and the log tells them all.
// If it does not, those that can be read stay.
func (r *recovery) dropFacts(first uint64) error {
	m := &r.meta
	if !m.factsLost {
		return nil
	}
	r.damaged.Add(1)
	r.facts = m.restated.from >= first || first == 1
	r.log.Error("facts in the table are damaged", "read_from_log", r.facts)
	if !r.facts {
		return nil
	}
	m.facts = 0
	return r.table.update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(bucketFacts); err != nil {
			return err
		}
		if _, err := tx.CreateBucket(bucketFacts); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(metaKey, m.encode())
	})
}
