package broker

import (
	"errors"

	"hubline/replay"
	"hubline/replay/ledger"
)

// Errors of publishes that must be on disk before anybody sees them.
var (
	// ErrNoSpace: the disk is full. Nothing was published; what was published
	// before is delivered and replayed as ever, and later publishes may succeed.
	ErrNoSpace = errors.New("no space is left for the log")
	// ErrLog: the disk has failed. Nothing was published, and nothing will be
	// until the process starts anew.
	ErrLog = errors.New("the log has failed")
	// ErrBusy: too much waits for the disk.
	ErrBusy = errors.New("too much waits to be written to the log")
)

// Ledger is where events are written before anybody sees them, and what is
// known about users beyond the memory. It is written to by one goroutine; the
// rest may be called concurrently, also with a shard's lock held.
type Ledger interface {
	replay.Backing

	// Append writes all entries or none. The i-th lies at Next()+i as it was
	// before. The error wraps ErrNoSpace, ErrBusy or ErrLog.
	Append(entries []ledger.Entry) (first uint64, err error)
	Next() uint64
	// Err is nil, or why nothing can be written any more.
	Err() error
	// Note has Find tell of a user from now on.
	Note(user string, st replay.Standing)
	// Users lists everybody known when it is called, each once. yield may call all
	// other methods.
	Users(yield func(user string, st replay.Standing) bool)

	FindKey(user, name string) (ledger.KeyRecord, bool)

	SaveCursors(cursors []ledger.DeviceCursor) error
	FindCursor(user, device string) (replay.Cursor, bool)

	// SaveFacts writes all or none. Facts may be called until the first write.
	SaveFacts(facts []ledger.Fact) error
	Facts(kind ledger.FactKind, yield func(ledger.Fact) bool)
	// RestateFacts writes some facts again if they must be, and reports whether more
	// are to come.
	RestateFacts() (more bool)
}
