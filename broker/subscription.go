package broker

import (
	"sync"

	"hubline/replay"
)

// Waker is told that a subscription has something to take. It must not block
// and must not call the broker: it is called with a user's lock held, and may
// be called before Subscribe returns.
type Waker interface{ Wake() }

// Options describe a subscription.
type Options struct {
	// User whose events are wanted. Required.
	User string
	// Device of the client, if its token names one. Events meant for another
	// device, or for all but this one, are left out.
	Device string
	// Since is where to begin. SinceDevice means the device's saved cursor,
	// or live only when there is none.
	Since replay.Since
	// Match leaves out events for which it returns false; nil takes all. It
	// is called with a user's lock held and must be quick and pure.
	Match func(*replay.Event) bool
	// Waker is told when there is something to take. Required.
	Waker Waker
	// Room, if not zero, is for a connection that makes one answer and goes: how
	// many events that has room for. Redeliver hands it no more, for they would be
	// lost.
	Room int
	// Notices has the connection told who joins and leaves the presence channels that
	// its user is a member of.
	Notices bool
}

// Welcome tells where a subscription begins.
type Welcome struct {
	Epoch    string
	Start    uint64 // everything after this seq follows
	Head     uint64 // newest seq at the time of joining
	Oldest   uint64 // oldest seq still kept
	Replayed int    // how many events follow from the log
	// Recovered: every event after the asked position follows. It is false
	// for SinceDevice when there is no saved cursor: what the device missed
	// is then unknown.
	Recovered bool
	// Gap is what can no longer be replayed. The dialect announces it before
	// the first delivery; gaps that come later are deliveries themselves.
	Gap *replay.Gap
	// Resume is the cursor that a client may safely keep before it has read
	// anything: where delivery starts, or, as long as a gap has not been
	// announced, the cursor that it asked with, unless that is ahead.
	Resume replay.Cursor
}

// Delivery is one thing for a client: an event, a gap or a notice.
type Delivery struct {
	// Seq of the event, or of the last event of the gap.
	Seq   uint64
	Event *replay.Event
	// Frame shares encodings with other connections. It is nil for events
	// that this connection alone is sent, or has read from the log.
	Frame *Frame
	// Gap, if set, stands in the place of events that are lost.
	Gap *replay.Gap
	// Notice, if set, is all there is: it has no place in the log.
	Notice *Notice
}

// Placed reports that the Seq is a place that the connection has come to: that of an
// event in its turn, or of a gap.
func (d *Delivery) Placed() bool { return d.Notice == nil && !d.Redelivered() }

// Redelivered reports that the event comes once more, by Redeliver. Its Seq is no
// place that the connection is at, and its Frame, which is never nil, is not that of
// live delivery: forms may be marked.
func (d *Delivery) Redelivered() bool { return d.Frame != nil && d.Frame.again }

// Subscription is one connection's place in a user's log. Its methods may be
// called concurrently, but for Next, which has one caller at a time.
type Subscription struct {
	u      *user
	device string
	match  func(*replay.Event) bool
	waker  Waker

	next, prev *Subscription // of the same user; guarded by the shard's lock

	mu     sync.Mutex
	queue  queue
	beside *beside // waits beside the queue; nil: nothing
	pos    uint64  // everything up to here was taken, is lost or not for this connection
	behind bool    // reads from the log; the queue is empty
	closed bool

	notices bool  // Options.Notices; does not change
	room    int32 // Options.Room; does not change
}

// LogHead is the seq of the newest event in the user's log.
func (s *Subscription) LogHead() uint64 { return s.u.log.State().Head }

// LogEpoch is the epoch of the user's log. It does not change while there is a
// subscription.
func (s *Subscription) LogEpoch() string { return s.u.epoch }
