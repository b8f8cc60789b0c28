package signalr

import (
	"context"
	"fmt"
	"reflect"

	"hubline/signalr/protocol"
)

// openStreamsLocked makes what a call with streams needs: a context that ends
// with it, its name among the running ones, and the streams that the client is
// going to send. It returns what tells why that is not possible.
func (s *Session) openStreamsLocked(c *call, ids []string) (fail func() string) {
	w, cfg := s.work, &s.hub.cfg
	streams := c.method.result.streams()
	if streams && w.streams[c.id] != nil {
		return func() string { return fmt.Sprintf("Invocation ID '%s' is already in use.", c.id) }
	}
	refuse := func(format string, arg any) func() string {
		return func() string { return textUnexpected(c.method.name) + " HubException: " + fmt.Sprintf(format, arg) }
	}
	n := len(ids)
	if streams {
		n++
	}
	if len(w.streams)+len(w.uploads)+n > cfg.MaxStreams {
		return refuse("More than %d streams at a time.", cfg.MaxStreams)
	}
	if w.streaming > 0 && w.streaming+c.size > cfg.MaxRunningBytes {
		return refuse("More than %d bytes of calls with streams at a time.", cfg.MaxRunningBytes)
	}
	for i, id := range ids {
		if w.uploads[id] != nil {
			for _, u := range c.uploads[:i] {
				delete(w.uploads, u.id)
			}
			c.uploads = nil
			return refuse("Stream ID '%s' is already in use.", id)
		}
		u := &upload{id: id}
		if w.uploads == nil {
			w.uploads = make(map[string]*upload)
		}
		w.uploads[id] = u
		c.uploads = append(c.uploads, u)
	}
	if streams {
		if w.streams == nil {
			w.streams = make(map[string]*call)
		}
		w.streams[c.id] = c
	}
	w.streaming += c.size
	c.ctx, c.cancel = context.WithCancel(s.contextLocked())
	return nil
}

// closeStreamsLocked takes back what openStreamsLocked has made, when the call
// is over. What the client still sends for it is dropped.
func (s *Session) closeStreamsLocked(c *call) {
	w := s.work
	if c.ctx == nil {
		return
	}
	if c.method.result.streams() {
		delete(w.streams, c.id)
	}
	for _, u := range c.uploads {
		s.emptyLocked(u)
		u.closed = true
		delete(w.uploads, u.id)
	}
	w.streaming -= c.size
	s.signalLocked()
}

// cancelStream is a CancelInvocation. The stream still ends with a Completion.
func (s *Session) cancelStream(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.work == nil {
		return
	}
	if c := s.work.streams[id]; c != nil {
		c.cancel()
		s.signalLocked()
	}
}

// stream sends what the method produces, as fast as the client takes it. text
// is the error for the client; err is ours.
func (s *Session) stream(c *call, v reflect.Value) (text string, err error) {
	if v.IsNil() {
		return fmt.Sprintf("The value returned by the streaming method '%s' is not a ChannelReader<> or IAsyncEnumerable<>.", c.method.name), nil
	}
	stop, err := s.produce(c, v)
	switch {
	case stop != nil:
		return "", stop
	case c.canceled() || err == nil:
		return "", nil
	}
	s.notePanic(c, err)
	return s.hub.methodError("An error occurred on the server while streaming results.", err), nil
}

// produce sends the items. stop is an item that cannot be sent; err is the
// method's.
func (s *Session) produce(c *call, v reflect.Value) (stop, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
		}
	}()
	emit := func(item reflect.Value) bool {
		stop = s.sendItem(c, item.Interface())
		return stop == nil && !c.canceled()
	}
	switch c.method.result {
	case resultChannel:
		cases := []reflect.SelectCase{
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c.ctx.Done())},
			{Dir: reflect.SelectRecv, Chan: v},
		}
		for {
			i, item, open := reflect.Select(cases)
			if i == 0 || !open || !emit(item) {
				return stop, nil
			}
		}
	case resultSequence:
		for item := range v.Seq() {
			if c.canceled() || !emit(item) {
				break
			}
		}
	default:
		for item, e := range v.Seq2() {
			if err, _ = reflect.TypeAssert[error](e); err != nil || c.canceled() || !emit(item) {
				break
			}
		}
	}
	return stop, err
}

// sendItem sends one item of a stream, once the client has taken enough of
// what was sent before. An item for a canceled stream is dropped. The error is
// that it cannot be encoded.
func (s *Session) sendItem(c *call, item any) error {
	raw, err := s.codec.Marshal(item, s.hub.cfg.Naming)
	if err != nil {
		return err
	}
	s.mu.Lock()
	room := s.awaitLocked(func() bool { return s.waiting <= s.hub.cfg.MaxWaitingBytes }, c.ctx.Done())
	if room && !c.canceled() {
		s.putLocked(&protocol.Message{Type: protocol.TypeStreamItem, InvocationID: c.id, Item: raw})
	}
	s.mu.Unlock()
	s.conn.Wake()
	return nil
}
