package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Event is what is published.
type Event struct {
	// Type is the kind of event, such as "order.paid": 1 to 128 bytes without
	// control characters. Required. "ping", "pong" and what begins with "hubline." are
	// reserved.
	Type string
	// Data is the payload. It is marshalled with encoding/json, without the escaping
	// for HTML; json.RawMessage is sent byte for byte, and nil as null.
	Data any
	// ID names the event, at most 256 bytes: the same ID again, with the same
	// content, is the same publish. Empty, the call makes one (a UUID of version 7).
	// Programs that publish from an outbox or a queue set it, so that their own
	// repetitions are none either.
	ID string
	// Arguments are those of the invocation on the generic SignalR hub, in place of
	// Data alone. Nil means none are given.
	Arguments []any
	// Device sends the event to this device of the user only, ExceptDevice to all
	// others. One of the two at most.
	Device, ExceptDevice string
	// TTL is how long the event may be delivered, counted from its publishing; at
	// most 366 days. Zero means as long as it is kept.
	TTL time.Duration
	// ContextID is the Bitwarden family's ContextId: the device that caused the event.
	ContextID string
}

// newID returns the ID for an event that has none.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make an event ID: %w", err) // no randomness
	}
	return id.String(), nil
}

// encode returns the event as the API takes it, and its ID.
func (e Event) encode() (body []byte, id string, err error) {
	if id = e.ID; id == "" {
		if id, err = newID(); err != nil {
			return nil, "", err
		}
	}
	if e.Type == "" {
		return nil, id, errors.New("the event has no Type")
	}
	if e.TTL < 0 {
		return nil, id, errors.New("the event's TTL is negative")
	}
	b := appendString([]byte(`{"type":`), e.Type)
	b = appendString(append(b, `,"id":`...), id)
	for _, f := range [...]struct{ name, value string }{
		{"device", e.Device}, {"exceptDevice", e.ExceptDevice}, {"contextId", e.ContextID},
	} {
		if f.value != "" {
			b = append(append(append(b, `,"`...), f.name...), `":`...)
			b = appendString(b, f.value)
		}
	}
	if e.TTL > 0 {
		b = strconv.AppendFloat(append(b, `,"ttlSeconds":`...), e.TTL.Seconds(), 'f', -1, 64)
	}
	if e.Data != nil {
		if b, err = appendValue(append(b, `,"data":`...), e.Data); err != nil {
			return nil, id, fmt.Errorf("the event's Data: %w", err)
		}
	}
	if e.Arguments != nil {
		b = append(b, `,"arguments":[`...)
		for i, a := range e.Arguments {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, a); err != nil {
				return nil, id, fmt.Errorf("the event's argument %d: %w", i, err)
			}
		}
		b = append(b, ']')
	}
	return append(b, '}'), id, nil
}

// appendValue appends v as JSON. Unlike json.Marshal it leaves raw JSON, and the
// characters <, > and &, as they are.
func appendValue(b []byte, v any) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok && raw != nil {
		if !json.Valid(raw) {
			return b, errors.New("the json.RawMessage is no JSON")
		}
		return append(b, raw...), nil
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return b, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// appendString appends s quoted. Broken UTF-8 becomes U+FFFD, which the server
// refuses in names.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b, _ = appendValue(b, s) // a string always marshals
			return b
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
