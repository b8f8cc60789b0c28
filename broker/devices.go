package broker

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// deviceCursors remembers how far each device has confirmed its user's events.
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

// since is where the device goes on: after its saved cursor, else live only.
func (d *deviceCursors) since(user, device string) replay.Since {
	if device == "" {
		return replay.Since{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.lru.Get(deviceID{user, device})
	if !ok {
		return replay.Since{}
	}
	return replay.Since{Kind: replay.SinceCursor, Cursor: c}
}

// save moves the device's cursor forward; within an epoch it never goes back.
func (d *deviceCursors) save(user, device string, c replay.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := deviceID{user, device}
	if old, ok := d.lru.Peek(id); ok && old.Epoch == c.Epoch && old.Seq >= c.Seq {
		return
	}
	d.lru.Add(id, c)
}

// DeviceCursor is the saved cursor of a user's device.
func (b *Broker) DeviceCursor(user, device string) (replay.Cursor, bool) {
	b.devices.mu.Lock()
	defer b.devices.mu.Unlock()
	return b.devices.lru.Peek(deviceID{user, device})
}
