package native

import (
	"encoding/json"
	"strconv"

	"hubline/broker"
	"hubline/replay"
)

// envelope is an event's JSON around the two fields that differ from user to
// user: seq and cursor stand between head and tail.
type envelope struct{ head, tail []byte }

// envelopeRoom is what the fixed parts of an envelope need, in bytes.
const envelopeRoom = 80

// encode makes the shared part of an event, once for all its receivers.
func encode(ev *replay.Event) any {
	return encodeMarked(ev, "")
}

// encodeAgain is encode for an event that comes once more.
func encodeAgain(ev *replay.Event) any { return encodeMarked(ev, mark) }

func encodeMarked(ev *replay.Event, mark string) *envelope {
	b := make([]byte, 0, envelopeRoom+len(ev.ID)+len(ev.Type)+len(ev.Channel)+len(ev.Data)+len(mark))
	b = append(b, `{"id":`...)
	b = appendString(b, ev.ID)
	b = append(b, ',')
	cut := len(b)
	b = appendTail(b, ev, mark)
	return &envelope{head: b[:cut:cut], tail: b[cut:]}
}

// mark is what an envelope has that comes once more.
const mark = `,"replayed":true`

// appendTail appends what follows the cursor, with the mark before the data.
func appendTail(b []byte, ev *replay.Event, mark string) []byte {
	b = append(b, `,"type":`...)
	b = appendString(b, ev.Type)
	b = append(b, `,"ts":`...)
	b = strconv.AppendInt(b, ev.Time, 10)
	if ev.Channel != "" {
		b = append(b, `,"channel":`...)
		b = appendString(b, ev.Channel)
	}
	b = append(b, mark...)
	b = append(b, `,"data":`...)
	if len(ev.Data) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, ev.Data...)
	}
	return append(b, '}')
}

// appendStamp appends seq and cursor.
func appendStamp(b []byte, epoch string, seq uint64) []byte {
	b = append(b, `"seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, `,"cursor":"`...)
	b = replay.Cursor{Epoch: epoch, Seq: seq}.AppendTo(b)
	return append(b, '"')
}

// AppendEvent appends the event's envelope as the log of its user numbers it.
func AppendEvent(b []byte, ev *replay.Event, epoch string, seq uint64) []byte {
	return appendEvent(b, ev, epoch, seq, "")
}

// AppendRedelivered is AppendEvent for an event that comes once more.
func AppendRedelivered(b []byte, ev *replay.Event, epoch string, seq uint64) []byte {
	return appendEvent(b, ev, epoch, seq, mark)
}

func appendEvent(b []byte, ev *replay.Event, epoch string, seq uint64, mark string) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, ev.ID)
	b = append(b, ',')
	b = appendStamp(b, epoch, seq)
	return appendTail(b, ev, mark)
}

// appendDelivery appends a delivered event's envelope, from the encoding that
// it shares with other connections where there is one.
func appendDelivery(b []byte, d *broker.Delivery, epoch string) []byte {
	if d.Frame == nil {
		return AppendEvent(b, d.Event, epoch, d.Seq)
	}
	form := encode
	if d.Redelivered() {
		form = encodeAgain
	}
	return d.Frame.Form(broker.FormNative, form).(*envelope).appendTo(b, epoch, d.Seq)
}

func (e *envelope) appendTo(b []byte, epoch string, seq uint64) []byte {
	b = append(b, e.head...)
	b = appendStamp(b, epoch, seq)
	return append(b, e.tail...)
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			q, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...) // a string always marshals
			}
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
