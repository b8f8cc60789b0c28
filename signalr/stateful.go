package signalr

import (
	"sync"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// stateful is what stateful reconnect (reference: "Stateful reconnect") keeps of
// a connection: the messages that the client has not acknowledged, and how far
// we have those of the client. Each side numbers its counted messages from 1.
type stateful struct {
	fill sync.Mutex // held while a batch is filled; before Session.mu

	// Session.mu guards the rest.
	on      bool              // the handshake asked for it
	ready   bool              // the client counts what it is sent
	framer  transports.Framer // whose batches are filled; nil: no socket
	began   bool              // there was a socket
	lost    bool              // the socket is lost: what comes from it is not counted any more
	unacked []kept            // sent, in order; the last has the number sent
	bytes   int               // in unacked
	sent    int64
	resend  int  // how many of unacked the present socket has been given
	greet   bool // it is to be told where we begin

	next   int64 // number of the client's next message
	latest int64 // the newest that we have
	told   int64 // the newest that the client knows we have
	ack    bool  // it is to be told
}

// kept is a message that was sent, until it is acknowledged.
type kept struct {
	bytes []byte
	seq   uint64 // of the event or gap that it is; 0: neither
}

// Resumable implements transports.Resumable.
func (s *Session) Resumable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state != nil && s.state.on && !s.over
}

// statefulVersion is the handshake's version that asks for stateful reconnect.
const statefulVersion = 2

func (s *Session) isStateful() bool {
	if s.state == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.on
}

// Attach implements transports.Resumable. A new socket begins with the number of
// our first message on it, and all that was not acknowledged.
func (s *Session) Attach(f transports.Framer) {
	st := s.state
	if st == nil {
		return
	}
	st.fill.Lock()
	defer st.fill.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !st.began
	st.framer, st.began = f, true
	if first || !st.on { // a handshake may have come by POST before the first
		return
	}
	st.lost = false
	st.told = 0 // an Ack may have been lost with the former socket
	st.resend, st.greet = 0, true
	s.in = nil // the rest of it does not come any more
	s.owe()    // what the former socket was asked it will not answer
	s.heard.Store(time.Now().UnixNano())
	s.hub.counters.resumed.Add(1)
}

// Detach implements transports.Resumable.
func (s *Session) Detach(f transports.Framer) {
	st := s.state
	if st == nil {
		return
	}
	st.fill.Lock()
	defer st.fill.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.framer == f {
		st.framer, st.lost = nil, true
		s.signalLocked()
	}
}

// lostLocked reports that the socket is lost. What has not been counted by then the
// client sends again.
func (s *Session) lostLocked() bool { return s.state != nil && s.state.lost }

// fillStateful is Fill with stateful reconnect.
func (s *Session) fillStateful(b *transports.Batch) (more bool) {
	st := s.state
	st.fill.Lock()
	defer st.fill.Unlock()
	s.mu.Lock()
	on, mine := st.on, st.framer == b.Framer()
	s.mu.Unlock()
	if !mine {
		return false // another socket has taken its place
	}
	if on && !s.resume(b) {
		return true
	}
	return s.fill(b)
}

// takeLocked takes what waits to be laid out, but for what the client has no
// room for until it has acknowledged something.
func (s *Session) takeLocked() []message {
	out := s.out
	s.out, s.waiting = nil, 0
	if s.state == nil || !s.state.on || s.over {
		return out
	}
	for i, m := range out {
		switch {
		case !m.counted:
		case s.creditLocked() > 0:
			s.state.keepLocked(m.bytes, 0)
		default:
			s.out = append([]message(nil), out[i:]...) // out is given back as a whole
			for _, held := range s.out {
				s.waiting += len(held.bytes)
			}
			return out[:i]
		}
	}
	return out
}

// creditLocked is how many bytes the client may be sent before it acknowledges
// something. One message more than that is sent.
func (s *Session) creditLocked() int {
	st, cfg := s.state, &s.hub.cfg
	if !st.ready || len(st.unacked) >= cfg.StatefulMessages {
		return 0
	}
	return cfg.StatefulBytes - st.bytes
}

