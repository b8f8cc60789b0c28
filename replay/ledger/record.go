package ledger

import (
	"encoding/binary"
	"errors"

	"hubline/replay"
)

// Records begin with their kind. Numbers are varints, texts have their length
// before them:
//
//	event    1, seq, prev, body, user, epoch, keys, and if body is 0 the event
//	body     2, keys, event
//	cursors  3, time, count, then user, device, epoch, seq of each
//	facts    4, count, then kind, of, name of each, 0, or 1 and the value
//
// Keys are their count, then name, digest (16 bytes), id, delivered of each.
const (
	kindEvent   = 1
	kindBody    = 2
	kindCursors = 3
	kindFacts   = 4
)

// errRecord is a record that is whole and means nothing to us.
var errRecord = errors.New("ledger: record is not understood")

// head is the beginning of a record of an event, all that a chain is followed by.
// Its texts lie in the record.
type head struct {
	kind            byte
	seq, prev, body uint64
	user, epoch     []byte
	rest            wire
}

// parseHead allocates nothing.
func parseHead(b []byte) (h head, ok bool) {
	w := wire{b: b}
	switch h.kind = w.byte(); h.kind {
	case kindEvent:
		h.seq, h.prev, h.body = w.uvarint(), w.uvarint(), w.uvarint()
		h.user, h.epoch = w.bytes(), w.bytes()
		if len(h.user) == 0 || h.seq == 0 {
			w.bad = true
		}
	case kindBody, kindCursors, kindFacts:
	default:
		w.bad = true
	}
	h.rest = w
	return h, !w.bad
}

// appendEntry appends the record of an entry that has passed check.
func appendEntry(b []byte, e *Entry) []byte {
	if e.User == "" {
		b = appendKeys(append(b, kindBody), e.Keys)
		return appendEvent(b, e.Event)
	}
	b = binary.AppendUvarint(append(b, kindEvent), e.Seq)
	b = binary.AppendUvarint(b, e.Prev)
	b = binary.AppendUvarint(b, e.Body)
	b = appendText(b, e.User)
	b = appendText(b, e.Epoch)
	b = appendKeys(b, e.Keys)
	if e.Body == 0 {
		b = appendEvent(b, e.Event)
	}
	return b
}

// hasEvent tells records of events from others.
func (h *head) hasEvent() bool { return h.kind == kindEvent || h.kind == kindBody }

// entry decodes what appendEntry wrote. Nothing of it lies in the record.
func (h *head) entry() (Entry, error) {
	e := Entry{User: string(h.user), Epoch: string(h.epoch), Seq: h.seq, Prev: h.prev, Body: h.body}
	e.Keys = readKeys(&h.rest)
	if h.body == 0 {
		e.Event = readEvent(&h.rest)
	}
	if !h.rest.done() || !h.hasEvent() {
		return Entry{}, errRecord
	}
	return e, nil
}

// event decodes only the event.
func (h *head) event() (*replay.Event, error) {
	skipKeys(&h.rest)
	ev := readEvent(&h.rest)
	if !h.rest.done() || !h.hasEvent() {
		return nil, errRecord
	}
	return ev, nil
}

func appendKeys(b []byte, keys []Key) []byte {
	b = appendCount(b, len(keys))
	for i := range keys {
		b = appendText(b, keys[i].Name)
		b = append(b, keys[i].Digest[:]...)
		b = appendText(b, keys[i].ID)
		b = appendCount(b, keys[i].Delivered)
	}
	return b
}

func readKeys(w *wire) []Key {
	var keys []Key
	for range w.count() {
		k := Key{Name: w.text()}
		copy(k.Digest[:], w.take(len(k.Digest)))
		k.ID, k.Delivered = w.text(), w.small()
		if w.bad || !validName(k.Name) {
			w.bad = true
			return nil
		}
		keys = append(keys, k)
	}
	return keys
}

func skipKeys(w *wire) {
	for range w.count() {
		w.bytes()
		w.take(16)
		w.bytes()
		w.small()
		if w.bad {
			return
		}
	}
}

// appendCursors appends the record of cursors saved at a time.
func appendCursors(b []byte, saved int64, cursors []DeviceCursor) []byte {
	b = binary.AppendVarint(append(b, kindCursors), saved)
	b = appendCount(b, len(cursors))
	for i := range cursors {
		c := &cursors[i]
		b = appendText(b, c.User)
		b = appendText(b, c.Device)
		b = appendText(b, c.Cursor.Epoch)
		b = binary.AppendUvarint(b, c.Cursor.Seq)
	}
	return b
}

// cursors decodes what appendCursors wrote.
func (h *head) cursors(each func(user, device string, c cursorRow)) error {
	w := &h.rest
	saved := w.varint()
	for range w.count() {
		user, device := w.text(), w.text()
		c := cursorRow{cursor: replay.Cursor{Epoch: w.text(), Seq: w.uvarint()}, saved: saved}
		if w.bad || !validName(user) || !validName(device) {
			return errRecord
		}
		each(user, device, c)
	}
	if !w.done() {
		return errRecord
	}
	return nil
}
