package broker

import (
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// deviceCursors remembers how far each device has confirmed its user's events.
// The devices that used theirs least recently are forgotten first.
type deviceCursors struct {
	mu  sync.Mutex
	lru *simplelru.LRU[deviceID, replay.Cursor]
}

type deviceID struct{ user, device string }

func (d *deviceCursors) init(size int) {
	l, err := simplelru.NewLRU[deviceID, replay.Cursor](max(1, size), nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	d.lru = l
}

// find returns the device's saved cursor.
func (d *deviceCursors) find(user, device string) (replay.Cursor, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lru.Get(deviceID{user, device})
}

// save moves the device's cursor forward; within an epoch it never goes back.
func (d *deviceCursors) save(user, device string, c replay.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := deviceID{user, device}
	switch old, ok := d.lru.Peek(id); {
	case !ok:
		id = deviceID{strings.Clone(user), strings.Clone(device)} // they outlive the connection
	case old.Epoch == c.Epoch && old.Seq > c.Seq:
		c = old // as a use it counts all the same
	}
	d.lru.Add(id, c)
}

// DeviceCursor is the saved cursor of a user's device.
func (b *Broker) DeviceCursor(user, device string) (replay.Cursor, bool) {
	b.devices.mu.Lock()
	defer b.devices.mu.Unlock()
	return b.devices.lru.Peek(deviceID{user, device})
}

// Acknowledge saves the cursor for the connection's device: the client has
// everything up to it. Without a device it does nothing. A cursor of another
// epoch or ahead of the log is ignored, for it would skip events to come.
func (s *Subscription) Acknowledge(c replay.Cursor) {
	if s.device == "" {
		return
	}
	// Under the shard's lock, or a cursor that was checked before a change of
	// the epoch could be saved after one that was checked behind it.
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	st := s.u.log.State()
	if c.Epoch == "" {
		c.Epoch = st.Epoch
	}
	if c.Epoch != st.Epoch || c.Seq > st.Head {
		return
	}
	sh.broker.devices.save(s.u.name, s.device, c)
}
