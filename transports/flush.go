package transports

import "sync"

// A publisher that has handed one event to one connection writes it itself: that
// saves the hand-over to a writer, and what reads the socket is woken once, for the
// event and for the publisher's answer right behind it, instead of twice. On the
// loopback, where waking the reader is a part of the write, the two cost a third
// less together than apart.

// hotFlushes is within how many flushes, of all connections, one that is flushed
// again counts as busy. It is left to the writers, for whom events gather: a write
// costs the same whatever it carries.
const hotFlushes = 32

// flusher is a carrier that can be written to on the caller's goroutine.
type flusher interface{ Flush() }

// Flush is Wake for a caller that has time for a write, which does not block, and
// for Session.Fill: it must hold no lock that a session takes.
func (c *Connection) Flush() {
	switch k := c.Carrier().(type) {
	case nil:
	case flusher:
		k.Flush()
	default:
		k.Wake()
	}
}

// spareWriters are for callers of Flush.
var spareWriters = sync.Pool{New: func() any { return newWriter() }}

// Flush writes what waits, unless somebody else is about to, or the stream is busy:
// then it is Wake.
func (s *Stream) Flush() {
	if s.raw == nil || !s.state.CompareAndSwap(stateIdle, stateRunning) {
		s.Wake()
		return
	}
	if s.writers.flushes.Load()-s.flushed < hotFlushes {
		s.state.Store(stateQueued)
		s.writers.push(s)
		return
	}
	w := spareWriters.Get().(*writer) //nolint:errcheck // nothing else is in it
	s.flushOwned(w)
	w.trim()
	spareWriters.Put(w)
}
