package signalr

import (
	"context"
	"fmt"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// work is what a connection has while calls wait or run.
type work struct {
	queue   []*call
	bytes   int // of the arguments in queue
	slots   int // taken by plain calls that run
	live    int // calls that run, and OnConnected
	paused  bool
	streams map[string]*call         // calls whose results are streams, by invocation id
	uploads map[string]*upload       // streams from the client, by stream id
	results map[string]chan<- answer // calls of the client, by invocation id
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
	target  string
	args    []protocol.Raw
	size    int
	fail    string // the answer, if it is known already that the call fails

	aside   bool      // needs no slot: it has streams
	slot    bool      // has a slot; Session.mu
	uploads []*upload // one per stream parameter
	ctx     context.Context
	cancel  context.CancelFunc
}

// enqueue puts an invocation behind those that wait and has them run. It
// blocks while there is no room, for MaxHold at the most, if that is set; the
// client's silence is then our fault.
func (s *Session) enqueue(m *protocol.Message) {
	s.hub.counters.calls.Add(1)
	c := &call{session: s, id: m.InvocationID, target: m.Target, method: s.hub.method(m.Target)}
	if c.fail = s.hub.check(c.method, m); c.fail == "" {
		c.aside = c.method.needsContext()
		c.args, c.size = own(m.Arguments)
	} else if c.id == "" {
		s.hub.counters.callErrors.Add(1)
		return
	}

	s.mu.Lock()
	if !s.roomLocked(c.size) {
		s.flags.Or(flagBusy)
		s.awaitTimeLocked(func() bool { return s.roomLocked(c.size) || s.lostLocked() }, s.hub.cfg.MaxHold)
		s.heard.Store(time.Now().UnixNano())
		s.flags.And(^uint32(flagBusy))
	}
	switch {
	case s.over:
	case s.roomLocked(c.size), s.lostLocked():
		s.addLocked(c, m.StreamIDs)
	default:
		s.mu.Unlock()
		s.finish(&comeBack, transports.ReasonSlow)
		return
	}
	s.mu.Unlock()
}

// roomLocked reports whether a call with size bytes of arguments may wait. One
// always may, however large.
func (s *Session) roomLocked(size int) bool {
	w, cfg := s.work, &s.hub.cfg
	return w == nil || len(w.queue) == 0 ||
		len(w.queue) < cfg.MaxQueuedCalls && w.bytes+size <= cfg.MaxQueuedBytes
}

// addLocked queues a call. Its streams are known from now on, so that what the
// client sends next finds them.
func (s *Session) addLocked(c *call, streamIDs []string) {
	w := s.workLocked()
	if c.fail == "" && c.aside {
		if c.fail = s.openStreamsLocked(c, streamIDs); c.fail != "" {
			c.aside = false
		}
	}
	w.queue = append(w.queue, c)
	w.bytes += c.size
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
		if w.slots >= s.hub.cfg.MaxParallelCalls {
			return nil
		}
		w.slots++
		c.slot = true
	}
	w.queue[0] = nil
	w.queue = w.queue[1:]
	w.bytes -= c.size
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
	s.releaseLocked(c)
	w := s.work
	w.live--
	if s.over {
		s.dropLocked()
	}
	next := s.nextLocked()
	s.startLocked()
	s.restLocked()
	return next
}

// releaseLocked gives the call's slot back; the call itself may go on.
func (s *Session) releaseLocked(c *call) {
	if c.slot {
		c.slot = false
		s.work.slots--
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
	w.queue, w.bytes = nil, 0
}

// restLocked gives the work back when there is none.
func (s *Session) restLocked() {
	if s.work != nil && s.work.idle() {
		s.work = nil
	}
}

// check returns the answer to a call that cannot be made.
func (h *Hub) check(m *method, in *protocol.Message) string {
	streaming := in.Type == protocol.TypeStreamInvocation
	switch {
	case m == nil:
		return textInvokeFailed(in.Target) + " " + textNoMethod
	case streaming && !m.result.streams():
		return fmt.Sprintf("The client attempted to invoke the non-streaming '%s' method with a streaming invocation.", m.name)
	case !streaming && m.result.streams():
		return fmt.Sprintf("The client attempted to invoke the streaming '%s' method with a non-streaming invocation.", m.name)
	case len(in.Arguments) != m.args:
		return h.withDetail(textInvokeFailed(m.name), fmt.Sprintf(
			"InvalidDataException: Invocation provides %d argument(s) but target expects %d.", len(in.Arguments), m.args))
	case len(in.StreamIDs) != m.uploads:
		return textUnexpected(m.name) + fmt.Sprintf(" HubException: Client sent %d stream(s), Hub method expects %d.", len(in.StreamIDs), m.uploads)
	}
	return ""
}

// maxLive bounds the calls of one connection that run at a time, those included
// that have given their slots back.
const maxLive = 1000

// own copies arguments out of the receive buffer into one piece of memory.
func own(args []protocol.Raw) ([]protocol.Raw, int) {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	buf := make([]byte, 0, size)
	copies := make([]protocol.Raw, len(args))
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		copies[i] = buf[from:len(buf):len(buf)]
	}
	return copies, size
}
