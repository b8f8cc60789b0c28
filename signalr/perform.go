package signalr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// perform makes one call and answers it.
func (s *Session) perform(c *call) {
	answer := protocol.Message{Type: protocol.TypeCompletion, InvocationID: c.id}
	if c.fail != nil {
		answer.Error = c.fail()
	} else {
		var err error
		if answer.Result, answer.Error, err = s.invoke(c); err != nil {
			s.failSending(c.method.name, err)
			return
		}
		answer.HasResult = answer.Error == "" && !c.method.result.streams()
	}
	if answer.Error != "" {
		s.hub.counters.callErrors.Add(1)
	}
	if c.id != "" {
		s.send(&answer)
	}
}

// invoke runs the method. text is the error for the client; err is ours: the
// result cannot be sent.
func (s *Session) invoke(c *call) (result protocol.Raw, text string, err error) {
	m, h := c.method, s.hub
	defer func() {
		if p := recover(); p != nil { // of a type's own decoding or encoding
			e := &panicError{value: p}
			s.notePanic(c, e)
			result, text, err = nil, h.methodError(textUnexpected(m.name), e), nil
		}
	}()
	if m.allow != nil && !s.allowed(c) {
		return nil, fmt.Sprintf("Failed to invoke '%s' because user is unauthorized", m.name), nil
	}
	in, err := s.bind(c)
	if err != nil {
		return nil, h.withDetail(textInvokeFailed(m.name), textBinding), nil
	}
	c.args = nil // they have been decoded
	v, err := m.run(in)
	if cut := c.cutShort(); cut != nil {
		err = cut // whatever the method made of the broken stream
	}
	switch {
	case err != nil && c.canceled():
		return nil, "", nil
	case err != nil:
		s.notePanic(c, err)
		return nil, h.methodError(textUnexpected(m.name), err), nil
	case m.result.streams():
		text, err = s.stream(c, v)
		return nil, text, err
	case c.id == "" || m.result == resultNone:
		return nil, "", nil
	}
	result, err = s.codec.Marshal(v.Interface(), s.hub.cfg.Naming)
	return result, "", err
}

// allowed asks the method's own authorization. One that panics has not allowed.
func (s *Session) allowed(c *call) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.notePanic(c, &panicError{value: p})
			ok = false
		}
	}()
	return c.method.allow(Caller{s, c})
}

// canceled reports whether the client has canceled the call, or is gone.
func (c *call) canceled() bool { return c.ctx != nil && c.ctx.Err() != nil }

func (s *Session) notePanic(c *call, err error) {
	p, ok := errors.AsType[*panicError](err)
	if !ok {
		return
	}
	s.hub.counters.panics.Add(1)
	s.hub.cfg.Logger.Error("hub method panicked",
		slog.String("conn", s.conn.ConnectionID()), slog.String("method", c.method.name), slog.Any("err", p))
}

// bind makes what the function is called with.
func (s *Session) bind(c *call) ([]reflect.Value, error) {
	m := c.method
	in := make([]reflect.Value, 0, len(m.params))
	args, uploads := c.args, c.uploads
	for i := range m.params {
		p := &m.params[i]
		switch p.kind {
		case paramContext:
			in = append(in, reflect.ValueOf(s.callContext(c)))
		case paramCaller:
			in = append(in, reflect.ValueOf(Caller{s, c}))
		case paramArgument:
			v := reflect.New(p.typ)
			if err := s.codec.Unmarshal(args[0], v.Interface(), s.hub.cfg.Naming); err != nil {
				return nil, err
			}
			in, args = append(in, v.Elem()), args[1:]
		case paramChannel:
			in, uploads = append(in, s.channel(c, uploads[0], p)), uploads[1:]
		case paramSequence:
			in, uploads = append(in, s.sequence(c, uploads[0], p)), uploads[1:]
		}
	}
	return in, nil
}

// callKey finds the call that a context belongs to.
type callKey struct{}

// callContext is what the method gets: it ends with the call if the call can be
// canceled, else with the connection.
func (s *Session) callContext(c *call) context.Context {
	ctx := c.ctx
	if ctx == nil {
		ctx = s.context()
	}
	return context.WithValue(ctx, callKey{}, c)
}

// run calls the function. A panic is returned as an error of its own type.
func (m *method) run(in []reflect.Value) (result reflect.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
		}
	}()
	out := m.fn.Call(in)
	if m.err {
		err, _ = reflect.TypeAssert[error](out[len(out)-1])
	}
	if m.result != resultNone {
		result = out[0]
	}
	return result, err
}

// panicError is what a method panicked with.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// failSending ends the connection because a message of ours cannot be encoded.
func (s *Session) failSending(what string, err error) {
	s.hub.cfg.Logger.Error("hub message could not be encoded",
		slog.String("conn", s.conn.ConnectionID()), slog.String("target", what), slog.Any("err", err))
	s.finish(&protocol.Message{
		Type: protocol.TypeClose, AllowReconnect: true,
		Error: s.hub.withDetail(textClosedWithError, err.Error()),
	}, transports.ReasonInternal)
}
