package signalr

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"

	"hubline/broker"
	"hubline/replay"
)

// cursorText is a cursor that a client sends as text or, for a bare seq, as a
// number. Null is no cursor: the empty text.
type cursorText string

var errCursorKind = errors.New("cursor is neither text nor a whole number")

// UnmarshalJSON implements json.Unmarshaler.
func (c *cursorText) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = "" // the MessagePack library does the same with nil
		return nil
	}
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(c))
	}
	if b[0] < '0' || b[0] > '9' {
		return errCursorKind
	}
	*c = cursorText(b) // what is no whole number is no cursor either
	return nil
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (c *cursorText) DecodeMsgpack(d *msgpack.Decoder) error {
	v, err := d.DecodeInterfaceLoose()
	switch v := v.(type) {
	case nil:
		*c = ""
	case string:
		*c = cursorText(v)
	case int64:
		*c = cursorText(strconv.FormatInt(v, 10))
	case uint64:
		*c = cursorText(strconv.FormatUint(v, 10))
	default:
		return errors.Join(err, errCursorKind)
	}
	return err
}

// Replayed is the answer to Replay.
type Replayed struct {
	// Replayed is how many events were delivered again.
	Replayed int `json:"replayed"`
	// Gap is what could not be replayed, or null.
	Gap *Gap `json:"gap"`
	// Cursor is how far the client has everything now.
	Cursor string `json:"cursor"`
}

// replayEvents is the hub method Replay: the events after a cursor are
// delivered again, followed by the answer. Live events go on behind them.
func replayEvents(c Caller, since cursorText) (*Replayed, error) {
	if since == "" {
		// Elsewhere that means only new events. Who asks for a replay has missed some.
		return nil, Errorf("%v: none was given", replay.ErrCursor)
	}
	from, err := replay.ParseSince(string(since))
	if err != nil {
		return nil, Errorf("%v", err)
	}
	w := c.s.rewind(from)
	return &Replayed{
		Replayed: w.Replayed, Gap: toGap(w.Gap),
		Cursor: replay.Cursor{Epoch: w.Epoch, Seq: w.Head}.String(),
	}, nil
}

// rewind has events read again and waits until they are laid out, or the
// connection is over.
func (s *Session) rewind(since replay.Since) broker.Welcome {
	w := s.feed.sub.Rewind(since)
	s.mu.Lock()
	s.feed.turn++ // what Fill has in its hands from before counts no more
	s.feed.passed, s.feed.target = w.Start, w.Head
	s.mu.Unlock()
	s.conn.Wake()

	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(func() bool { return s.feed.passed >= w.Head }, nil)
	return w
}

// acknowledge is the hub method Ack: the client has everything up to the
// cursor, and its device need not get it again.
func acknowledge(c Caller, cursor cursorText) error {
	at, err := replay.ParseCursor(string(cursor))
	if err != nil {
		return Errorf("%v", err)
	}
	if d := c.s.device; d != nil {
		d.receipts.Named()
	}
	c.s.feed.sub.Acknowledge(at)
	return nil
}

// membership makes the hub methods Subscribe and Unsubscribe: the caller's user is put
// into a channel, or taken out of it. Events to a channel come like all others.
func (h *Hub) membership(in bool) func(ctx context.Context, c Caller, channel string) error {
	return func(ctx context.Context, c Caller, channel string) error {
		if err := h.cfg.Channels(ctx, c.s.conn, channel, in); err != nil {
			return Errorf("%v", err)
		}
		return nil
	}
}
