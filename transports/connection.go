package transports

import (
	"sync"
	"sync/atomic"
	"time"
)

// Carrier is the half of a connection that holds the socket or the request.
type Carrier interface {
	// Wake, Close and Abort are as in Conn.
	Wake()
	Close(r Reason)
	Abort(r Reason)
}

// idler is a carrier whose client may be away for a while between requests.
type idler interface {
	// Tick looks after the carrier's own time limits. It reports false when
	// the client has been away for too long.
	Tick(now time.Time) (alive bool)
}

// Connection is one logical connection: its names, its dialect's session and
// its present carrier. Its methods are safe for concurrent use.
type Connection struct {
	// User is who it belongs to; every further request must be the same
	// user's. Identity is what authentication found, opaque here. Addr is
	// the client's address. They do not change.
	User     string
	Identity any
	Addr     string

	id, token string
	scope     string // the endpoint that negotiated it; no other may use it
	server    *Server
	since     time.Time
	dies      time.Time // unless a request attaches before

	carrier atomic.Pointer[Carrier]
	ended   atomic.Bool

	mu        sync.Mutex // guards what follows; no method of session or carrier is called with it
	transport Transport
	session   Session
	claimed   bool // a request has attached to it
	ticking   bool
	early     []byte // POSTed before the session began
	onEnd     func()

	receive sync.Mutex // held while the session's Receive runs
}

// ConnectionID implements Conn.
func (c *Connection) ConnectionID() string { return c.id }

// Token is the secret that names the connection in URLs. It must not be
// logged or shown.
func (c *Connection) Token() string { return c.token }

// Since is when the connection was made.
func (c *Connection) Since() time.Time { return c.since }

// Transport implements Conn. It is empty before a request has attached.
func (c *Connection) Transport() Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transport
}

// Wake implements Conn.
func (c *Connection) Wake() {
	if p := c.carrier.Load(); p != nil {
		(*p).Wake()
	}
}

// Close implements Conn.
func (c *Connection) Close(r Reason) {
	if p := c.carrier.Load(); p != nil {
		(*p).Close(r)
		return
	}
	c.End(r)
}

// Abort implements Conn.
func (c *Connection) Abort(r Reason) {
	if p := c.carrier.Load(); p != nil {
		(*p).Abort(r)
		return
	}
	c.End(r)
}

// Leave lets the session say goodbye in its own words, then closes.
func (c *Connection) Leave(r Reason) {
	if s := c.Session(); s != nil {
		s.Leave(r)
		return
	}
	c.Close(r)
}

// Carrier is the present carrier, or nil.
func (c *Connection) Carrier() Carrier {
	if p := c.carrier.Load(); p != nil {
		return *p
	}
	return nil
}

// Claim gives the connection to the first transport that asks. It reports
// false when a request has attached before.
func (c *Connection) Claim(t Transport) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claimed {
		return false
	}
	c.claimed, c.transport = true, t
	c.server.negotiated.Add(-1)
	return true
}

// Bind sets the dialect's session and gives it what was POSTed before. It is
// called once, before Run.
func (c *Connection) Bind(s Session) {
	c.receive.Lock()
	defer c.receive.Unlock()
	c.mu.Lock()
	c.session = s
	early := c.early
	c.early = nil
	c.mu.Unlock()
	if len(early) > 0 {
		if err := s.Receive(early, true); err != nil {
			c.Close(ReasonProtocolError)
		}
	}
}

// OnEnd has f called once when the connection ends. It is set before Bind.
func (c *Connection) OnEnd(f func()) {
	c.mu.Lock()
	c.onEnd = f
	c.mu.Unlock()
}

// Session returns what Bind set, or nil.
func (c *Connection) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Run makes k the present carrier and starts the session's clock.
func (c *Connection) Run(k Carrier) {
	c.carrier.Store(&k)
	c.mu.Lock()
	add := !c.ticking
	c.ticking = true
	c.mu.Unlock()
	if add {
		c.server.wheel.Add(c, time.Now())
	}
}

// Deliver hands client bytes to the session, one caller at a time. Bytes that
// come before there is a session wait for it; over the server's limit for
// them Deliver returns ErrTooLarge.
func (c *Connection) Deliver(p []byte, end bool) error {
	c.receive.Lock()
	defer c.receive.Unlock()
	if c.ended.Load() {
		return ErrEnded
	}
	c.mu.Lock()
	s := c.session
	if s == nil {
		defer c.mu.Unlock()
		if len(c.early)+len(p) > c.server.cfg.EarlyBytes {
			return ErrTooLarge
		}
		c.early = append(c.early, p...)
		return nil
	}
	c.mu.Unlock()
	if err := s.Receive(p, end); err != nil {
		c.Close(ReasonProtocolError)
		return err
	}
	return nil
}

// End takes the connection out of all lists and tells the session. Carriers
// call it when the socket is gone; only the first call counts.
func (c *Connection) End(r Reason) {
	if !c.ended.CompareAndSwap(false, true) {
		return
	}
	c.server.remove(c)
	c.mu.Lock()
	s, claimed, onEnd := c.session, c.claimed, c.onEnd
	c.mu.Unlock()
	if !claimed {
		c.server.negotiated.Add(-1)
	}
	if onEnd != nil {
		onEnd()
	}
	if s == nil {
		return
	}
	// A Receive that runs now ends first.
	c.receive.Lock()
	defer c.receive.Unlock()
	s.Closed(r)
}

// Ended reports whether End has been called.
func (c *Connection) Ended() bool { return c.ended.Load() }

// tick implements ticker.
func (c *Connection) tick(now time.Time) time.Time {
	if c.ended.Load() {
		return time.Time{}
	}
	c.mu.Lock()
	s, claimed := c.session, c.claimed
	c.mu.Unlock()
	if s == nil {
		if !claimed && now.Before(c.dies) {
			return c.dies
		}
		if !claimed {
			c.End(ReasonNeverUsed)
			return time.Time{}
		}
		return now.Add(time.Second) // attaching right now
	}
	next := s.Tick(now)
	if p := c.carrier.Load(); p != nil {
		if k, ok := (*p).(idler); ok {
			if !k.Tick(now) {
				c.End(ReasonLost)
				return time.Time{}
			}
			return now.Add(time.Second)
		}
	}
	return next
}
