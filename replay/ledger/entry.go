package ledger

import (
	"errors"
	"time"

	"hubline/replay"
)

// Entry is one record to be written: an event in the log of a user, or, if User is
// empty, the event of a broadcast that entries of users point to.
type Entry struct {
	User  string
	Event *replay.Event // not written if Body is set; then only its Time is used
	Epoch string
	Seq   uint64
	// Prev is the index of the user's event before this one; 0 is none.
	Prev uint64
	// Body is the index of the entry that has the event; 0 is this one. It may be in
	// the same batch.
	Body uint64
	// Keys are remembered for the user from now on.
	Keys []Key
}

// Key is what a publisher will recognise its publish by, and what it was answered.
type Key struct {
	Name      string
	Digest    [16]byte // of what was published
	ID        string
	Delivered int // connections it was handed to
}

// KeyRecord is what is remembered of a key.
type KeyRecord struct {
	Key

	Cursor replay.Cursor // of the event; of a broadcast it is zero
	At     uint64        // index of the entry
	Saved  time.Time
}

// DeviceCursor is what a device of a user has received.
type DeviceCursor struct {
	User, Device string
	Cursor       replay.Cursor
	Saved        time.Time // set by the ledger
}

// maxName bounds users, devices and names of keys in bytes: they are keys of the
// table, which takes 32 KiB for two of them.
const maxName = 8 << 10

// ErrName means that a user, a device or a key has a name that is empty or over
// 8 KiB. Nothing was written.
var ErrName = errors.New("ledger: name is empty or too long")

func validName(s string) bool { return s != "" && len(s) <= maxName }

// check finds what could be written but not kept.
func (e *Entry) check() error {
	if e.User == "" && e.Event == nil || e.Body == 0 && e.Event == nil {
		return errors.New("ledger: entry without an event")
	}
	if len(e.User) > maxName {
		return ErrName
	}
	if e.User != "" && (e.Seq == 0 || e.Epoch == "" || len(e.Epoch) > replay.MaxEpochLen) {
		return errors.New("ledger: entry without a cursor")
	}
	for i := range e.Keys {
		if !validName(e.Keys[i].Name) {
			return ErrName
		}
	}
	return nil
}
