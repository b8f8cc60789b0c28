package signalr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Caller is the connection that calls a method.
type Caller struct{ s *Session }

// ConnectionID is the public name of the connection.
func (c Caller) ConnectionID() string { return c.s.conn.ConnectionID() }

// User is who the connection belongs to.
func (c Caller) User() string { return c.s.user }

// Device is the client's device, if its token names one.
func (c Caller) Device() string { return c.s.device }

// Transport is the carrier in use.
func (c Caller) Transport() transports.Transport { return c.s.conn.Transport() }

// Abort ends the connection; the client does not come back by itself.
func (c Caller) Abort() {
	c.s.finish(&protocol.Message{Type: protocol.TypeClose}, transports.ReasonDone)
}

// work is what a connection has while calls wait or run.
type work struct {
	queue []call
	bytes int // of the arguments in queue

	// The context of the calls; both are nil until a method wants one.
	ctx    context.Context
	cancel context.CancelFunc
}

// call is one invocation, with arguments of its own.
type call struct {
	method *method
	id     string // empty: no answer is wanted
	target string
	args   []protocol.Raw
	size   int
	fail   string // the answer, if it is known already that the call fails
}

// enqueue puts an invocation behind those that wait and has them run. It
// blocks while there is no room, for MaxHold at the most; the client's silence
// is then our fault.
func (s *Session) enqueue(m *protocol.Message) {
	s.hub.counters.calls.Add(1)
	c := call{id: m.InvocationID, target: m.Target}
	c.method = s.hub.method(m.Target)
	if c.fail = s.hub.check(c.method, m); c.fail != "" {
		s.hub.counters.callErrors.Add(1)
		if c.id == "" {
			return
		}
	} else {
		c.args, c.size = own(m.Arguments)
	}

	s.mu.Lock()
	if !s.roomLocked(c.size) {
		s.busy.Store(true)
		hold := time.NewTimer(s.hub.cfg.MaxHold)
		s.awaitLocked(func() bool { return s.roomLocked(c.size) }, hold.C)
		hold.Stop()
		s.heard.Store(time.Now().UnixNano())
		s.busy.Store(false)
	}
	switch {
	case s.over:
	case s.roomLocked(c.size):
		s.addLocked(c)
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

func (s *Session) addLocked(c call) {
	if s.work == nil {
		s.work = &work{}
		// Ends when no call waits or the connection is over.
		s.hub.calls.Go(s.run)
	}
	s.work.queue = append(s.work.queue, c)
	s.work.bytes += c.size
}

// check returns the answer to a call that cannot be made.
func (h *Hub) check(m *method, in *protocol.Message) string {
	switch {
	case m == nil:
		return textInvokeFailed(in.Target) + " " + textNoMethod
	case in.Type == protocol.TypeStreamInvocation:
		return fmt.Sprintf("The client attempted to invoke the non-streaming '%s' method with a streaming invocation.", m.name)
	case len(in.Arguments) != len(m.args):
		return h.withDetail(textInvokeFailed(m.name), fmt.Sprintf(
			"InvalidDataException: Invocation provides %d argument(s) but target expects %d.", len(in.Arguments), len(m.args)))
	case len(in.StreamIDs) > 0:
		return textUnexpected(m.name) + fmt.Sprintf(" HubException: Client sent %d stream(s), Hub method expects 0.", len(in.StreamIDs))
	}
	return ""
}

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

// run makes the calls, one after the other.
func (s *Session) run() {
	for {
		c, ctx, ok := s.nextCall()
		if !ok {
			return
		}
		answer := protocol.Message{Type: protocol.TypeCompletion, InvocationID: c.id, Error: c.fail}
		if c.fail == "" {
			var err error
			if answer.Result, answer.Error, err = s.invoke(ctx, &c); err != nil {
				s.failSending(err)
				continue
			}
			answer.HasResult = answer.Error == ""
		}
		if c.id != "" {
			s.send(&answer)
		}
	}
}

// nextCall takes the next call, once the client has taken enough of its
// answers. It reports false when there is none, and the work is given back.
func (s *Session) nextCall() (c call, ctx context.Context, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(func() bool { return s.waiting <= s.hub.cfg.MaxWaitingBytes }, nil)
	w := s.work
	if s.over || len(w.queue) == 0 {
		w.stop()
		s.work = nil
		return call{}, nil, false
	}
	c = w.queue[0]
	w.queue[0] = call{}
	w.queue = w.queue[1:]
	w.bytes -= c.size
	s.signalLocked()
	if c.fail == "" && c.method.ctx && w.ctx == nil {
		w.ctx, w.cancel = context.WithCancel(context.Background())
	}
	return c, w.ctx, true
}

// stop ends the context that running calls have.
func (w *work) stop() {
	if w.cancel != nil {
		w.cancel()
	}
}

// invoke makes one call. text is the error for the client; err is ours: the
// result cannot be sent.
func (s *Session) invoke(ctx context.Context, c *call) (result protocol.Raw, text string, err error) {
	in, err := c.method.bind(ctx, Caller{s}, s.codec, c.args)
	if err != nil {
		s.hub.counters.callErrors.Add(1)
		return nil, s.hub.withDetail(textInvokeFailed(c.method.name), textBinding), nil
	}
	v, err := c.method.run(in)
	if err != nil {
		s.hub.counters.callErrors.Add(1)
		if p, ok := errors.AsType[*panicError](err); ok {
			s.hub.counters.panics.Add(1)
			s.hub.cfg.Logger.Error("hub method panicked",
				slog.String("conn", s.conn.ConnectionID()), slog.String("method", c.method.name), slog.Any("err", p))
		}
		return nil, s.hub.methodError(c.method.name, err), nil
	}
	if c.id == "" {
		return nil, "", nil
	}
	result, err = s.codec.Marshal(v)
	return result, "", err
}

// failSending ends the connection because a message of ours cannot be encoded.
func (s *Session) failSending(err error) {
	s.hub.cfg.Logger.Error("hub method's result could not be encoded",
		slog.String("conn", s.conn.ConnectionID()), slog.Any("err", err))
	s.finish(&protocol.Message{
		Type: protocol.TypeClose, AllowReconnect: true,
		Error: s.hub.withDetail(textClosedWithError, err.Error()),
	}, transports.ReasonInternal)
}
