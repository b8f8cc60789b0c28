package signalr

import (
	"context"
	"errors"
	"log/slog"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// stage is how far the hub's own functions are with a connection.
type stage uint8

const (
	stageNew        stage = iota
	stageConnecting       // OnConnected runs
	stageConnected        // OnDisconnected is due at the end
	stageClosed           // the connection ended while OnConnected ran
	stageDone
)

// OnConnected sets the function that runs when a connection's handshake is
// done and before its first call. An error ends the connection: the client
// does not come back by itself, and OnDisconnected does not run. ctx ends with
// the connection.
func (h *Hub) OnConnected(f func(ctx context.Context, c Caller) error) { h.onConnected = f }

// OnDisconnected sets the function that runs once when a connection has ended,
// if OnConnected had returned without error; the connection is still in its
// groups. err is nil when the client has left or the connection was lost, else
// it tells why the server ended it. It may run after OnConnected of the same
// client's next connection.
func (h *Hub) OnDisconnected(f func(c Caller, err error)) { h.onDisconnected = f }

// beginLifeLocked starts OnConnected; calls wait for it. The handshake's answer
// is queued.
func (s *Session) beginLifeLocked() {
	h := s.hub
	if h.onConnected == nil && h.onDisconnected == nil {
		return
	}
	s.moreLocked().stage = stageConnected
	if h.onConnected == nil {
		return
	}
	s.more.stage = stageConnecting
	w := s.workLocked()
	w.paused = true
	w.live++
	ctx := s.contextLocked()
	// Ends with OnConnected.
	h.calls.Go(func() { s.welcome(ctx) })
}

// welcome runs OnConnected.
func (s *Session) welcome(ctx context.Context) {
	err := s.guard("OnConnected", func() error { return s.hub.onConnected(ctx, Caller{s: s}) })
	s.mu.Lock()
	gone := s.more.stage == stageClosed
	s.more.stage = stageConnected
	if err != nil {
		s.more.stage = stageDone
	}
	w := s.work
	w.paused = err != nil // then nothing runs any more
	w.live--
	if s.over {
		s.dropLocked()
	}
	if err == nil {
		s.startLocked()
	}
	s.restLocked()
	s.mu.Unlock()
	switch {
	case err != nil:
		s.finish(&protocol.Message{Type: protocol.TypeClose, Error: s.hub.methodError(textClosedWithError, err)}, transports.ReasonInternal)
		if gone {
			s.hub.directory.exit(s)
		}
	case gone:
		s.farewell()
	}
}

// endLife is told that the connection is over. It runs OnDisconnected, or
// leaves that to OnConnected if that still runs, and takes the connection out
// of the hub's lists.
func (s *Session) endLife(r transports.Reason) {
	s.mu.Lock()
	x := s.more
	if x == nil || x.stage == stageNew || x.stage == stageDone {
		s.mu.Unlock()
		s.hub.directory.exit(s)
		return
	}
	if x.why == nil {
		x.why = reasonError(r)
	}
	connected := x.stage == stageConnected
	if x.stage == stageConnecting {
		x.stage = stageClosed
	}
	s.mu.Unlock()
	if connected {
		// Ends with OnDisconnected.
		s.hub.calls.Go(s.farewell)
	}
}

// farewell runs OnDisconnected, once.
func (s *Session) farewell() {
	s.mu.Lock()
	why := s.more.why
	s.more.stage = stageDone
	s.mu.Unlock()
	if f := s.hub.onDisconnected; f != nil {
		_ = s.guard("OnDisconnected", func() error { f(Caller{s: s}, why); return nil })
	}
	s.hub.directory.exit(s)
}

// guard runs a function of the program's. A panic is logged and returned.
func (s *Session) guard(name string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
			s.hub.counters.panics.Add(1)
		}
		if err != nil {
			s.hub.cfg.Logger.Error("a function of the hub failed",
				slog.String("conn", s.conn.ConnectionID()), slog.String("function", name), slog.Any("err", err))
		}
	}()
	return f()
}

// reasonError is what OnDisconnected is told.
func reasonError(r transports.Reason) error {
	switch r {
	case transports.ReasonClientClosed, transports.ReasonLost, transports.ReasonDone, transports.ReasonDrain:
		return nil
	}
	return errors.New("signalr: connection ended: " + string(r))
}
