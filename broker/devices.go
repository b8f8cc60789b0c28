package broker

import (
	"maps"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// deviceCursors remembers how far each device has confirmed its user's events.
// The devices that used theirs least recently are forgotten first; with a ledger,
// it knows them.
type deviceCursors struct {
	ledger Ledger // or nil

	mu    sync.Mutex
	lru   *simplelru.LRU[deviceID, place]
	moved map[deviceID]replay.Cursor // and not yet written to the ledger
}

type deviceID struct{ user, device string }

// place is a saved cursor. One that was only begun, see Subscription.Begin, gives way
// to the first that the client names itself, even to an earlier one: it may know better
// from where on it lacks something.
type place struct {
	replay.Cursor

	begun bool
}

func (d *deviceCursors) init(size int, l Ledger) {
	lru, err := simplelru.NewLRU[deviceID, place](max(1, size), nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	d.lru, d.ledger = lru, l
}

// find returns the device's saved cursor.
func (d *deviceCursors) find(user, device string) (replay.Cursor, bool) {
	id := deviceID{user, device}
	d.mu.Lock()
	p, ok := d.lru.Get(id)
	c := p.Cursor
	if !ok {
		c, ok = d.moved[id] // forgotten in the second before it is written
	}
	d.mu.Unlock()
	if !ok && d.ledger != nil && device != "" {
		return d.ledger.FindCursor(user, device)
	}
	return c, ok
}

// save moves the device's cursor forward, to what the client has named; within an epoch
// it never goes back.
func (d *deviceCursors) save(user, device string, c replay.Cursor) {
	d.move(user, device, c, func(old place) bool {
		return old.begun || old.Epoch != c.Epoch || old.Seq < c.Seq
	})
}

// move saves the device's cursor, unless there is one of which may reports false.
func (d *deviceCursors) move(user, device string, c replay.Cursor, may func(old place) bool) {
	was, ok := d.find(user, device)
	d.mu.Lock()
	defer d.mu.Unlock()
	id := deviceID{user, device}
	old := place{Cursor: was}
	if now, here := d.lru.Peek(id); here {
		old, ok = now, true // perhaps moved meanwhile
	} else {
		id = deviceID{strings.Clone(user), strings.Clone(device)} // they outlive the connection
	}
	if ok && !may(old) {
		d.lru.Add(id, old) // as a use it counts all the same
		return
	}
	d.putLocked(id, place{Cursor: c})
}

// putLocked saves a cursor, whose names outlive the connection.
func (d *deviceCursors) putLocked(id deviceID, p place) {
	if d.ledger != nil {
		if d.moved == nil {
			d.moved = make(map[deviceID]replay.Cursor)
		}
		d.moved[id] = p.Cursor
	}
	d.lru.Add(id, p)
}

// take returns the cursors that have moved since it was called last.
func (d *deviceCursors) take() map[deviceID]replay.Cursor {
	d.mu.Lock()
	defer d.mu.Unlock()
	moved := d.moved
	d.moved = nil
	return moved
}

// putBack has cursors taken again that were not written, unless they have moved on.
func (d *deviceCursors) putBack(cursors map[deviceID]replay.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moved != nil {
		maps.Copy(cursors, d.moved)
	}
	d.moved = cursors
}

// DeviceCursor is the saved cursor of a user's device.
func (b *Broker) DeviceCursor(user, device string) (replay.Cursor, bool) {
	return b.devices.find(user, device)
}

// Acknowledge saves the cursor for the connection's device: the client has
// everything up to it. A cursor of another epoch or ahead of the log is ignored,
// for it would skip events to come. Without a device, and after Close, it does
// nothing.
func (s *Subscription) Acknowledge(c replay.Cursor) {
	if s.device == "" {
		return
	}
	// Under the shard's lock, or a cursor that was checked before a change of
	// the epoch could be saved after one that was checked behind it.
	s.move(func() {
		st := s.u.log.State()
		if c.Epoch == "" {
			c.Epoch = st.Epoch
		}
		if c.Epoch == st.Epoch && c.Seq <= st.Head {
			s.u.shard.broker.devices.save(s.u.name, s.device, c)
		}
	})
}
