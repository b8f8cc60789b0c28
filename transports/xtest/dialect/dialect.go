// Package dialect is a session for the tests of carriers: it sends what the test
// pushes and keeps what comes.
package dialect

import (
	"errors"
	"sync"
	"time"

	"hubline/transports"
)

// ErrRefused is what Receive returns for the bytes of Session.Refuse.
var ErrRefused = errors.New("refused")

// Session implements transports.Session. Its methods are safe for concurrent use.
type Session struct {
	Conn transports.Conn
	// Refuse, if set, is a message that Receive returns ErrRefused for.
	Refuse string
	// Goodbye, if set, is sent by Leave.
	Goodbye string
	// Binary sends binary messages.
	Binary bool
	// OnReceive, if set, is called by Receive without locks.
	OnReceive func(p []byte, end bool)
	// OnFill, if set, is called at the end of Fill without locks.
	OnFill func()
	// OnTick, if set, is Tick.
	OnTick func(now time.Time) time.Time

	Over chan struct{} // closed by Closed

	mu      sync.Mutex
	queue   []Message
	got     []byte
	ends    int
	arrived chan struct{}
	heard   int
	reason  transports.Reason
	closed  int
}

// Message is something to send.
type Message struct {
	Text     string
	ID, Name string
	// KeepAlive sends a sign of life, with ID, in place of Text.
	KeepAlive bool
}

// New returns a session for conn.
func New(conn transports.Conn) *Session {
	return &Session{Conn: conn, Over: make(chan struct{}), arrived: make(chan struct{}, 1)}
}

// Push queues messages and wakes the connection.
func (s *Session) Push(texts ...string) {
	for _, t := range texts {
		s.Put(Message{Text: t})
	}
}

// Put queues messages and wakes the connection.
func (s *Session) Put(m ...Message) {
	s.mu.Lock()
	s.queue = append(s.queue, m...)
	s.mu.Unlock()
	s.Conn.Wake()
}

// Waiting is how many messages Fill has not taken.
func (s *Session) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Fill implements transports.Session.
func (s *Session) Fill(b *transports.Batch) bool {
	more := s.fill(b)
	if s.OnFill != nil {
		s.OnFill()
	}
	return more
}

func (s *Session) fill(b *transports.Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && !b.Full() {
		m := s.queue[0]
		s.queue = s.queue[1:]
		if m.KeepAlive {
			b.KeepAlive([]byte(m.ID))
			continue
		}
		b.Begin(transports.Meta{ID: []byte(m.ID), Name: m.Name, Binary: s.Binary})
		b.Buf = append(b.Buf, m.Text...)
		b.End()
	}
	return len(s.queue) > 0
}

// Receive implements transports.Session.
func (s *Session) Receive(p []byte, end bool) error {
	if s.OnReceive != nil {
		s.OnReceive(p, end)
	}
	if s.Refuse != "" && string(p) == s.Refuse {
		return ErrRefused
	}
	s.mu.Lock()
	s.got = append(s.got, p...)
	if end {
		s.ends++
	}
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	return nil
}

// Got is what has been received, and how many messages that were.
func (s *Session) Got() (text string, messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.got), s.ends
}

// Arrived tells that something was received since it told last.
func (s *Session) Arrived() <-chan struct{} { return s.arrived }

// Tick implements transports.Session.
func (s *Session) Tick(now time.Time) time.Time {
	if s.OnTick != nil {
		return s.OnTick(now)
	}
	return time.Time{}
}

// Leave implements transports.Session.
func (s *Session) Leave(r transports.Reason) {
	if s.Goodbye != "" {
		s.Push(s.Goodbye)
	}
	s.Conn.Close(r)
}

// Heard implements the WebSocket carrier's Listener.
func (s *Session) Heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard++
}

// HeardTimes is how often Heard was called.
func (s *Session) HeardTimes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// Closed implements transports.Session. It panics when it is called twice.
func (s *Session) Closed(r transports.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed++; s.closed > 1 {
		panic("session was closed twice")
	}
	s.reason = r
	close(s.Over)
}

// Reason is why the connection has ended, empty while it has not.
func (s *Session) Reason() transports.Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Expire implements the long-polling carrier's Expirer: a poll that waits is
// answered with the goodbye.
func (s *Session) Expire() {
	if s.Goodbye != "" {
		s.Push(s.Goodbye)
	}
}
