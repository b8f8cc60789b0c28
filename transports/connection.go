package transports

import (
	"net/http"
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
	// Tick looks after the carrier's own time limits, about once a second. It
	// ends the connection itself when the client has been away for too long.
	Tick(now time.Time)
}

// Connection is one logical connection: its names, its dialect's session and
// its present carrier. Its methods are safe for concurrent use.
//
// Its life: negotiated (on endpoints that negotiate), claimed by one request,
// bound to a session, running on a carrier, ended. Whoever has claimed it must
// see to it that it runs or ends.
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
	ttl       time.Duration // how long it waits for a request to attach; 0: one has

	carrier atomic.Pointer[Carrier]
	ended   atomic.Bool   // set with mu held
	due     time.Duration // since the start: the session's next tick, or never; the sweeper's

	mu        sync.Mutex // guards what follows; no method of session or carrier is called with it
	transport Transport
	session   Session
	claimed   bool          // a request has attached to it
	told      bool          // the session knows of the end, or there was none
	cut       bool          // Abort came before the carrier
	reason    Reason        // of Close or Abort before the carrier; later of the end
	receivers int           // calls of Receive that run or wait their turn
	early     []byte        // POSTed before the session began
	stateful  bool          // the client may go on with another socket; does not change
	parked    bool          // without a socket, see Resumable
	arriving  *http.Request // is about to bring another
	parks     uint32        // how often it was parked
	takeovers bucket
	onEnd     func()

	receive sync.Mutex // held while the session's Receive runs

	posts   atomic.Int32 // POSTs that are served or wait for their turn
	posting sync.Mutex   // held by the one that is served
}

// never is the due time of a session that wants no more ticks.
const never = time.Duration(-1)

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

// Session returns what Bind set, or nil.
func (c *Connection) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Carrier is the present carrier, or nil.
func (c *Connection) Carrier() Carrier {
	if p := c.carrier.Load(); p != nil {
		return *p
	}
	return nil
}

// Ended reports whether the connection is over.
func (c *Connection) Ended() bool { return c.ended.Load() }

// Wake implements Conn. A carrier asks the session anyway when it starts.
func (c *Connection) Wake() {
	if k := c.Carrier(); k != nil {
		k.Wake()
	}
}

// Close implements Conn. Before there is a carrier it is remembered, so that
// the goodbye still reaches the client.
func (c *Connection) Close(r Reason) {
	if k := c.carrierOr(r, false); k != nil {
		k.Close(r)
	}
}

// Abort implements Conn.
func (c *Connection) Abort(r Reason) {
	if k := c.carrierOr(r, true); k != nil {
		k.Abort(r)
		interrupt(c.Session())
	}
}

// carrierOr returns the carrier, or notes for Run that the connection is to
// end. A connection that nobody has attached to, or that is parked, ends at once.
func (c *Connection) carrierOr(r Reason, cut bool) (k Carrier) {
	if k = c.Carrier(); k != nil {
		return k
	}
	c.endIf(r, func() bool {
		k = c.Carrier()
		waits := c.claimed && !c.parked
		if k == nil && waits {
			if c.reason == "" {
				c.reason = r
			}
			c.cut = c.cut || cut
		}
		return k == nil && !waits
	})
	return k
}

// Leave lets the session say goodbye in its own words, then closes.
func (c *Connection) Leave(r Reason) {
	if s := c.Session(); s != nil {
		s.Leave(r)
		return
	}
	c.Close(r)
}
