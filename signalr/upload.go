package signalr

import (
	"context"
	"errors"
	"reflect"

	"hubline/signalr/protocol"
)

// upload is a stream from the client to a call. Session.mu guards it.
type upload struct {
	id     string
	queue  []protocol.Raw
	bytes  int   // in queue, on its way to the method, and of the client's error text
	taken  int   // of them: on its way
	ended  bool  // the client has sent the last item
	closed bool  // the method has returned, so nobody reads
	err    error // how it ended, if not well
}

var (
	errUploadLost = errors.New("The underlying connection was closed.") //nolint:staticcheck // .NET's text
	errUploadItem = errors.New("Failed to bind Stream message.")        //nolint:staticcheck // .NET's text
)

// item is a StreamItem, for which there is room.
func (s *Session) item(m *protocol.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploadLocked(m.InvocationID)
	if u == nil || u.ended || s.over {
		return
	}
	u.queue = append(u.queue, append(protocol.Raw(nil), m.Item...))
	s.holdLocked(u, len(m.Item))
	s.signalLocked()
}

// holdLocked notes n bytes more of a stream, or less.
func (s *Session) holdLocked(u *upload, n int) {
	if n != 0 {
		u.bytes += n
		s.work.uploaded += n // there is work as long as a stream holds something
	}
}

func (s *Session) uploadLocked(id string) *upload {
	if s.work == nil {
		return nil
	}
	return s.work.uploads[id]
}

// endUploadLocked is a Completion of a stream from the client.
func (s *Session) endUploadLocked(u *upload, text string) {
	if !u.ended && text != "" {
		u.err = &Error{Text: text}
		s.holdLocked(u, len(text))
	}
	u.ended = true
	s.signalLocked()
}

// next waits for an item, which counts until arrived is called. ok is false at the
// end of the stream, with the error that it ended with, if any.
func (s *Session) next(c *call, u *upload, item reflect.Value) (ok bool, err error) {
	s.mu.Lock()
	s.awaitLocked(func() bool { return len(u.queue) > 0 || u.ended || u.closed }, c.ctx.Done())
	if len(u.queue) == 0 {
		defer s.mu.Unlock()
		switch {
		case u.err != nil:
		case s.over:
			u.err = errUploadLost
		case !u.ended:
			u.err = context.Canceled
		}
		return false, u.err
	}
	raw := u.queue[0]
	u.queue[0] = nil
	u.queue = u.queue[1:]
	u.taken += len(raw)
	s.signalLocked()
	s.mu.Unlock()
	if s.decodeItem(raw, item) != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.emptyLocked(u)
		u.ended, u.err = true, errUploadItem
		return false, u.err
	}
	return true, nil
}

// arrived notes that the method has what was taken.
func (s *Session) arrived(u *upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holdLocked(u, -u.taken)
	u.taken = 0
	s.signalLocked()
}

// emptyLocked forgets what a stream holds.
func (s *Session) emptyLocked(u *upload) {
	s.holdLocked(u, -u.bytes)
	u.queue, u.taken = nil, 0
	s.signalLocked()
}

// decodeItem decodes one item. A type whose own decoding panics has failed.
func (s *Session) decodeItem(raw protocol.Raw, item reflect.Value) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
		}
	}()
	return s.codec.Unmarshal(raw, item.Interface(), s.hub.cfg.Naming)
}

// sequence is the stream as an iter.Seq2[T, error]: an error is its last pair.
func (s *Session) sequence(c *call, u *upload, p *param) reflect.Value {
	return reflect.MakeFunc(p.typ, func(args []reflect.Value) []reflect.Value {
		yield := args[0]
		for {
			item := reflect.New(p.item)
			ok, err := s.next(c, u, item)
			if !ok && err == nil {
				return nil
			}
			if !ok {
				yield.Call([]reflect.Value{reflect.Zero(p.item), reflect.ValueOf(&err).Elem()})
				return nil
			}
			s.arrived(u)
			if !yield.Call([]reflect.Value{item.Elem(), reflect.Zero(typeError)})[0].Bool() {
				return nil
			}
		}
	})
}

// channel is the stream as a <-chan T, closed at its end. What it ended with,
// if not well, becomes the call's error, see cutShort.
func (s *Session) channel(c *call, u *upload, p *param) reflect.Value {
	ch := reflect.MakeChan(reflect.ChanOf(reflect.BothDir, p.item), 0)
	// Ends with the stream, or with the call.
	s.hub.calls.Go(func() {
		defer ch.Close()
		cases := []reflect.SelectCase{
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c.ctx.Done())},
			{Dir: reflect.SelectSend, Chan: ch},
		}
		for {
			item := reflect.New(p.item)
			if ok, _ := s.next(c, u, item); !ok {
				return
			}
			cases[1].Send = item.Elem()
			if i, _, _ := reflect.Select(cases); i == 0 {
				return
			}
			s.arrived(u)
		}
	})
	return ch.Convert(p.typ)
}

// cutShort returns the error of a stream that the method got as a channel and
// so could not see, or nil.
func (c *call) cutShort() error {
	if len(c.uploads) == 0 {
		return nil
	}
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	for _, p := range c.method.params {
		switch p.kind {
		case paramChannel:
			if err := c.uploads[i].err; err != nil {
				return err
			}
			i++
		case paramSequence:
			i++
		}
	}
	return nil
}
