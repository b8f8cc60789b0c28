package replay

import "encoding/json"

// eventOverhead is what an event costs besides its own bytes: the struct (168
// bytes, allocated as 176), up to two ring slots, and the rounding of its parts to
// the allocator's size classes.
const eventOverhead = 224

// Event is one published thing. It is immutable once appended: the same Event is
// handed to every reader and may stand in many logs. Whoever makes one from a
// request clones the strings, or the log keeps the whole request alive.
type Event struct {
	ID, Type, Channel, Device, ExceptDevice, ContextID string

	Data      json.RawMessage // any JSON, byte for byte; nil means null
	Arguments json.RawMessage // a JSON array, or nil
	Time      int64           // Unix milliseconds, publish time; Config.MaxAge counts from it
	Expires   int64           // Unix milliseconds; 0 means no time to live of its own
	IDGiven   bool            // the publisher chose ID, so Store.Find knows it
}

// Size returns the bytes charged to the budgets: all strings and raw parts plus
// 224 for the bookkeeping. An event in two logs is charged to both.
func (e *Event) Size() int {
	return eventOverhead + len(e.ID) + len(e.Type) + len(e.Channel) + len(e.Device) +
		len(e.ExceptDevice) + len(e.ContextID) + len(e.Data) + len(e.Arguments)
}

// expiredAt reports whether the event's own time to live has run out at now, in
// Unix milliseconds. An event is gone in the millisecond it names.
func (e *Event) expiredAt(now int64) bool { return e.Expires != 0 && e.Expires <= now }
