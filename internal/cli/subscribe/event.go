package subscribe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is one received event.
type Event struct {
	// Raw is the JSON envelope as it came.
	Raw json.RawMessage

	ID       string
	Seq      uint64
	Cursor   string
	Type     string
	Time     time.Time
	Channel  string
	Data     json.RawMessage
	Replayed bool // delivered again on request of an administrator
}

// Gap announces events that can no longer be replayed; the receiver must fetch
// its state anew.
type Gap struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Reason string `json:"reason"`
}

// Closing is what the server says before it closes a connection.
type Closing struct {
	Reason string
	// RetryAfter is negative if the server did not ask for a pause.
	RetryAfter time.Duration
}

// wireEvent is the native JSON envelope; control messages have no seq and keep
// their content in data.
type wireEvent struct {
	ID       string          `json:"id"`
	Seq      uint64          `json:"seq"`
	Cursor   string          `json:"cursor"`
	Type     string          `json:"type"`
	TS       int64           `json:"ts"`
	Channel  string          `json:"channel"`
	Data     json.RawMessage `json:"data"`
	Replayed bool            `json:"replayed"`
}

// controlPrefix begins the type of every control message.
const controlPrefix = "hubline."

// message takes one native message: an event or a control message.
func (s *subscriber) message(raw []byte) error {
	var m wireEvent
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	if m.Seq == 0 {
		return s.control(m)
	}
	event := Event{
		Raw: raw, ID: m.ID, Seq: m.Seq, Cursor: m.Cursor, Type: m.Type, Time: time.UnixMilli(m.TS),
		Channel: m.Channel, Data: m.Data, Replayed: m.Replayed,
	}
	if !m.Replayed {
		fresh, err := s.position.event(m.Cursor)
		if err != nil || !fresh {
			return err
		}
	}
	if s.handler.Event == nil {
		return nil
	}
	if err := s.handler.Event(event); err != nil {
		return &permanentError{err}
	}
	return nil
}

func (s *subscriber) control(m wireEvent) error {
	switch m.Type {
	case controlPrefix + "ready", controlPrefix + "cursor":
		var data struct {
			Cursor string `json:"cursor"`
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return fmt.Errorf("decode %s: %w", m.Type, err)
		}
		s.position.keep(data.Cursor)
	case controlPrefix + "gap":
		var gap Gap
		if err := json.Unmarshal(m.Data, &gap); err != nil {
			return fmt.Errorf("decode %s: %w", m.Type, err)
		}
		s.gap(gap)
	case controlPrefix + "closing":
		var data struct {
			Reason       string   `json:"reason"`
			RetryAfterMS *float64 `json:"retryAfterMs"`
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return fmt.Errorf("decode %s: %w", m.Type, err)
		}
		s.closing = &Closing{Reason: data.Reason, RetryAfter: -1}
		if ms := data.RetryAfterMS; ms != nil && *ms >= 0 {
			s.closing.RetryAfter = time.Duration(min(*ms, float64(maxPause/time.Millisecond))) * time.Millisecond
		}
	}
	return nil // pong, and whatever a later server may say
}

func (s *subscriber) gap(gap Gap) {
	s.position.forget()
	if s.handler.Gap != nil {
		s.handler.Gap(gap)
	}
}

// position is how far the client has come. It separates two things: since is
// what the next connection asks for, epoch and seq are the newest event seen,
// up to which events are duplicates.
type position struct {
	since string
	epoch string
	seq   uint64
}

// event moves the position to an event's cursor and reports whether the event
// is new.
func (p *position) event(cursor string) (fresh bool, err error) {
	epoch, seq, err := parseCursor(cursor)
	if err != nil {
		return false, err
	}
	if epoch == p.epoch && seq <= p.seq {
		return false, nil
	}
	p.epoch, p.seq, p.since = epoch, seq, cursor
	return true, nil
}

// keep takes a cursor that the server says may be resumed from.
func (p *position) keep(cursor string) {
	if cursor != "" {
		p.since = cursor
	}
}

// forget is called at a gap: what the server sends after one counts, even if
// its seqs have been seen before.
func (p *position) forget() { p.epoch, p.seq = "", 0 }

// parseCursor splits `<epoch>-<seq>`.
func parseCursor(cursor string) (epoch string, seq uint64, err error) {
	i := strings.LastIndexByte(cursor, '-')
	if i < 1 {
		return "", 0, fmt.Errorf("%q is not a cursor", cursor)
	}
	seq, err = strconv.ParseUint(cursor[i+1:], 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not a cursor", cursor)
	}
	return strings.Clone(cursor[:i]), seq, nil
}
