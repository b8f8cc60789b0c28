package signalr

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hubline/signalr/protocol"
)

// answer is what a client has answered to a call of ours.
type answer struct {
	result protocol.Raw // nil: none
	err    string
}

// resultError is why there is no result, in .NET's words.
type resultError struct {
	text  string
	cause error // or nil
}

func (e *resultError) Error() string { return e.text }
func (e *resultError) Unwrap() error { return e.cause }

// errInOnConnected: the client's answer would wait behind the very function that
// waits for it.
var errInOnConnected = &resultError{text: "Client results inside OnConnectedAsync Hub methods are not allowed."}

// Invoke calls a function of the client, waits for its answer and stores it in
// the value that result points to; a nil result takes only the fact. It gives
// up when ctx ends, which should have a deadline, or when the connection does.
// Errors that the client answers with are of type *Error. While the client is
// awaited another call of the connection may run in the place of the caller's.
func (c Caller) Invoke(ctx context.Context, result any, target string, args ...any) error {
	if own, ok := ctx.Value(callKey{}).(*call); ok {
		own.session.release(own)
	}
	if c.c != nil {
		c.s.release(c.c)
	}
	return c.s.call(ctx, result, target, args)
}

// Invoke is [Caller.Invoke] of a client that is known by its connection's name.
func (h *Hub) Invoke(ctx context.Context, connectionID string, result any, target string, args ...any) error {
	s := h.directory.find(connectionID)
	if s == nil {
		return &resultError{text: fmt.Sprintf("Connection '%s' does not exist.", connectionID)}
	}
	return Caller{s: s}.Invoke(ctx, result, target, args...)
}

// call makes a call of the client and waits.
func (s *Session) call(ctx context.Context, result any, target string, args []any) error {
	ch := make(chan answer, 1)
	id, err := s.ask(ch, target, args)
	if err != nil {
		return err
	}
	var got answer
	select {
	case got = <-ch:
	case <-ctx.Done():
		s.forget(id)
		return &resultError{text: "Invocation canceled by the server.", cause: ctx.Err()}
	case <-s.context().Done():
		s.forget(id)
		return s.errDisconnected()
	}
	switch {
	case got.err != "":
		return &Error{Text: got.err}
	case result == nil:
		return nil
	}
	if got.result == nil {
		got.result = s.null()
	}
	if err := s.codec.Unmarshal(got.result, result, s.hub.cfg.Naming); err != nil {
		return &resultError{text: fmt.Sprintf("Error trying to deserialize result to %s. %v", strings.TrimPrefix(fmt.Sprintf("%T", result), "*"), err), cause: err}
	}
	return nil
}

func (s *Session) errDisconnected() error {
	return &resultError{text: fmt.Sprintf("Connection '%s' disconnected.", s.conn.ConnectionID())}
}

// null is an answer without a value.
func (s *Session) null() protocol.Raw {
	b, _ := s.codec.AppendJSON(nil, []byte("null")) // valid JSON
	return b
}

// ask sends the call, whose answer will come over ch.
func (s *Session) ask(ch chan<- answer, target string, args []any) (id string, err error) {
	s.mu.Lock()
	codec := s.codec
	connecting := s.more != nil && s.more.stage == stageConnecting
	s.mu.Unlock()
	switch {
	case codec == nil:
		return "", s.errDisconnected()
	case connecting:
		return "", errInOnConnected
	}
	// The letter keeps it apart from the streams of clients.
	m := protocol.Message{
		Type: protocol.TypeInvocation, InvocationID: "s" + strconv.FormatUint(s.hub.asked.Add(1), 10), Target: target,
	}
	if m.Arguments, err = marshalAll(codec, s.hub.cfg.Naming, args); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.conn.Wake()
	defer s.mu.Unlock()
	if s.over {
		return "", s.errDisconnected()
	}
	w := s.workLocked()
	if w.results == nil {
		w.results = make(map[string]chan<- answer)
	}
	w.results[m.InvocationID] = ch
	s.hub.awaited.Store(m.InvocationID, s)
	s.putLocked(&m)
	return m.InvocationID, nil
}

// forget takes back what ask has noted.
func (s *Session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hub.awaited.Delete(id)
	if s.work != nil {
		delete(s.work.results, id)
		s.restLocked()
	}
}

// complete is a Completion: the end of a stream from the client, or the
// client's answer to a call of ours. One that nobody waits for is ignored; one
// that another connection is to give is an attack.
func (s *Session) complete(m *protocol.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploadLocked(m.InvocationID); u != nil {
		s.endUploadLocked(u, m.Error)
		return nil
	}
	var ch chan<- answer
	if s.work != nil {
		ch = s.work.results[m.InvocationID]
	}
	if ch == nil {
		if other, ok := s.hub.awaited.Load(m.InvocationID); ok && other != s {
			return errForeignResult
		}
		return nil
	}
	delete(s.work.results, m.InvocationID)
	s.hub.awaited.Delete(m.InvocationID)
	a := answer{err: m.Error}
	if m.HasResult {
		a.result = append(protocol.Raw(nil), m.Result...)
	}
	ch <- a // has room for one
	s.restLocked()
	return nil
}

var errForeignResult = &protocol.ParseError{Text: "Completion for an invocation of another connection."}

// marshalAll encodes arguments.
func marshalAll(codec protocol.Codec, n protocol.Naming, args []any) ([]protocol.Raw, error) {
	raw := make([]protocol.Raw, len(args))
	for i, a := range args {
		var err error
		if raw[i], err = codec.Marshal(a, n); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
	}
	return raw, nil
}
