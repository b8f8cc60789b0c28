package ledger

import (
	"maps"

	bolt "go.etcd.io/bbolt"

	"hubline/replay"
)

// usersPage is how many users are read from the table in one transaction: a
// transaction that lasts holds up the growth of the file, and so checkpoints.
const usersPage = 1024

// known is a user and where the log stands.
type known struct {
	user string
	row  userRow
	st   replay.Standing
	bad  bool
}

// Users calls yield for every user who was known when it was called, once, until it
// returns false. Some of those who become known meanwhile are among them. Where a log
// stands is as of shortly before; yield may call any method. Memory is that of what
// waits for a checkpoint.
func (l *Ledger) Users(yield func(user string, st replay.Standing) bool) {
	recent := map[string]struct{}{}
	l.mu.Lock()
	for _, o := range []*overlay{l.writing, l.active} {
		if o == nil {
			continue
		}
		for user := range maps.Keys(o.users) {
			recent[user] = struct{}{}
		}
	}
	l.mu.Unlock()
	// These stay in sight: they are in a layer, or in the table once they are not.
	for user := range recent {
		if st, ok := l.Find(user); ok && !yield(user, st) {
			return
		}
	}
	page := make([]known, 0, usersPage)
	for after := []byte(nil); ; {
		page = l.usersAfter(after, page[:0])
		if len(page) == 0 {
			return
		}
		after = []byte(page[len(page)-1].user)
		for i := range page {
			if _, done := recent[page[i].user]; !done && !yield(page[i].user, page[i].st) {
				return
			}
		}
	}
}

// usersAfter appends the next users of the table to page, which has room for them.
func (l *Ledger) usersAfter(after []byte, page []known) []known {
	err := l.table.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketUsers).Cursor()
		k, v := c.Seek(append(after, 0)) // the first key behind it
		if after == nil {
			k, v = c.First()
		}
		for ; k != nil && len(page) < cap(page); k, v = c.Next() {
			r, whole := decodeUser(k, v)
			page = append(page, known{user: string(k), row: r, bad: !whole})
		}
		return nil
	})
	if err != nil {
		l.badRow("users could not be listed", "", err)
		return nil
	}
	for i := range page {
		if page[i].bad {
			page[i].row = l.replaceRow(page[i].user, nil)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range page {
		if r, ok := l.user(page[i].user); ok {
			page[i].row = r
		}
		page[i].st = l.standingLocked(page[i].row)
	}
	return page
}
