package signalr

import (
	"context"
	"fmt"

	"hubline/signalr/protocol"
)

// work is what a connection has while calls wait or run.
type work struct {
	queue   []*call
	slots   int // taken by plain calls that run
	live    int // calls that run, and OnConnected
	paused  bool
	streams map[string]*call         // calls whose results are streams, by invocation id
	uploads map[string]*upload       // streams from the client, by stream id
	results map[string]chan<- answer // calls of the client, by invocation id

	// Bytes that the client has us hold, each with its bound.
	queued    int // by calls in queue: MaxQueuedBytes
	lent      int // by calls that have given their slots back: MaxRunningBytes
	streaming int // by calls with streams, from when they are queued: MaxRunningBytes
	uploaded  int // by streams from the client: MaxQueuedBytes, see roomForItemLocked
}

// idle reports whether there is nothing left to keep.
func (w *work) idle() bool {
	return w.live == 0 && len(w.queue) == 0 && !w.paused &&
		len(w.streams) == 0 && len(w.uploads) == 0 && len(w.results) == 0
}

// call is one invocation, with arguments of its own.
type call struct {
	session *Session
	method  *method
	id      string // empty: no answer is wanted
	args    []protocol.Raw
	size    int           // bytes that it holds, see weight
	fail    func() string // the answer, if it is known already that the call fails; made late, since it may be long

	aside   bool      // needs no slot: it has streams
	slot    bool      // has a slot; Session.mu
	lent    bool      // has given it back before its end; Session.mu
	uploads []*upload // one per stream parameter
	ctx     context.Context
	cancel  context.CancelFunc
}

// enqueue puts an invocation, for which there is room, behind those that wait and
// has them run.
func (s *Session) enqueue(m *protocol.Message) {
	s.hub.counters.calls.Add(1)
	c := &call{session: s, id: m.InvocationID, method: s.hub.method(m.Target), size: weight(m)}
	if c.fail = s.hub.check(c.method, m); c.fail == nil {
		c.aside = c.method.needsContext()
		c.args = own(m.Arguments)
	} else if c.id == "" {
		s.hub.counters.callErrors.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.addLocked(c, m.StreamIDs)
	}
}

// addLocked queues a call. Its streams are known from now on, so that what the
// client sends next finds them.
func (s *Session) addLocked(c *call, streamIDs []string) {
	w := s.workLocked()
	if c.fail == nil && c.aside {
		if c.fail = s.openStreamsLocked(c, streamIDs); c.fail != nil {
			c.aside, c.args = false, nil
		}
	}
	w.queue = append(w.queue, c)
	w.queued += c.size
	s.startLocked()
}

func (s *Session) workLocked() *work {
	if s.work == nil {
		s.work = &work{}
	}
	return s.work
}

// startLocked has those that wait run, in their order: calls with streams at
// once, others as there are slots.
func (s *Session) startLocked() {
	for c := s.nextLocked(); c != nil; c = s.nextLocked() {
		// Ends when its calls have returned.
		s.hub.calls.Go(func() { s.serve(c) })
	}
}

// nextLocked takes the next call, or returns nil when none may run now.
func (s *Session) nextLocked() *call {
	w := s.work
	if w == nil || w.paused || len(w.queue) == 0 || w.live >= maxLive {
		return nil
	}
	c := w.queue[0]
	if !c.aside {
		if w.slots >= s.hub.cfg.MaxParallelCalls || w.lent > 0 && w.lent+c.size > s.hub.cfg.MaxRunningBytes {
			return nil
		}
		w.slots++
		c.slot = true
	}
	w.queue[0] = nil
	w.queue = w.queue[1:]
	w.queued -= c.size
	w.live++
	s.signalLocked()
	return c
}

// serve makes a call, and then those that have waited for it.
func (s *Session) serve(c *call) {
	for c != nil {
		if s.takesAnswers() {
			s.perform(c)
		}
		c = s.done(c)
	}
}

// takesAnswers waits until the client has taken enough of its answers. It
// reports false when the connection is over.
func (s *Session) takesAnswers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.awaitLocked(func() bool { return s.waiting <= s.hub.cfg.MaxWaitingBytes }, nil)
}

// done ends a call and returns one to go on with, if there is any.
func (s *Session) done(c *call) *call {
	if c.cancel != nil {
		c.cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeStreamsLocked(c)
	w := s.work
	w.live--
	if c.slot {
		w.slots--
	}
	if c.lent {
		w.lent -= c.size
	}
	if s.over {
		s.dropLocked()
	}
	next := s.nextLocked()
	s.startLocked()
	s.restLocked()
	return next
}

// release lets another call of the connection have the slot of c, for the rest
// of c.
func (s *Session) release(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.slot {
		c.slot, c.lent = false, true
		s.work.slots--
		s.work.lent += c.size
		s.startLocked()
	}
}

// dropLocked forgets calls that wait: the connection is over.
func (s *Session) dropLocked() {
	w := s.work
	for _, c := range w.queue {
		if c.cancel != nil {
			c.cancel()
		}
		s.closeStreamsLocked(c)
	}
	w.queue, w.queued = nil, 0
}

// restLocked gives the work back when there is none.
func (s *Session) restLocked() {
	if s.work != nil && s.work.idle() {
		s.work = nil
	}
}

// check returns what answers a call that cannot be made, or nil.
func (h *Hub) check(m *method, in *protocol.Message) func() string {
	streaming, args, streams := in.Type == protocol.TypeStreamInvocation, len(in.Arguments), len(in.StreamIDs)
	target := in.Target // in is used again
	switch {
	case m == nil:
		return func() string { return textInvokeFailed(target) + " " + textNoMethod }
	case streaming && !m.result.streams():
		return func() string {
			return fmt.Sprintf("The client attempted to invoke the non-streaming '%s' method with a streaming invocation.", m.name)
		}
	case !streaming && m.result.streams():
		return func() string {
			return fmt.Sprintf("The client attempted to invoke the streaming '%s' method with a non-streaming invocation.", m.name)
		}
	case args != m.args:
		return func() string {
			return h.withDetail(textInvokeFailed(m.name), fmt.Sprintf(
				"InvalidDataException: Invocation provides %d argument(s) but target expects %d.", args, m.args))
		}
	case streams != m.uploads:
		return func() string {
			return textUnexpected(m.name) + fmt.Sprintf(" HubException: Client sent %d stream(s), Hub method expects %d.", streams, m.uploads)
		}
	}
	return nil
}

// maxLive bounds the calls of one connection that run at a time, those included
// that have given their slots back.
const maxLive = 1000

// own copies arguments out of the receive buffer into one piece of memory.
func own(args []protocol.Raw) []protocol.Raw {
	size := total(args)
	buf := make([]byte, 0, size)
	copies := make([]protocol.Raw, len(args))
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		copies[i] = buf[from:len(buf):len(buf)]
	}
	return copies
}
