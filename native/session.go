package native

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// Config holds what all sessions share. The zero value works.
type Config struct {
	// PingInterval is how often something is sent to a quiet client. Zero
	// means 15 s, below the idle limits of common proxies.
	PingInterval time.Duration
	// SilenceTimeout is after how long without a sign of life a WebSocket
	// client is given up. Zero means two and a half ping intervals.
	SilenceTimeout time.Duration
	// RetryWindow is over which time clients are spread when the server
	// stops. Zero means 5 s.
	RetryWindow time.Duration
	// MaxMessageBytes bounds one message of a client. Zero means 32 KiB.
	MaxMessageBytes int
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.PingInterval == 0 {
		c.PingInterval = 15 * time.Second
	}
	if c.SilenceTimeout == 0 {
		c.SilenceTimeout = c.PingInterval*5/2 + time.Second
	}
	if c.RetryWindow == 0 {
		c.RetryWindow = 5 * time.Second
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 32 << 10
	}
	return c
}

// Options describe one client.
type Options struct {
	User, Device string
	Since        replay.Since
	Types        []string  // only these; empty: all
	Control      bool      // wants control messages
	Named        bool      // SSE: an event field with the type
	Expires      time.Time // the token's; zero: never
}

// Session is one client on WebSocket or Server-Sent Events.
type Session struct {
	cfg     *Config
	conn    transports.Conn
	sub     *broker.Subscription
	epoch   string
	control bool
	named   bool
	socket  bool // WebSocket: the client can answer

	expires time.Time
	heard   atomic.Int64 // Unix seconds of the last sign of life
	beat    atomic.Bool  // a keep-alive is due
	pong    atomic.Bool  // a ping waits for its answer
	nextAt  time.Time    // of the next keep-alive; the sweeper's
	sent    uint64       // newest seq that the client's cursor has; Fill's

	in []byte // an incoming message whose end is outstanding; Receive's

	mu      sync.Mutex
	notices []notice
	leaving bool
}

// notice is a message of our own that waits.
type notice struct {
	name string // SSE event name
	id   string // cursor that the client may keep once it has read this
	body []byte
}

// New subscribes the client. It returns what broker.Subscribe returns.
func New(cfg *Config, b *broker.Broker, conn transports.Conn, o Options) (*Session, error) {
	s := &Session{
		cfg: cfg, conn: conn, control: o.Control, named: o.Named, expires: o.Expires,
		socket: conn.Transport() == transports.WebSockets,
	}
	s.heard.Store(time.Now().Unix())
	sub, w, err := b.Subscribe(broker.Options{
		User: o.User, Device: o.Device, Since: o.Since, Match: matcher(o.Types), Waker: conn,
	})
	if err != nil {
		return nil, err
	}
	s.sub, s.epoch, s.sent = sub, w.Epoch, w.Start
	if s.control {
		s.notices = append(s.notices, notice{
			name: TypeReady, id: w.Resume.String(), body: control(nil, TypeReady, ready(conn.ConnectionID(), &w)),
		})
		if w.Gap != nil {
			s.notices = append(s.notices, s.gapNotice(w.Gap, w.Start))
		}
	}
	if o.Since.Kind == replay.SinceCursor {
		sub.Acknowledge(o.Since.Cursor)
	}
	return s, nil
}

func (s *Session) gapNotice(g *replay.Gap, pos uint64) notice {
	return notice{
		name: TypeGap, id: replay.Cursor{Epoch: s.epoch, Seq: pos}.String(),
		body: control(nil, TypeGap, gap(g)),
	}
}

// matcher returns the filter for the types, or nil for all.
func matcher(types []string) func(*replay.Event) bool {
	if len(types) == 0 {
		return nil
	}
	return func(ev *replay.Event) bool {
		for _, t := range types {
			if ev.Type == t {
				return true
			}
		}
		return false
	}
}

// Fill implements transports.Session.
func (s *Session) Fill(b *transports.Batch) (more bool) {
	if s.fillNotices(b) {
		return false
	}
	var page [32]broker.Delivery
	for !b.Full() {
		waiting := s.sub.Next(page[:0])
		if len(waiting) == 0 {
			s.fillBeat(b)
			return false
		}
		for i := range waiting {
			s.lay(b, &waiting[i])
		}
	}
	return true
}

