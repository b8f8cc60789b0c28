package signalr

import (
	"sync"
	"sync/atomic"
	"time"

	"hubline/broker"
	"hubline/internal/ratelimit"
	"hubline/signalr/protocol"
	"hubline/transports"
)

// Session is one connection to a hub. There may be a great many idle ones, so
// its size is watched by a test.
type Session struct {
	hub    *Hub
	conn   transports.Conn
	user   string
	device *device // nil: none; does not change

	in     []byte         // Receive's own: what is not yet a whole message; nil most of the time
	heard  atomic.Int64   // Unix nanoseconds of the client's last message
	pace   ratelimit.Pace // Receive's own
	pingAt int64          // Tick's own: Unix nanoseconds; until one is planned, when the connection was opened

	mu      sync.Mutex     // guards what follows, but for what says otherwise
	codec   protocol.Codec // nil until the handshake is done
	out     []message      // waits for Fill
	waiting int            // bytes in out
	work    *work          // calls; nil while there are none
	more    *more          // nil while nobody needs it
	state   *stateful      // nil without stateful reconnect; does not change
	feed    feed
	ping    bool // a ping is due
	over    bool // nothing is queued or read any more; the goodbye is the last of out
	muted   bool // no events are sent any more

	control bool // the client wants hubline.ready; does not change
	meta    bool // the client wants a meta argument; does not change
	planned bool // Tick's own: pingAt is a ping
	hand    hand // Receive's own: how far the handshake is
	gapped  bool // Fill's own after the handshake: the last thing in the batch is a gap

	expiry uint32        // Unix seconds, 0: never; does not change
	flags  atomic.Uint32 // not guarded
}

// The flags of a session.
const (
	flagArmed = 1 << iota // the client has pinged: from now on it must
	flagBusy              // Receive waits for room, so silence is our fault
)

// hand is how far the reading of the handshake is.
type hand uint8

const (
	handOpen hand = iota
	handLate      // read, but its separator may still come
	handDone
)

// message is framed bytes of our own that wait.
type message struct {
	bytes   []byte
	binary  bool
	counted bool // by stateful reconnect
}

// Open makes the session of a connection and joins it to its user's events,
// which wait until the handshake is done. It returns what Broker.Subscribe
// returns.
func (h *Hub) Open(conn transports.Conn, o Options) (*Session, error) {
	s := &Session{
		hub: h, conn: conn, user: o.User, device: newDevice(o.Device), pingAt: time.Now().UnixNano(),
		control: o.Control, meta: o.Meta,
	}
	if o.Stateful && conn.Transport() == transports.WebSockets {
		s.state = &stateful{next: 1}
	}
	s.expiry = expiryOf(o.Expires)
	if o.Request != nil || o.Identity != nil {
		s.more = &more{request: keep(o.Request), identity: o.Identity}
	}
	if h.events == nil {
		return s, nil
	}
	sub, w, err := h.events.broker.Subscribe(broker.Options{User: o.User, Device: o.Device, Since: o.Since, Waker: conn, Notices: o.Control && h.events.profile.notices()})
	if err != nil {
		return nil, err
	}
	s.feed.join(sub, &w, o)
	s.joinDevice(&w)
	return s, nil
}

// send queues a message of our own. It reports false when the connection is over.
func (s *Session) send(m *protocol.Message) bool {
	s.mu.Lock()
	if s.over || s.codec == nil {
		s.mu.Unlock()
		return false
	}
	s.putLocked(m)
	s.mu.Unlock()
	s.conn.Wake()
	return true
}

// putLocked encodes and queues m; the codec is known.
func (s *Session) putLocked(m *protocol.Message) {
	b, err := s.codec.Append(nil, m)
	if err != nil {
		panic(err) // only for an unknown type
	}
	s.putBytesLocked(message{bytes: b, binary: s.codec.Binary(), counted: m.Type.Counted()})
}

