package ledger

import (
	"bytes"
	"fmt"
	"os"
	"unsafe"

	bolt "go.etcd.io/bbolt"
)

// verify looks for what a table must not lose unnoticed: a user who is not found
// would begin anew at seq 1, in the epoch of old. So the file must be as long as its
// pages need, and the rows of users as many as were counted, in order, and found. It
// returns the names in rows that have changed. It reads all rows of users, a million in
// less than a second.
func verify(tx *bolt.Tx, m *meta) (bad []string, err error) {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return nil, err
	}
	if info.Size() < tx.Size() {
		return nil, fmt.Errorf("%w: it has %d bytes and needs %d", errTable, info.Size(), tx.Size())
	}
	for _, name := range [][]byte{bucketUsers, bucketCursors, bucketKeys, bucketDue} {
		if tx.Bucket(name) == nil {
			return nil, fmt.Errorf("%w: it has no %s", errTable, name)
		}
	}
	users := tx.Bucket(bucketUsers)
	missing := func(k []byte) bool { return k != nil && users.Get(k) == nil }
	var rows uint64
	var last []byte
	c := users.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		// Walking along finds what looking for it may not: the way to a page is kept in
		// others. It is the same for all in a page, so its first and last are looked for.
		lost := pageOf(k) != pageOf(last) && (missing(last) || missing(k))
		if lost || v == nil || bytes.Compare(k, last) <= 0 {
			return nil, fmt.Errorf("%w: its users are not in order", errTable)
		}
		if _, whole := decodeUser(k, v); !whole {
			if !validName(string(k)) { // nobody's, and no row could be written under it
				return nil, fmt.Errorf("%w: a user's name has %d bytes", errTable, len(k))
			}
			bad = append(bad, string(k))
		}
		last = k
		rows++
	}
	switch {
	case rows != m.users:
		return nil, fmt.Errorf("%w: it has %d users and should have %d", errTable, rows, m.users)
	case missing(last):
		return nil, fmt.Errorf("%w: its last user is not found", errTable)
	case len(bad) > maxAffected:
		return nil, fmt.Errorf("%w: %d of its rows", errTable, len(bad))
	}
	verifyFacts(tx, m)
	return bad, nil
}

// verifyFacts looks for rows of facts that have changed or are missing. The log has
// them too.
func verifyFacts(tx *bolt.Tx, m *meta) {
	var rows uint64
	if b := tx.Bucket(bucketFacts); b != nil {
		c := b.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if _, whole := unseal(k, v); !whole {
				m.factsLost = true
			}
			rows++
		}
	}
	if m.facts != uncounted && m.facts != rows {
		m.factsLost = true
	}
	m.facts = rows
}

// pageOf tells pages of the mapped file apart, the smallest that the library has.
func pageOf(k []byte) uintptr {
	const smallest = 1 << 10
	return uintptr(unsafe.Pointer(unsafe.SliceData(k))) / smallest //nolint:gosec // nothing is read by it
}
