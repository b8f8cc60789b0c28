package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

var (
	errTooLarge = errors.New("message too large")
	errFlood    = errors.New("too many unread answers")
)

// Bounds of what is kept for a client that asks and does not read.
const (
	maxNotices     = 256      // answers
	maxNoticeBytes = 64 << 10 // bytes of them
	maxRefBytes    = 128      // of a request's ref, which the answer repeats
)

// request is a message of a client.
type request struct {
	Type    string     `json:"type"`
	Cursor  cursorText `json:"cursor"`
	Channel string     `json:"channel"`
	Ref     string     `json:"ref"`
	Token   string     `json:"token"`
}

// cursorText is a cursor as text or, for a bare seq, as a number.
type cursorText string

// UnmarshalJSON implements json.Unmarshaler.
func (c *cursorText) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(c))
	}
	*c = cursorText(b) // what is no whole number is no cursor either
	return nil
}

var (
	ping = []byte(`{"type":"ping"}`)
	pong = []byte(`{"type":"pong"}`)
)

// Receive implements transports.Session. Anything that is not a request known
// here is ignored without closing, as clients of older servers expect; what is
// too long ends the connection.
func (s *Session) Receive(p []byte, end bool) error {
	s.heard.Store(time.Now().UnixNano())
	if len(s.in)+len(p) > s.cfg.MaxMessageBytes {
		s.in = nil
		s.conn.Close(transports.ReasonTooLarge)
		return errTooLarge
	}
	if !end {
		s.in = append(s.in, p...)
		return nil
	}
	if len(s.in) > 0 {
		p = append(s.in, p...)
		s.in = nil
	}
	s.keepPace(time.Now())
	if bytes.Equal(p, ping) { // by far the most frequent, and mostly so spelled
		s.answerPing()
		return nil
	}
	return s.serve(p)
}

// serve answers one message. A field of the wrong type counts as absent.
func (s *Session) serve(p []byte) error {
	var r request
	if err := json.Unmarshal(p, &r); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
			return nil
		}
	}
	switch r.Type {
	case "ping":
		s.answerPing()
	case "ack":
		if c, err := replay.ParseCursor(string(r.Cursor)); err == nil {
			s.acknowledge(c)
		}
	case "subscribe", "unsubscribe", "renew":
		return s.request(&r)
	}
	return nil
}

// answerPing has a pong sent. Pings that come before it has left share it.
func (s *Session) answerPing() {
	s.pong.Store(true)
	s.conn.Wake()
}

// answer replies to a request; an empty text means that it was done. A client
// that reads no answers is closed.
func (s *Session) answer(r *request, text string) error {
	reply := Reply{Ref: r.Ref, OK: text == "", Error: text}
	if reply.OK && r.Type == "subscribe" {
		reply.Cursor = s.head()
		if broker.IsPresence(r.Channel) {
			reply.Members, reply.Total = s.present(r.Channel)
		}
	}
	body := control(nil, TypeReply, reply)
	s.mu.Lock()
	if len(s.notices) >= maxNotices || s.waiting+len(body) > maxNoticeBytes {
		s.mu.Unlock()
		s.Leave(transports.ReasonSlow)
		return errFlood
	}
	s.notices = append(s.notices, notice{body: body})
	s.waiting += len(body)
	s.mu.Unlock()
	s.conn.Wake()
	return nil
}
