package broker

import (
	"strings"
	"sync/atomic"

	"hubline/replay"
)

// Receipts tell whether a sign that a connection's client reads moves its device's
// cursor. The methods may be called concurrently.
//
// A sign counts only if the cursor reaches to where the connection began, or to behind
// the gap that it was told of first: what lies between was never sent to the device. A
// connection that asked for only what is new leaves such a hole, and confirms nothing
// until another has filled it.
//
// A client that names cursors itself, by Acknowledge, says what it has dealt with, which
// is more than that it was read. From then on signs only take it past what was not for it.
type Receipts struct {
	since replay.Cursor // where the connection asked to begin
	start uint64        // in the present epoch, behind the gap that it was told of first

	last   atomic.Uint64 // seq of the newest event or gap that was laid out
	named  atomic.Bool   // the client names cursors itself
	broken atomic.Bool   // a gap was passed that the client does not know of
}

// Init is called before the receipts are used, for a client that is told of w.Gap.
func (r *Receipts) Init(w *Welcome) {
	r.since, r.start = w.Resume, w.Start
	r.last.Store(w.Start)
}

// Sent notes that the client is sent a delivery, which is not redelivered. One caller at
// a time.
func (r *Receipts) Sent(seq uint64) { r.last.Store(max(r.last.Load(), seq)) }

// Break notes that the client is not told of a gap. What it reads behind it must not take
// its device's cursor there.
func (r *Receipts) Break() { r.broken.Store(true) }

// Named notes that the client has named a cursor.
func (r *Receipts) Named() { r.named.Store(true) }

// counts reports whether a sign may move the cursor from what a device has, to one in the
// epoch.
func (r *Receipts) counts(has replay.Cursor, epoch string) bool {
	if r.named.Load() {
		return has.Epoch == epoch && has.Seq >= r.last.Load()
	}
	return has.Epoch == r.since.Epoch && has.Seq >= r.since.Seq || has.Epoch == epoch && has.Seq >= r.start
}

// Begin gives a device that is not known a place to come back to: the one where w says
// that a connection of its begins. It is no confirmation: the first Acknowledge may name an
// earlier one. It changes nothing for a
// device that is known, or without one.
func (s *Subscription) Begin(w *Welcome) {
	if s.device == "" {
		return
	}
	devices := &s.u.shard.broker.devices
	if _, ok := devices.find(s.u.name, s.device); !ok {
		s.move(func() { devices.begin(s.u.name, s.device, w.Resume) })
	}
}

// Received saves for the connection's device that the client has read everything up to
// seq, of what Next has returned or left out as not for it: a sign has come that proves
// it, though the client did not say so. See Receipts for when that is not enough. Without
// a device, and after Close, it does nothing.
func (s *Subscription) Received(r *Receipts, seq uint64) {
	if s.device == "" || r.broken.Load() {
		return
	}
	s.move(func() {
		at := replay.Cursor{Epoch: s.u.epoch, Seq: seq}
		s.u.shard.broker.devices.move(s.u.name, s.device, at, func(old place) bool {
			return r.counts(old.Cursor, at.Epoch) && (old.Epoch != at.Epoch || old.Seq < at.Seq)
		})
	})
}

// move calls save while the log cannot be replaced by one of another epoch.
func (s *Subscription) move(save func()) {
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if !closed { // else the log is no longer pinned, and may be another by now
		save()
	}
}

// begin saves the cursor of a device that find does not know.
func (d *deviceCursors) begin(user, device string, c replay.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := deviceID{strings.Clone(user), strings.Clone(device)} // they outlive the connection
	if _, moved := d.moved[id]; !moved && !d.lru.Contains(id) {
		d.putLocked(id, place{Cursor: c, begun: true})
	}
}