func (s *Session) putBytesLocked(m message) {
	if s.out == nil {
		s.out = smallOuts.Get().(*[smallOut]message)[:0]
	}
	s.out = append(s.out, m)
	s.waiting += len(m.bytes)
}

// smallOut is the first size of what waits: most connections never have more, and
// arrays of this size are lent, so that a message to many allocates nothing for
// each of them.
const smallOut = 4

var smallOuts = sync.Pool{New: func() any { return new([smallOut]message) }}

// giveBack returns what waited, when nobody needs it any more. A larger array is
// left to the collector.
func giveBack(out []message) {
	if cap(out) != smallOut {
		return
	}
	a := (*[smallOut]message)(out[:smallOut])
	clear(a[:])
	smallOuts.Put(a)
}

// signalLocked tells all that wait for a change to look again.
func (s *Session) signalLocked() {
	if x := s.more; x != nil && x.changed != nil {
		close(x.changed)
		x.changed = nil
	}
}

// awaitLocked waits until ready, or the connection is over, or giveUp is closed
// (nil: never); it reports the first. s.mu is given up while waiting.
func (s *Session) awaitLocked(ready func() bool, giveUp <-chan struct{}) bool {
	for !s.over {
		if ready() {
			return true
		}
		x := s.moreLocked()
		if x.changed == nil {
			x.changed = make(chan struct{})
		}
		ch, late := x.changed, false
		s.mu.Unlock()
		select {
		case <-ch: // closed at the latest by overLocked
		case <-giveUp:
			late = true
		}
		s.mu.Lock()
		if late {
			return ready()
		}
	}
	return false
}

// finish says goodbye, if the client can understand it, and ends the
// connection. Only the first call counts.
func (s *Session) finish(goodbye *protocol.Message, r transports.Reason) {
	s.end(r, func() bool {
		if s.codec != nil {
			s.putLocked(goodbye)
		}
		return true
	})
}

// comeBack is the goodbye to a client that may go on with a new connection.
var comeBack = protocol.Message{Type: protocol.TypeClose, AllowReconnect: true}

// end puts last words and ends the connection, unless it is over or putLocked
// reports false. It reports whether it did.
func (s *Session) end(r transports.Reason, putLocked func() bool) bool {
	s.mu.Lock()
	if s.over || !putLocked() {
		s.mu.Unlock()
		return false
	}
	s.muted = r == transports.ReasonRevoked
	s.overLocked()
	s.mu.Unlock()
	s.conn.Close(r)
	return true
}

// overLocked stops calls and whoever waits.
func (s *Session) overLocked() {
	s.over = true
	if s.more != nil && s.more.cancel != nil {
		s.more.cancel()
	}
	if s.work != nil {
		s.dropLocked()
		s.restLocked()
	}
	s.signalLocked()
}

// Leave implements transports.Session. Clients whose connection may be
// continued elsewhere are told to reconnect.
func (s *Session) Leave(r transports.Reason) {
	switch r {
	case transports.ReasonDisconnected: // with the administrator's words, if any
		s.finish(&protocol.Message{Type: protocol.TypeClose, Error: transports.WordsOf(s.conn)}, r)
	case transports.ReasonRevoked, transports.ReasonReplaced, transports.ReasonDone:
		s.finish(&protocol.Message{Type: protocol.TypeClose}, r)
	default:
		s.finish(&comeBack, r)
	}
}

// Interrupt implements transports.Interrupter: calls and streams end.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overLocked()
}

// Closed implements transports.Session.
func (s *Session) Closed(r transports.Reason) {
	s.mu.Lock()
	s.overLocked()
	s.out, s.waiting = nil, 0
	if s.state != nil {
		s.state.unacked, s.state.bytes = nil, 0
	}
	sub := s.feed.sub
	s.mu.Unlock()
	s.in = nil
	if sub != nil {
		sub.Close()
	}
	s.endLife(r)
}