// credit bounds the bytes and the number of the events that are to be laid out
// now.
func (s *Session) credit(room, events int) (bytes, n int) {
	if s.state == nil {
		return room, events
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.on || s.over {
		return room, events
	}
	return min(room, s.creditLocked()), min(events, s.hub.cfg.StatefulMessages-len(s.state.unacked))
}

// keep notes a counted message that was laid out from memory that is used again.
func (s *Session) keep(p []byte, seq uint64) {
	if s.state == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.on {
		s.state.keepLocked(append([]byte(nil), p...), seq)
	}
}

// keepLocked notes a counted message that has been laid out. p is not changed any
// more.
func (st *stateful) keepLocked(p []byte, seq uint64) {
	st.unacked = append(st.unacked, kept{p, seq})
	st.bytes += len(p)
	st.sent++
	st.resend++
}

// resume lays out what a new socket gets first. It reports false while that does
// not fit into the batch.
func (s *Session) resume(b *transports.Batch) (done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	if st.greet {
		st.greet = false
		s.layLocked(b, &protocol.Message{Type: protocol.TypeSequence, SequenceID: st.sent - int64(len(st.unacked)) + 1})
	}
	for ; st.resend < len(st.unacked) && !b.Full(); st.resend++ {
		lay(b, st.unacked[st.resend].bytes, s.codec.Binary())
	}
	if st.ack {
		st.ack, st.told = false, st.latest
		s.layLocked(b, &protocol.Message{Type: protocol.TypeAck, SequenceID: st.latest})
	}
	return st.resend == len(st.unacked)
}

func (s *Session) layLocked(b *transports.Batch, m *protocol.Message) {
	p, err := s.codec.Append(nil, m)
	if err != nil {
		panic(err) // only for an unknown type
	}
	lay(b, p, s.codec.Binary())
}

// count numbers a message of the client. It reports false for one that we have.
func (s *Session) count() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	id := st.next
	st.next++
	if id <= st.latest {
		return false
	}
	st.latest = id
	return true
}

// acknowledged is an Ack. What is beyond our last message is taken for that, and
// what is before those that wait says nothing new. The device has the events that it
// names.
func (s *Session) acknowledged(id int64) {
	s.mu.Lock()
	st := s.state
	before := st.sent - int64(len(st.unacked))
	n := int(min(max(id, before), st.sent) - before) // any number may come
	seq := uint64(0)
	for _, m := range st.unacked[:n] {
		st.bytes -= len(m.bytes)
		seq = max(seq, m.seq)
	}
	clear(st.unacked[:n])
	if st.unacked = st.unacked[n:]; len(st.unacked) == 0 {
		st.unacked = nil
	}
	st.resend = max(0, st.resend-n)
	s.mu.Unlock()
	if n > 0 {
		s.conn.Wake()
	}
	if seq > 0 {
		s.Read(seq)
	}
}

var errSequence = &protocol.ParseError{Text: "Sequence ID greater than amount of messages we've received."}

// rewound is a Sequence: the client's next message has that number.
func (s *Session) rewound(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id < 1 || id > s.state.next {
		return errSequence
	}
	s.state.next = id
	return nil
}

// readyTime is how long a client is given to begin counting.
const readyTime = time.Second

// awaitReadyLocked holds counted messages back behind the handshake's answer: the
// npm client begins to count a moment after it has read that, so what comes with
// it would be missing in its count, and come twice after a reconnect. Its first
// ping tells that it counts; other clients are given a second.
func (s *Session) awaitReadyLocked() {
	if s.state == nil || !s.state.on {
		return
	}
	time.AfterFunc(readyTime, s.counts)
}

// counts notes that the client counts.
func (s *Session) counts() {
	s.mu.Lock()
	news := !s.state.ready
	s.state.ready = true
	s.mu.Unlock()
	if news {
		s.conn.Wake()
	}
}

// askToAck has the client told about once a second what we have.
func (s *Session) askToAck() {
	s.mu.Lock()
	st := s.state
	due := st.latest > st.told
	st.ack = st.ack || due
	s.mu.Unlock()
	if due {
		s.conn.Wake()
	}
}
