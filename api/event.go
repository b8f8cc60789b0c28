package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"hubline/api/auth"
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

// eventBody is the body of a publish.
type eventBody struct {
	Type         typeName        `json:"type"`
	Data         json.RawMessage `json:"data"`
	ID           string          `json:"id"`
	Arguments    json.RawMessage `json:"arguments"`
	Device       string          `json:"device"`
	ExceptDevice string          `json:"exceptDevice"`
	TTLSeconds   *float64        `json:"ttlSeconds"`
	ContextID    *string         `json:"contextId"`
}

// typeName is a type as text. Backends of the Bitwarden family number theirs,
// so a whole JSON number is taken for its digits.
type typeName string

// UnmarshalJSON implements json.Unmarshaler.
func (t *typeName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		*t = typeName(b)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = typeName(s)
	return nil
}

// event checks the body and makes the event. Nothing of it refers to the
// request's memory.
func (e *eventBody) event(now time.Time) (*replay.Event, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	ev := &replay.Event{
		ID: e.ID, Type: string(e.Type), Device: e.Device, ExceptDevice: e.ExceptDevice,
		Data: e.Data, Arguments: e.Arguments, Time: now.UnixMilli(), IDGiven: e.ID != "",
	}
	if e.ContextID != nil {
		ev.ContextID = *e.ContextID
	}
	if ev.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("draw an event id: %w", err)
		}
		ev.ID = id.String()
	}
	if e.TTLSeconds != nil {
		ev.Expires = ev.Time + int64(*e.TTLSeconds*1000)
	}
	return ev, nil
}

// check names the first field that is not as the documentation has it.
func (e *eventBody) check() error {
	switch {
	case e.Type == "":
		return badRequest(`"type" is missing: name the kind of event, such as "order.paid".`)
	case !text(string(e.Type), maxTypeBytes):
		return badRequest(`"type" must be 1 to 128 bytes of UTF-8 without control characters.`)
	case strings.HasPrefix(string(e.Type), reservedPrefix), e.Type == "ping", e.Type == "pong":
		return badRequest(`"type" is reserved: names that begin with "hubline.", "ping" and "pong" belong to the protocol.`)
	case e.ID != "" && !text(e.ID, maxIDBytes):
		return badRequest(`"id" must be at most 256 bytes of UTF-8 without control characters.`)
	case e.Device != "" && !text(e.Device, auth.MaxDeviceBytes), e.ExceptDevice != "" && !text(e.ExceptDevice, auth.MaxDeviceBytes):
		return badRequest(`"device" and "exceptDevice" must be at most 128 bytes without control characters.`)
	case e.Device != "" && e.ExceptDevice != "":
		return badRequest(`"device" and "exceptDevice" exclude each other.`)
	case e.ContextID != nil && *e.ContextID != "" && !text(*e.ContextID, maxContextBytes):
		return badRequest(`"contextId" must be at most 256 bytes without control characters.`)
	case e.TTLSeconds != nil && (*e.TTLSeconds <= 0 || *e.TTLSeconds > maxTTLSeconds):
		return badRequest(`"ttlSeconds" must be more than 0 and at most 366 days.`)
	}
	if a := bytes.TrimSpace(e.Arguments); len(a) > 0 && !bytes.Equal(a, []byte("null")) {
		if a[0] != '[' {
			return badRequest(`"arguments" must be an array.`)
		}
	} else {
		e.Arguments = nil
	}
	return nil
}

// text reports whether s is 1 to limit bytes of UTF-8 without control
// characters, so that no line format that it stands in can be broken by it.
func text(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	// U+0085 and U+2028/9 end lines in some readers.
	return !strings.ContainsAny(s, "\u0085\u2028\u2029")
}

// decodeEvent reads a publish body.
func decodeEvent(body []byte) (*eventBody, error) {
	var e eventBody
	if err := unmarshalStrict(body, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// unmarshalStrict decodes one JSON object; a problem tells what is wrong with it.
func unmarshalStrict(body []byte, v any) error {
	if !utf8.Valid(body) {
		return badRequest("The body is not UTF-8.")
	}
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != '{' {
		return badRequest("The body must be a JSON object.")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badRequest("The body is not the expected JSON: " + jsonErrorText(err))
	}
	return nil
}

// jsonErrorText says where the JSON is wrong without repeating any of it.
func jsonErrorText(err error) string {
	switch e := err.(type) { //nolint:errorlint // straight from encoding/json
	case *json.SyntaxError:
		return fmt.Sprintf("syntax error at byte %d.", e.Offset)
	case *json.UnmarshalTypeError:
		return fmt.Sprintf("field %q has the wrong type.", e.Field)
	}
	return "it cannot be read."
}

// digest identifies a body for the comparison of repeated keys.
func digest(body []byte) (d [16]byte) {
	h := sha256.Sum256(body)
	binary.LittleEndian.PutUint64(d[:8], binary.LittleEndian.Uint64(h[:8]))
	binary.LittleEndian.PutUint64(d[8:], binary.LittleEndian.Uint64(h[8:16]))
	return d
}