// fillNotices lays out our own messages. It reports true when the last of them
// was the goodbye: events that still wait are left to the next connection.
func (s *Session) fillNotices(b *transports.Batch) (done bool) {
	if s.pong.Load() && s.pong.Swap(false) {
		b.Begin(transports.Meta{})
		b.Buf = append(b.Buf, pong...)
		b.End()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notices {
		b.Scratch = append(b.Scratch[:0], n.id...)
		b.Begin(transports.Meta{ID: b.Scratch, Name: n.name})
		b.Buf = append(b.Buf, n.body...)
		b.End()
	}
	s.notices = nil
	return s.leaving
}

// lay lays out one delivery.
func (s *Session) lay(b *transports.Batch, d *broker.Delivery) {
	if d.Gap != nil {
		s.sent = d.Seq
		if !s.control {
			return
		}
		n := s.gapNotice(d.Gap, d.Seq)
		b.Begin(transports.Meta{ID: []byte(n.id), Name: n.name})
		b.Buf = append(b.Buf, n.body...)
		b.End()
		return
	}
	m := transports.Meta{}
	if !s.socket {
		b.Scratch = replay.Cursor{Epoch: s.epoch, Seq: d.Seq}.AppendTo(b.Scratch[:0])
		m.ID = b.Scratch
		if s.named {
			m.Name = d.Event.Type
		}
	}
	b.Begin(m)
	if d.Frame != nil {
		b.Buf = d.Frame.Form(broker.FormNative, encode).(*envelope).appendTo(b.Buf, s.epoch, d.Seq)
	} else {
		b.Buf = AppendEvent(b.Buf, d.Event, s.epoch, d.Seq)
	}
	b.End()
	s.sent = d.Seq
}

// fillBeat lays out a keep-alive when one is due. It also moves the cursor of
// a client for whom nothing came, so that it does not fall out of the log.
func (s *Session) fillBeat(b *transports.Batch) {
	if !s.beat.Swap(false) {
		return
	}
	pos := s.sub.Position()
	moved := pos.Seq > s.sent
	switch {
	case !s.socket && moved:
		b.Scratch = pos.AppendTo(b.Scratch[:0])
		b.KeepAlive(b.Scratch)
	case s.socket && moved && s.control:
		b.Begin(transports.Meta{})
		b.Buf = control(b.Buf, TypeCursor, Cursor{Cursor: pos.String()})
		b.End()
		b.KeepAlive(nil)
	default:
		b.KeepAlive(nil)
	}
	s.sent = max(s.sent, pos.Seq)
}

// Tick implements transports.Session.
func (s *Session) Tick(now time.Time) time.Time {
	if !s.expires.IsZero() && !now.Before(s.expires) {
		s.Leave(transports.ReasonExpired)
		return time.Time{}
	}
	if s.socket && now.Unix()-s.heard.Load() > int64(s.cfg.SilenceTimeout/time.Second) {
		s.conn.Abort(transports.ReasonTimeout)
		return time.Time{}
	}
	if s.nextAt.IsZero() {
		s.nextAt = now.Add(s.cfg.PingInterval)
	} else if !now.Before(s.nextAt) {
		s.nextAt = now.Add(s.cfg.PingInterval)
		s.beat.Store(true)
		s.conn.Wake()
	}
	if !s.expires.IsZero() && s.expires.Before(s.nextAt) {
		return s.expires
	}
	return s.nextAt
}

// Heard notes a sign of life.
func (s *Session) Heard() { s.heard.Store(time.Now().Unix()) }

// Leave implements transports.Session.
func (s *Session) Leave(r transports.Reason) {
	s.mu.Lock()
	if s.leaving {
		s.mu.Unlock()
		return
	}
	s.leaving = true
	if s.control {
		s.notices = append(s.notices, notice{name: TypeClosing, body: control(nil, TypeClosing, Closing{
			Reason: r, RetryAfterMS: retryAfter(r, s.cfg.RetryWindow, rand.Int64N),
		})})
	}
	s.mu.Unlock()
	s.conn.Close(r)
}

// Closed implements transports.Session.
func (s *Session) Closed(transports.Reason) { s.sub.Close() }
