package signalr

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// messages lends decoded messages. One with a long argument list is dropped,
// so that a single large call is not held for ever.
var messages = sync.Pool{New: func() any { return new(protocol.Message) }}

const maxPooledArguments = 64

// Receive implements transports.Session. It blocks while too many calls wait.
func (s *Session) Receive(p []byte, end bool) error {
	if s.isOver() {
		return transports.ErrEnded // the goodbye is on its way
	}
	if s.isLost() {
		return transports.ErrEnded // the client sends it again
	}
	buf := p
	if len(s.in) > 0 {
		s.in = append(s.in, p...)
		buf = s.in
	}
	rest, err := s.consume(buf, end && len(s.in) == 0)
	if err != nil || len(rest) == 0 {
		s.in = nil
		return err
	}
	if cap(s.in) > 2*s.hub.cfg.MaxMessageBytes {
		s.in = nil // a large POST must not be held for its last few bytes
	}
	s.in = append(s.in[:0], rest...)
	return nil
}

func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

func (s *Session) isLost() bool {
	if s.state == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lostLocked()
}

// consume handles all whole messages in buf and returns what is left. alone tells
// that buf is one message of the carrier.
func (s *Session) consume(buf []byte, alone bool) (rest []byte, err error) {
	if s.hand == handOpen {
		n, err := s.handshake(buf, alone && s.conn.Transport() == transports.WebSockets)
		if n == 0 || err != nil {
			return buf, err
		}
		if s.isOver() {
			return nil, transports.ErrEnded // too late: refused in the meantime
		}
		buf = buf[n:]
	}
	if s.hand == handLate {
		n, more := protocol.SkipLateSeparator(s.codec, buf)
		if more {
			return buf, nil
		}
		s.hand = handDone
		buf = buf[n:]
	}
	for len(buf) > 0 {
		body, n, err := s.codec.Next(buf, s.hub.cfg.MaxMessageBytes)
		if err != nil {
			return nil, s.fail(err)
		}
		if n == 0 {
			break
		}
		now := time.Now()
		s.heard.Store(now.UnixNano())
		s.keepPace(now)
		if err := s.decode(body); err != nil {
			return nil, s.fail(err)
		}
		if s.isOver() || s.isLost() {
			return nil, nil
		}
		buf = buf[n:]
	}
	return buf, nil
}

// handshake reads the client's first message. It returns 0 while bytes are
// missing.
func (s *Session) handshake(buf []byte, whole bool) (n int, err error) {
	h, n, err := protocol.ParseHandshake(buf, s.hub.cfg.MaxMessageBytes, whole)
	if err != nil {
		s.refuse(protocol.HandshakeErrorText(err, s.hub.cfg.DetailedErrors))
		return 0, err
	}
	if n == 0 {
		return 0, nil
	}
	codec, err := h.Choose(s.conn.Transport().Binary())
	if err != nil {
		s.refuse(err.Error())
		return 0, err
	}
	s.hand = handDone
	if h.Bare {
		s.hand = handLate
	}
	s.heard.Store(time.Now().UnixNano())
	s.hub.directory.enter(s) // Closed, which takes it out, does not come while we run
	s.mu.Lock()
	w := s.feed.welcome
	if !s.over {
		s.hub.counters.handshakes.Add(1)
		s.codec = codec
		if s.state != nil {
			s.state.on = h.Version >= statefulVersion
		}
		s.putBytesLocked(message{bytes: []byte(protocol.HandshakeOK), binary: codec.Binary()})
		s.awaitReadyLocked()
		s.beginLocked()
		s.beginLifeLocked()
	}
	s.mu.Unlock()
	s.beginDevice(w)
	s.conn.Wake()
	return n, nil
}

// refuse answers a handshake that is not done with an error, as text whatever
// the protocol, and ends the connection without a Close message.
func (s *Session) refuse(text string) {
	refused := s.end(transports.ReasonHandshake, func() bool {
		if s.codec != nil {
			return false
		}
		s.putBytesLocked(message{bytes: protocol.AppendHandshakeError(nil, text)})
		return true
	})
	if refused {
		s.hub.counters.handshakeErrors.Add(1)
	}
}

// decode handles one message.
func (s *Session) decode(body []byte) error {
	m := messages.Get().(*protocol.Message)
	defer func() {
		if cap(m.Arguments) <= maxPooledArguments {
			clear(m.Arguments[:cap(m.Arguments)]) // they would keep the body
			*m = protocol.Message{Arguments: m.Arguments[:0]}
			messages.Put(m)
		}
	}()
	if err := s.codec.Decode(body, m); err != nil {
		return err
	}
	stateful := s.isStateful()
	if stateful {
		s.counts()
	}
	if m.Type.Counted() {
		switch again := stateful && s.again(); {
		case !again && !s.awaitRoom(m):
			return nil // not counted: if the socket is lost, the client sends it again
		case stateful && !s.count():
			return nil // came with the former socket
		}
	}
	if stateful {
		switch m.Type {
		case protocol.TypeAck:
			s.acknowledged(m.SequenceID)
		case protocol.TypeSequence:
			return s.rewound(m.SequenceID)
		}
	}
	switch m.Type {
	case protocol.TypeInvocation, protocol.TypeStreamInvocation:
		s.enqueue(m)
	case protocol.TypeStreamItem:
		s.item(m)
	case protocol.TypeCompletion:
		return s.complete(m)
	case protocol.TypeCancelInvocation:
		s.cancelStream(m.InvocationID)
	case protocol.TypePing:
		s.flags.Or(flagArmed)
	case protocol.TypeClose:
		s.finish(&protocol.Message{Type: protocol.TypeClose}, transports.ReasonClientClosed)
	}
	// Ack and Sequence have no meaning without stateful reconnect; types of a
	// later protocol are skipped.
	return nil
}

// again reports that the client's next message is one that we have.
func (s *Session) again() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.next <= s.state.latest
}

// fail ends the connection for what the client sent. It returns err.
func (s *Session) fail(err error) error {
	text, reason := textClosedWithError, transports.ReasonProtocolError
	detail := "InvalidDataException: " + err.Error()
	if _, tooLarge := errors.AsType[*protocol.TooLargeError](err); tooLarge {
		// Shown to everybody: the limit surprises people, and without the
		// text they cannot find out.
		s.hub.counters.tooLarge.Add(1)
		text, reason = text+" "+detail, transports.ReasonTooLarge
	} else {
		s.hub.counters.protocolErrors.Add(1)
		text = s.hub.withDetail(text, detail)
	}
	s.hub.cfg.Logger.Debug("connection sent what the protocol forbids",
		slog.String("conn", s.conn.ConnectionID()), slog.String("reason", string(reason)), slog.Any("err", err))
	s.finish(&protocol.Message{Type: protocol.TypeClose, Error: text, AllowReconnect: true}, reason)
	return err
}
