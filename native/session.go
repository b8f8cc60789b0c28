package native

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hubline/broker"
	"hubline/internal/ratelimit"
	"hubline/replay"
	"hubline/transports"
)

// Session is one client on WebSocket or Server-Sent Events. There may be a
// great many idle ones, so its size is watched by a test.
type Session struct {
	cfg     *Config
	conn    transports.Conn
	sub     *broker.Subscription
	epoch   string
	control bool
	named   bool
	socket  bool    // WebSocket: the client can answer
	device  *device // nil: none that can confirm anything; does not change

	beat    atomic.Bool  // a keep-alive is due
	pong    atomic.Bool  // a ping waits for its answer
	said    bool         // the goodbye is laid out; Fill's
	heard   atomic.Int64 // Unix nanoseconds of the last sign of life
	expires atomic.Int64 // of the token, Unix nanoseconds; 0: never
	beatAt  time.Time    // when the next keep-alive is due; Tick's
	sent    uint64       // newest seq that the client's cursor has; Fill's

	in   []byte         // an incoming message whose end is outstanding; Receive's
	pace ratelimit.Pace // of messages; Receive's

	mu       sync.Mutex
	notices  []notice
	waiting  int               // bytes of notices
	leaving  transports.Reason // why the session is about to end; empty: it is not
	requests *requests         // that take their time; nil: there never was any
	over     bool              // nobody waits for the client any more
	halt     chan struct{}     // closed when over; nil while nobody waits
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
		cfg: cfg, conn: conn, control: o.Control, named: o.Named,
		socket: conn.Transport() == transports.WebSockets,
	}
	s.Heard()
	s.Renew(o.Expires)
	sub, w, err := subscribe(b, conn, o, 0, o.Control)
	if err != nil {
		return nil, err
	}
	s.sub, s.epoch, s.sent = sub, w.Epoch, w.Start
	if o.Device != "" {
		s.join(&w)
	}
	if s.control {
		s.notices = append(s.notices, notice{
			name: TypeReady, id: w.Resume.String(), body: control(nil, TypeReady, ready(conn.ConnectionID(), &w)),
		})
		if w.Gap != nil {
			s.notices = append(s.notices, s.gapNotice(w.Gap, w.Start))
		}
	}
	return s, nil
}

// subscribe joins the client to its events; room is that of a poll's answer, and notices
// says whether it can be told of presence channels. The
// cursor that it continues from is thereby acknowledged for its device.
func subscribe(b *broker.Broker, conn transports.Conn, o Options, room int, notices bool) (*broker.Subscription, broker.Welcome, error) {
	sub, w, err := b.Subscribe(broker.Options{
		User: o.User, Device: o.Device, Since: o.Since, Match: matcher(o.Types), Waker: conn, Room: room, Notices: notices,
	})
	if err == nil && o.Since.Kind == replay.SinceCursor {
		sub.Acknowledge(o.Since.Cursor)
	}
	return sub, w, err
}

// matcher returns the filter for the types, or nil for all.
func matcher(types []string) func(*replay.Event) bool {
	if len(types) == 0 {
		return nil
	}
	return func(ev *replay.Event) bool { return slices.Contains(types, ev.Type) }
}

func (s *Session) gapNotice(g *replay.Gap, pos uint64) notice {
	behind := replay.Cursor{Epoch: s.epoch, Seq: pos}
	return notice{name: TypeGap, id: behind.String(), body: AppendGap(nil, g, behind)}
}

// Tick implements transports.Session: the token's end, the client's silence,
// keep-alives.
func (s *Session) Tick(now time.Time) time.Time {
	expires := s.expires.Load()
	if expires != 0 && now.UnixNano() >= expires {
		s.Leave(transports.ReasonExpired)
		return time.Time{}
	}
	silent := time.Unix(0, s.heard.Load()).Add(s.cfg.SilenceTimeout)
	if s.socket && !now.Before(silent) {
		s.conn.Abort(transports.ReasonTimeout)
		return time.Time{}
	}
	if s.beatAt.IsZero() {
		s.beatAt = now.Add(s.cfg.PingInterval)
	} else if !now.Before(s.beatAt) {
		s.beatAt = now.Add(s.cfg.PingInterval)
		s.beat.Store(true)
		s.conn.Wake()
	}
	next := s.beatAt
	if s.socket && silent.Before(next) {
		next = silent
	}
	if end := time.Unix(0, expires); expires != 0 && end.Before(next) {
		next = end
	}
	return next
}

// Renew sets when the client's token expires, and with it the connection; the zero time
// is never. A time that is earlier than the one before counts within a ping interval.
func (s *Session) Renew(expires time.Time) {
	if expires.IsZero() {
		s.expires.Store(0)
		return
	}
	s.expires.Store(expires.UnixNano())
}

// Heard notes a sign of life.
func (s *Session) Heard() { s.heard.Store(time.Now().UnixNano()) }

// Leave implements transports.Session. What waits is not held back by the
// goodbye, see Fill.
func (s *Session) Leave(r transports.Reason) {
	s.mu.Lock()
	if s.leaving == "" {
		s.leaving = r
	}
	s.mu.Unlock()
	s.conn.Close(r)
}

// Closed implements transports.Session.
func (s *Session) Closed(transports.Reason) {
	s.in = nil
	s.endRequests()
	s.sub.Close()
}
