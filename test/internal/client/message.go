package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kind says what a message is.
type Kind string

// The kinds. Those of control messages are their types on the wire.
const (
	Event   Kind = "event"
	Ready   Kind = "hubline.ready"
	Gap     Kind = "hubline.gap"
	Closing Kind = "hubline.closing"
	Move    Kind = "hubline.cursor" // also an id line alone, and a poll's cursor
	Reply   Kind = "hubline.reply"

	Joined  Kind = "hubline.member_joined"
	Left    Kind = "hubline.member_left"
	Changed Kind = "hubline.members_changed"

	Pong    Kind = "pong"
	Comment Kind = "comment" // SSE
	Retry   Kind = "retry"   // SSE
)

// Cursor is a position in a user's log.
type Cursor struct {
	Epoch string
	Seq   uint64
}

// ParseCursor reads "k7q2-57".
func ParseCursor(s string) (Cursor, error) {
	epoch, digits, ok := strings.Cut(s, "-")
	if !ok || epoch == "" {
		return Cursor{}, fmt.Errorf("%w: cursor %q has no epoch", ErrProtocol, s)
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(seq, 10) != digits {
		return Cursor{}, fmt.Errorf("%w: cursor %q has no plain seq", ErrProtocol, s)
	}
	return Cursor{epoch, seq}, nil
}

// String is the cursor on the wire.
func (c Cursor) String() string { return c.Epoch + "-" + strconv.FormatUint(c.Seq, 10) }

// Missing is the data of a gap.
type Missing struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Reason string `json:"reason"`
}

// Welcome is the data of hubline.ready.
type Welcome struct {
	ConnectionID string `json:"connectionId"`
	Cursor       string `json:"cursor"`
	Head         uint64 `json:"head"`
	Oldest       uint64 `json:"oldest"`
	Replayed     int    `json:"replayed"`
	Recovered    bool   `json:"recovered"`
}

// Goodbye is the data of hubline.closing.
type Goodbye struct {
	Reason       string `json:"reason"`
	RetryAfterMS int64  `json:"retryAfterMs"`
}

// Answered is the data of hubline.reply.
type Answered struct {
	Ref   string `json:"ref"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
}

// Message is one thing that a client was told.
type Message struct {
	Kind   Kind
	Cursor Cursor // of an event, and wherever the transport carries one

	// Of an event.
	ID      string
	Type    string
	TS      int64
	Channel string
	Data    json.RawMessage

	Ready   Welcome
	Gap     Missing
	Closing Goodbye
	Reply   Answered

	// As it came over SSE: the fields id and event, and the comment's text or the
	// time to retry.
	SSEID, SSEName, Text string
	Raw                  []byte
}

// envelope is what an event looks like on the wire.
type envelope struct {
	ID      *string         `json:"id"`
	Seq     *uint64         `json:"seq"`
	Cursor  *string         `json:"cursor"`
	Type    *string         `json:"type"`
	TS      *int64          `json:"ts"`
	Channel string          `json:"channel"`
	Data    json.RawMessage `json:"data"`
}

// parse reads an envelope or a control message.
func parse(raw []byte) (Message, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return Message{}, fmt.Errorf("%w: message %.200q: %w", ErrProtocol, raw, err)
	}
	if e.Type == nil {
		return Message{}, fmt.Errorf("%w: message without a type: %.200s", ErrProtocol, raw)
	}
	m := Message{Type: *e.Type, Channel: e.Channel, Data: e.Data, Raw: raw}
	if *e.Type == "pong" || strings.HasPrefix(*e.Type, "hubline.") {
		m.Kind = Kind(*e.Type)
		if e.Seq != nil {
			return m, fmt.Errorf("%w: control message with a seq: %.200s", ErrProtocol, raw)
		}
		return m, m.control()
	}
	if e.ID == nil || e.Seq == nil || e.Cursor == nil || e.TS == nil {
		return m, fmt.Errorf("%w: event without id, seq, cursor or ts: %.200s", ErrProtocol, raw)
	}
	m.Kind, m.ID, m.TS = Event, *e.ID, *e.TS
	var err error
	if m.Cursor, err = ParseCursor(*e.Cursor); err != nil {
		return m, err
	}
	if m.Cursor.Seq != *e.Seq {
		return m, fmt.Errorf("%w: seq %d stands beside cursor %s", ErrProtocol, *e.Seq, *e.Cursor)
	}
	return m, nil
}

// control reads the data of a control message.
func (m *Message) control() error {
	var into any
	var moved struct {
		Cursor string `json:"cursor"`
	}
	switch m.Kind {
	case Pong, Joined, Left, Changed: // a test reads Data
		return nil
	case Ready:
		into = &m.Ready
	case Gap:
		into = &m.Gap
	case Closing:
		into = &m.Closing
	case Reply:
		into = &m.Reply
	case Move:
		into = &moved
	default:
		return fmt.Errorf("%w: unknown control message %q", ErrProtocol, m.Kind)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrProtocol, m.Kind, err)
	}
	var err error
	switch m.Kind {
	case Ready:
		m.Cursor, err = ParseCursor(m.Ready.Cursor)
	case Move:
		m.Cursor, err = ParseCursor(moved.Cursor)
	}
	return err
}

// ErrProtocol is wrapped by every error that says that the server sent what it must
// not, as opposed to a connection that broke.
var ErrProtocol = errors.New("protocol error")

// ErrClosed is returned by Next after an orderly end of the stream.
var ErrClosed = errors.New("the server ended the stream")
