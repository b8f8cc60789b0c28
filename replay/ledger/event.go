package ledger

import (
	"encoding/binary"

	"hubline/replay"
)

// An event is a byte of flags, its times, the lengths of its six texts, then the
// texts, then data and arguments if the flags say that there are any, each with its
// length. The texts lie together so that they are decoded into one string.
const (
	flagIDGiven = 1 << iota
	flagData
	flagArguments
	flagsKnown = 1<<iota - 1
)

const eventTexts = 6

func texts(ev *replay.Event) [eventTexts]*string {
	return [...]*string{&ev.ID, &ev.Type, &ev.Channel, &ev.Device, &ev.ExceptDevice, &ev.ContextID}
}

func appendEvent(b []byte, ev *replay.Event) []byte {
	var flags byte
	if ev.IDGiven {
		flags |= flagIDGiven
	}
	if ev.Data != nil {
		flags |= flagData
	}
	if ev.Arguments != nil {
		flags |= flagArguments
	}
	b = binary.AppendVarint(append(b, flags), ev.Time)
	b = binary.AppendVarint(b, ev.Expires)
	for _, s := range texts(ev) {
		b = appendCount(b, len(*s))
	}
	for _, s := range texts(ev) {
		b = append(b, *s...)
	}
	if ev.Data != nil {
		b = append(appendCount(b, len(ev.Data)), ev.Data...)
	}
	if ev.Arguments != nil {
		b = append(appendCount(b, len(ev.Arguments)), ev.Arguments...)
	}
	return b
}

// readEvent costs three allocations. It returns nil if the event is not whole.
func readEvent(w *wire) *replay.Event {
	flags := w.byte()
	if flags&^flagsKnown != 0 {
		w.bad = true
	}
	if w.bad {
		return nil
	}
	at, expires := w.varint(), w.varint()
	var lens [eventTexts]int
	sum := 0
	for i := range lens {
		lens[i] = w.count()
		sum += lens[i]
	}
	all := w.take(sum)
	var data, arguments []byte
	if flags&flagData != 0 {
		data = w.bytes()
	}
	if flags&flagArguments != 0 {
		arguments = w.bytes()
	}
	if w.bad {
		return nil
	}
	ev := &replay.Event{Time: at, Expires: expires, IDGiven: flags&flagIDGiven != 0}
	text := string(all)
	for i, s := range texts(ev) {
		*s, text = text[:lens[i]], text[lens[i]:]
	}
	raw := make([]byte, 0, len(data)+len(arguments))
	if flags&flagData != 0 {
		raw = append(raw, data...)
		ev.Data = raw[:len(data):len(data)]
	}
	if flags&flagArguments != 0 {
		raw = append(raw, arguments...)
		ev.Arguments = raw[len(data):]
	}
	return ev
}
