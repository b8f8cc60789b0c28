package api

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
	"hubline/replay"
)

// Bounds of the short fields of an event, in bytes.
const (
	maxTypeBytes    = 128
	maxIDBytes      = 256
	maxContextBytes = 256
	maxTTLSeconds   = 366 * 24 * 3600
)

// reservedPrefix begins the types of control messages.
const reservedPrefix = "hubline."

// event checks the fields and makes the event of them. It takes two allocations:
// the event, and one for all of its texts and raw JSON. Nothing refers to the
// request's memory. The error names the first field that is not as the
// documentation has it.
func (f *eventFields) event(now time.Time) (*replay.Event, error) {
	var room [256]byte // longer texts than are usual cost a third allocation
	texts := room[:0]

	texts, err := f.appendType(texts)
	if err != nil {
		return nil, err
	}
	kind := len(texts)
	if texts, err = appendField(texts, "id", f.id, maxIDBytes); err != nil {
		return nil, err
	}
	given := len(texts) > kind
	if !given {
		texts = appendEventID(texts, now)
	}
	id := len(texts)
	if texts, err = appendField(texts, "device", f.device, auth.MaxDeviceBytes); err != nil {
		return nil, err
	}
	device := len(texts)
	if texts, err = appendField(texts, "exceptDevice", f.exceptDevice, auth.MaxDeviceBytes); err != nil {
		return nil, err
	}
	except := len(texts)
	if device > id && except > device {
		return nil, badRequest(`"device" and "exceptDevice" exclude each other.`)
	}
	if texts, err = appendField(texts, "contextId", f.contextID, maxContextBytes); err != nil {
		return nil, err
	}
	ev := &replay.Event{Time: now.UnixMilli(), IDGiven: given}
	if ev.Expires, err = f.expires(ev.Time); err != nil {
		return nil, err
	}
	switch jsonscan.KindOf(f.arguments) {
	case jsonscan.None, jsonscan.Array:
	case jsonscan.Null:
		f.arguments = nil
	default:
		return nil, badRequest(`"arguments" must be an array.`)
	}
	n := len(texts)
	all := make([]byte, 0, n+len(f.data)+len(f.arguments))
	all = append(append(append(all, texts...), f.data...), f.arguments...)
	ev.Type, ev.ID, ev.Device = part(all, 0, kind), part(all, kind, id), part(all, id, device)
	ev.ExceptDevice, ev.ContextID = part(all, device, except), part(all, except, n)
	if len(f.data) > 0 {
		ev.Data = all[n : n+len(f.data) : n+len(f.data)]
	}
	if len(f.arguments) > 0 {
		ev.Arguments = all[n+len(f.data):]
	}
	return ev, nil
}

// part is what stands between two places of b, which nobody writes to any more. An
// empty part does not refer to b: most events have several, and the garbage
// collector would follow each.
func part(b []byte, from, to int) string {
	if from == to {
		return ""
	}
	return unsafe.String(&b[from], to-from) //nolint:gosec // b stays as it is
}

// appendType appends the type's text. Backends of the Bitwarden family number
// their types, so a whole number is taken for its digits.
func (f *eventFields) appendType(texts []byte) ([]byte, error) {
	from := len(texts)
	switch jsonscan.KindOf(f.kind) {
	case jsonscan.None, jsonscan.Null:
		return texts, errNoType
	case jsonscan.String:
		if len(f.kind) == 2 {
			return texts, errNoType
		}
		if len(f.kind) > longestQuoted(maxTypeBytes) {
			return texts, errType
		}
		texts = jsonscan.AppendText(texts, f.kind)
	case jsonscan.Number:
		if !jsonscan.IsWhole(f.kind) {
			return texts, errType
		}
		texts = append(texts, f.kind...)
	default:
		return texts, errType
	}
	switch kind := texts[from:]; {
	case !auth.Usable(kind, maxTypeBytes):
		return texts, errType
	case bytes.HasPrefix(kind, []byte(reservedPrefix)), string(kind) == "ping", string(kind) == "pong":
		return texts, badRequest(`"type" is reserved: names that begin with "hubline.", "ping" and "pong" belong to the protocol.`)
	}
	return texts, nil
}

var (
	errNoType = badRequest(`"type" is missing: name the kind of event, such as "order.paid".`)
	errType   = badRequest(`"type" must be a text of 1 to 128 bytes without control characters, or a whole number.`)
)

// appendField appends the text of an optional field. Absent, null and empty
// append nothing.
func appendField(texts []byte, name string, value []byte, limit int) ([]byte, error) {
	switch jsonscan.KindOf(value) {
	case jsonscan.None, jsonscan.Null:
		return texts, nil
	case jsonscan.String:
		if len(value) == 2 {
			return texts, nil
		}
		from := len(texts)
		if len(value) <= longestQuoted(limit) {
			if texts = jsonscan.AppendText(texts, value); auth.Usable(texts[from:], limit) {
				return texts, nil
			}
		}
	}
	return texts, badRequest(fmt.Sprintf("%q must be a text of at most %d bytes without control characters.", name, limit))
}

// longestQuoted is the length of a text of limit bytes with each byte escaped.
func longestQuoted(limit int) int { return 2 + 6*limit }

// expires reads ttlSeconds and returns the time in Unix milliseconds, or 0.
func (f *eventFields) expires(now int64) (int64, error) {
	switch jsonscan.KindOf(f.ttlSeconds) {
	case jsonscan.None, jsonscan.Null:
		return 0, nil
	case jsonscan.Number:
		seconds, err := strconv.ParseFloat(string(f.ttlSeconds), 64)
		if err == nil && seconds > 0 && seconds <= maxTTLSeconds {
			return now + max(1, int64(seconds*1000)), nil
		}
	}
	return 0, badRequest(`"ttlSeconds" must be a number, more than 0 and at most 366 days.`)
}
