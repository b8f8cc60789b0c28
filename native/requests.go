package native

import (
	"context"

	"hubline/replay"
)

// Bounds of what a connection may ask for before the first is answered: requests, the
// bytes of their tokens, and the name of a channel.
const (
	maxRequests     = 256
	maxRequestBytes = 64 << 10
	maxChannelBytes = 164
)

// requests are what a client asks for that takes its time: memberships, and another
// token. They are done in their order, since to leave and to join do not commute, by a
// goroutine that is there as long as any waits.
type requests struct {
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc

	// Session.mu guards what follows.
	queue   []request
	bytes   int // of tokens
	running bool
	over    bool
}

// request has done what a client asks for by name, and answered under its ref.
func (s *Session) request(r *request) error {
	switch {
	case len(r.Ref) > maxRefBytes:
		r.Ref = ""
		return s.answer(r, "ref is longer than 128 bytes")
	case r.Type == "renew":
		return s.renew(r)
	}
	return s.changeMembership(r)
}

// changeMembership has a subscribe or unsubscribe done.
func (s *Session) changeMembership(r *request) error {
	switch {
	case s.cfg.Channels == nil:
		return s.answer(r, "this server has no channels")
	case r.Channel == "" || len(r.Channel) > maxChannelBytes:
		return s.answer(r, "Missing or invalid channel name")
	}
	r.Token = ""
	return s.later(r)
}

// renew has another token taken.
func (s *Session) renew(r *request) error {
	switch {
	case s.cfg.Renew == nil:
		return s.answer(r, "this server renews no tokens")
	case r.Token == "":
		return s.answer(r, "token is missing")
	}
	r.Channel = ""
	return s.later(r)
}

// later has the request done when those before it are.
func (s *Session) later(r *request) error {
	s.mu.Lock()
	q := s.requests
	if q == nil {
		q = &requests{}
		q.ctx, q.cancel = context.WithCancel(context.Background())
		s.requests = q
	}
	full := len(q.queue) >= maxRequests || len(q.queue) > 0 && q.bytes+len(r.Token) > maxRequestBytes
	begin := !full && !q.running && !q.over
	if begin {
		q.running = true
	}
	if !full && !q.over {
		q.queue = append(q.queue, *r)
		q.bytes += len(r.Token)
	}
	s.mu.Unlock()
	if full {
		return s.answer(r, "too many requests wait: read the answers")
	}
	if begin {
		go s.work(q) // ends when nothing waits, or with the connection
	}
	return nil
}

// work does what waits until nothing does.
func (s *Session) work(q *requests) {
	for {
		s.mu.Lock()
		if len(q.queue) == 0 || q.over {
			q.queue, q.running = nil, false
			s.mu.Unlock()
			return
		}
		r := q.queue[0]
		q.queue[0] = request{}
		q.queue = q.queue[1:]
		q.bytes -= len(r.Token)
		s.mu.Unlock()
		text := ""
		if err := s.do(q.ctx, &r); err != nil {
			text = err.Error()
		}
		if s.answer(&r, text) != nil {
			return // the connection is being closed
		}
	}
}

func (s *Session) do(ctx context.Context, r *request) error {
	if r.Type != "renew" {
		return s.cfg.Channels(ctx, s.conn, r.Channel, r.Type == "subscribe")
	}
	return s.cfg.Renew(ctx, s.conn, r.Token)
}

// endRequests gives up what waits; what is under way may still be done.
func (s *Session) endRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.requests; q != nil {
		q.over, q.queue = true, nil
		q.cancel()
	}
}

// head is where the user's log stands.
func (s *Session) head() string {
	return replay.Cursor{Epoch: s.epoch, Seq: s.sub.LogHead()}.String()
}
