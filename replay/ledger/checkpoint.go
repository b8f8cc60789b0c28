package ledger

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// run writes checkpoints until Close.
func (l *Ledger) run() {
	defer close(l.done)
	tick := time.NewTicker(l.opts.CheckpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			_ = l.Checkpoint() //nolint:errcheck // it is logged and in Stats
		case <-l.wake:
			if l.tableError() == nil { // else the next tick is soon enough
				_ = l.Checkpoint() //nolint:errcheck // as above
			}
		}
	}
}

func (l *Ledger) tableError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tableErr
}

// Checkpoint moves what waits in memory into the table, and removes keys that are
// old. It happens by itself; a call is for whoever wants the next Open to be quick.
// If it fails, what was to be written stays in memory and is tried again.
func (l *Ledger) Checkpoint() error {
	l.tableMu.Lock()
	defer l.tableMu.Unlock()
	if err := l.checkpointLocked(); err != nil {
		return err
	}
	return l.purgeKeys()
}

// checkpointLocked is Checkpoint with tableMu held, but for the keys.
func (l *Ledger) checkpointLocked() error {
	o, m := l.beginCheckpoint()
	if o == nil {
		return nil
	}
	err := l.writeOverlay(o, &m)
	l.mu.Lock()
	known := l.tableErr != nil
	l.tableErr = err
	if err == nil {
		l.writing = nil
	} else {
		l.dirty = true
	}
	l.mu.Unlock()
	if err != nil && !known {
		l.log.Warn("checkpoint could not be written, it is tried again", "err", err)
	}
	return err
}

// beginCheckpoint returns what is to be written, or nil if there is nothing.
func (l *Ledger) beginCheckpoint() (*overlay, meta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing == nil {
		l.settleLocked()
		index := l.last
		if len(l.pending) > 0 {
			// The table must not tell of what Note has not. What it tells beyond the index
			// is applied again after a crash, to the same end.
			index = l.pending[0].index - 1
		}
		if l.active.size() == 0 && index == l.meta.index && !l.dirty {
			return nil, meta{}
		}
		l.active.index = index
		l.writing, l.active = l.active, newOverlay()
	}
	l.dirty = false
	return l.writing, l.meta
}

// put is a row to be written.
type put struct {
	bucket, key, row []byte
	gone             bool // the row is removed
}

// txRows is how many rows are written in one transaction. Each may lie in a page of
// its own, of which the transaction has a copy in memory until it ends.
const txRows = 4096

// writeOverlay puts an overlay into the table, in several transactions. The index
// moves with the last one: rows that are ahead of it are written again after a crash,
// to the same end.
func (l *Ledger) writeOverlay(o *overlay, m *meta) error {
	puts := o.puts()
	for {
		n := min(txRows, len(puts))
		last := n == len(puts)
		if last {
			m.index = o.index
		}
		users, facts := m.users, m.facts
		err := l.table.update(func(tx *bolt.Tx) error {
			if _, err := tx.CreateBucketIfNotExists(bucketFacts); err != nil { // a table may be older than facts
				return err
			}
			for _, p := range puts[:n] {
				b := tx.Bucket(p.bucket)
				if &p.bucket[0] == &bucketFacts[0] {
					switch was := b.Get(p.key) != nil; {
					case was && p.gone:
						facts--
					case !was && !p.gone:
						facts++
					}
				}
				if p.gone {
					if err := b.Delete(p.key); err != nil {
						return err
					}
					continue
				}
				if &p.bucket[0] == &bucketUsers[0] && b.Get(p.key) == nil {
					users++
				}
				if err := b.Put(p.key, p.row); err != nil {
					return err
				}
			}
			m.users, m.facts = users, facts
			return tx.Bucket(bucketMeta).Put(metaKey, m.encode())
		})
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.meta.index, l.meta.users, l.meta.facts = m.index, m.users, m.facts
		l.mu.Unlock()
		if puts = puts[n:]; last {
			return nil
		}
	}
}

// puts returns the rows of an overlay in the order of their keys: neighbours share
// pages.
func (o *overlay) puts() []put {
	puts := make([]put, 0, o.size()+len(o.keys))
	for user, r := range o.users {
		key := []byte(user)
		puts = append(puts, put{bucket: bucketUsers, key: key, row: r.encode(key)})
	}
	for user, devices := range o.cursors {
		for device, c := range devices {
			key := name{user, device}.key()
			puts = append(puts, put{bucket: bucketCursors, key: key, row: c.encode(key)})
		}
	}
	for n, r := range o.keys {
		key := n.key()
		puts = append(puts,
			put{bucket: bucketKeys, key: key, row: r.encode(key)}, put{bucket: bucketDue, key: dueKey(r.Saved.UnixMilli(), key)})
	}
	for id, value := range o.facts {
		key := id.key()
		puts = append(puts, put{bucket: bucketFacts, key: key, row: seal(key, slices.Clone(value)), gone: value == nil})
	}
	slices.SortFunc(puts, func(a, b put) int {
		return cmp.Or(bytes.Compare(a.bucket, b.bucket), bytes.Compare(a.key, b.key))
	})
	return puts
}
