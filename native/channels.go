package native

import (
	"context"

	"hubline/replay"
)

// maxChanges bounds the memberships that a connection may ask for before the first is
// answered, and maxChannelBytes the names.
const (
	maxChanges      = 256
	maxChannelBytes = 164
)

// changes are the memberships that a client asks for: done in their order, since to
// leave and to join do not commute, by a goroutine that is there as long as any waits.
type changes struct {
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc

	// Session.mu guards what follows.
	queue   []request
	running bool
	over    bool
}

// changeMembership has a subscribe or unsubscribe done.
func (s *Session) changeMembership(r *request) error {
	switch {
	case len(r.Ref) > maxRefBytes:
		r.Ref = ""
		return s.answer(r, "ref is longer than 128 bytes")
	case s.cfg.Channels == nil:
		return s.answer(r, "this server has no channels")
	case r.Channel == "" || len(r.Channel) > maxChannelBytes:
		return s.answer(r, "Missing or invalid channel name")
	}
	s.mu.Lock()
	c := s.changes
	if c == nil {
		c = &changes{}
		c.ctx, c.cancel = context.WithCancel(context.Background())
		s.changes = c
	}
	full := len(c.queue) >= maxChanges
	begin := !full && !c.running && !c.over
	if begin {
		c.running = true
	}
	if !full && !c.over {
		c.queue = append(c.queue, *r)
	}
	s.mu.Unlock()
	if full {
		return s.answer(r, "too many requests wait: read the answers")
	}
	if begin {
		go s.makeChanges(c) // ends when nothing waits, or with the connection
	}
	return nil
}

// makeChanges works until nothing waits.
func (s *Session) makeChanges(c *changes) {
	for {
		s.mu.Lock()
		if len(c.queue) == 0 || c.over {
			c.queue, c.running = nil, false
			s.mu.Unlock()
			return
		}
		r := c.queue[0]
		c.queue = c.queue[1:]
		s.mu.Unlock()
		text := ""
		if err := s.cfg.Channels(c.ctx, s.conn, r.Channel, r.Type == "subscribe"); err != nil {
			text = err.Error()
		}
		if s.answer(&r, text) != nil {
			return // the connection is being closed
		}
	}
}

// endChanges gives up what waits; what is under way may still be done.
func (s *Session) endChanges() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.changes; c != nil {
		c.over, c.queue = true, nil
		c.cancel()
	}
}

// head is where the user's log stands.
func (s *Session) head() string {
	return replay.Cursor{Epoch: s.epoch, Seq: s.sub.LogHead()}.String()
}
