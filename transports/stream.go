package transports

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Protocol is what a Stream needs to know of its carrier.
type Protocol interface {
	Framer
	// Urgent appends what must go before any message, such as the answer to
	// a WebSocket ping.
	Urgent(dst []byte) []byte
	// Farewell appends what ends the stream in order, such as a close frame.
	Farewell(dst []byte, reason Reason) []byte
	// Finished is called once, after the farewell has been written. It reports
	// whether the peer's answer is to be awaited before the socket is closed.
	Finished() (await bool)
}

// closeWait is how long the peer may take to answer a farewell, or to take
// the last bytes, before the socket is closed.
const closeWait = 5 * time.Second

// Stream is the writing half of a connection that keeps its socket: WebSocket
// and Server-Sent Events. It has no goroutine and no buffer while nothing is
// to be written.
type Stream struct {
	conn        net.Conn
	raw         syscall.RawConn // nil: every write gets a goroutine, as with TLS
	proto       Protocol
	session     Session
	writers     *Writers
	sendTimeout time.Duration

	state  atomic.Uint32
	gone   atomic.Bool            // the socket is closed
	ending atomic.Pointer[Reason] // set once: flush what waits, then end
	round  uint32                 // guarded by Writers.mu

	// Owned by whoever flushes.
	flushed uint32    // Writers.flushes at the last flush
	bye     bool      // the farewell is laid out
	over    bool      // and written
	endBy   time.Time // when the farewell is due, whatever waits
}

// States of a stream. Whoever moves it to running owns the writing half until
// it moves it on.
const (
	stateIdle      uint32 = iota
	stateQueued           // stands in the writers' queue
	stateRunning          // is being flushed
	stateRunAgain         // is being flushed, and was woken meanwhile
	stateSuspended        // not started
)

// NewStream returns the writing half of conn. Nothing is written before Start.
func NewStream(conn net.Conn, proto Protocol, writers *Writers, sendTimeout time.Duration) *Stream {
	conn = unwrap(conn)
	s := &Stream{conn: conn, raw: rawConn(conn), proto: proto, writers: writers, sendTimeout: sendTimeout}
	s.state.Store(stateSuspended)
	return s
}

// Start binds the session and lets what waits go out.
func (s *Stream) Start(session Session) {
	s.session = session
	s.state.Store(stateQueued)
	s.writers.push(s)
}

// Wake has the stream flushed soon. It never blocks.
func (s *Stream) Wake() {
	for {
		switch s.state.Load() {
		case stateIdle:
			if s.state.CompareAndSwap(stateIdle, stateQueued) {
				s.writers.push(s)
				return
			}
		case stateRunning:
			if s.state.CompareAndSwap(stateRunning, stateRunAgain) {
				return
			}
		default:
			return
		}
	}
}

// Close lets what waits go out, with the farewell behind it. That takes at
// most the time of the write that is under way and closeWait.
func (s *Stream) Close(r Reason) {
	if s.ending.CompareAndSwap(nil, &r) {
		s.Wake()
	}
}

// Abort closes the socket at once.
func (s *Stream) Abort(r Reason) {
	s.ending.CompareAndSwap(nil, &r)
	if s.gone.CompareAndSwap(false, true) {
		cut(s.conn) // the reader learns of it
	}
}

// fail is Abort for a write that has failed: the reader may wait in the session.
func (s *Stream) fail(r Reason) {
	own, ours := s.Reason()
	s.Abort(r)
	switch {
	case ours && own == ReasonReplaced: // the session has another socket
	case goesOn(s.session, r):
		s.session.(Resumable).Detach(s.proto)
	default:
		interrupt(s.session)
	}
}

// Reason is why the stream was ended from this side, or ok is false.
func (s *Stream) Reason() (r Reason, ok bool) {
	if p := s.ending.Load(); p != nil {
		return *p, true
	}
	return "", false
}

// flush writes what waits and returns how many messages that were. The caller
// is a writer; the state is queued.
func (s *Stream) flush(w *writer) int {
	s.state.Store(stateRunning)
	return s.flushOwned(w)
}

// flushOwned is flush for whoever has moved the state to running.
func (s *Stream) flushOwned(w *writer) int {
	s.flushed = s.writers.flushes.Add(1)
	laid, more := s.fill(&w.batch)
	buf := w.batch.Buf
	switch {
	case len(buf) == 0:
	case s.raw == nil:
		s.detach(append([]byte(nil), buf...), more)
		return laid
	default:
		n, err := w.try(s.raw, buf)
		if err != nil {
			s.fail(ReasonLost)
		} else if n < len(buf) {
			s.detach(append([]byte(nil), buf[n:]...), more)
			return laid
		}
	}
	s.release(more)
	return laid
}

// fill lays out what waits.
func (s *Stream) fill(b *Batch) (laid int, more bool) {
	b.Reset(s.proto)
	if s.gone.Load() || s.bye {
		return 0, false
	}
	r := s.ending.Load() // before the filling, so that no goodbye is left behind
	b.Buf = s.proto.Urgent(b.Buf)
	more = s.session.Fill(b)
	if r != nil {
		if s.endBy.IsZero() {
			s.endBy = time.Now().Add(closeWait)
		}
		if !more || !time.Now().Before(s.endBy) {
			b.Buf = s.proto.Farewell(b.Buf, *r)
			s.bye, more = true, false
		}
	}
	return b.count, more
}

// detach goes on in a goroutine of its own, which may wait for the socket. It
// ends when rest is written or after the send timeout.
func (s *Stream) detach(rest []byte, more bool) {
	deadline := time.Now().Add(s.sendTimeout)
	if !s.endBy.IsZero() && s.endBy.Before(deadline) {
		deadline = s.endBy
	}
	s.writers.wg.Go(func() {
		_ = s.conn.SetWriteDeadline(deadline)
		if _, err := s.conn.Write(rest); err == nil {
			_ = s.conn.SetWriteDeadline(time.Time{})
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			s.fail(ReasonSlow)
		} else {
			s.fail(ReasonLost)
		}
		s.release(more)
	})
}

// release gives the writing half up, or queues it again if something came up
// in the meantime.
func (s *Stream) release(more bool) {
	if s.bye && !s.over && !s.gone.Load() {
		s.over = true
		s.finish()
	}
	if !more && s.state.CompareAndSwap(stateRunning, stateIdle) {
		return
	}
	s.state.Store(stateQueued)
	s.writers.push(s)
}

// finish ends the stream behind its farewell.
func (s *Stream) finish() {
	switch {
	case s.proto.Finished():
		_ = s.conn.SetReadDeadline(time.Now().Add(closeWait))
	case !s.gone.CompareAndSwap(false, true):
	case s.raw != nil:
		_ = s.conn.Close()
	default: // TLS says goodbye as well, and waits until it can
		s.writers.wg.Go(func() { _ = s.conn.Close() })
	}
}
