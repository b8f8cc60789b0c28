package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"hubline/replay"
	"hubline/transports"
)

var (
	errTooLarge = errors.New("message too large")
	errFlood    = errors.New("too many unread answers")
)

// maxNotices bounds answers that wait for a client which asks and does not read.
const maxNotices = 256

// request is a message of a client.
type request struct {
	Type    string `json:"type"`
	Cursor  string `json:"cursor"`
	Channel string `json:"channel"`
	Ref     string `json:"ref"`
}

var (
	ping = []byte(`{"type":"ping"}`)
	pong = []byte(`{"type":"pong"}`)
)

// Receive implements transports.Session. Anything that is not a request known
// here is ignored without closing, as clients of older servers expect; what is
// too long ends the connection.
func (s *Session) Receive(p []byte, end bool) error {
	s.heard.Store(time.Now().Unix())
	if len(s.in)+len(p) > s.cfg.MaxMessageBytes {
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
	if bytes.Equal(p, ping) { // by far the most frequent, and mostly so spelled
		return s.answerPing()
	}
	var r request
	if json.Unmarshal(p, &r) != nil {
		return nil
	}
	switch r.Type {
	case "ping":
		return s.answerPing()
	case "ack":
		if c, err := replay.ParseCursor(r.Cursor); err == nil {
			s.sub.Acknowledge(c)
		}
	case "subscribe", "unsubscribe":
		return s.answer(control(nil, TypeReply, Reply{Ref: r.Ref, Error: "this server has no channels"}))
	}
	return nil
}

// answerPing has a pong sent. Pings that come before it has left share it.
func (s *Session) answerPing() error {
	s.pong.Store(true)
	s.conn.Wake()
	return nil
}

func (s *Session) answer(body []byte) error {
	s.mu.Lock()
	if len(s.notices) >= maxNotices {
		s.mu.Unlock()
		s.conn.Close(transports.ReasonSlow)
		return errFlood
	}
	s.notices = append(s.notices, notice{body: body})
	s.mu.Unlock()
	s.conn.Wake()
	return nil
}
