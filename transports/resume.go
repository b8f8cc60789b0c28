package transports

import (
	"net/http"
	"time"
)

// Resumable is a Session that outlives its socket: when that is lost, a client
// that names the connection's token may bring another (SignalR's stateful
// reconnect). WebSockets only.
type Resumable interface {
	Session
	// Resumable reports whether the session can go on without its socket now.
	Resumable() bool
	// Attach tells that the batches of f are to be filled from now on, and no
	// others. What was received in part is forgotten. No Receive runs meanwhile.
	Attach(f Framer)
	// Detach tells that f's socket is lost, if it was f's: its batches get
	// nothing any more, and a Receive that waits must return. What it has not
	// counted the client sends again.
	Detach(f Framer)
}

// Requested is a Resumable that wants to know which request it serves.
type Requested interface {
	// Requested tells that the socket of r takes the place of a lost one. It comes
	// before Attach.
	Requested(r *http.Request)
}

// parkTime is how long a lost socket may stay without a successor.
const parkTime = 15 * time.Second

// goesOn reports whether the session survives the end of its socket.
func goesOn(s Session, r Reason) bool {
	rs, ok := s.(Resumable)
	return ok && r == ReasonLost && rs.Resumable()
}

// Stateful reports whether the client was granted that it may bring another
// socket.
func (c *Connection) Stateful() bool { return c.stateful }

// Lost tells that the socket of carrier k is gone. The connection ends, unless
// another carrier has taken its place, or the session can wait for one.
func (c *Connection) Lost(k Carrier, r Reason) {
	if c.Carrier() != k {
		return
	}
	if goesOn(c.Session(), r) && c.park(k) && goesOn(c.Session(), r) { // it may have said goodbye meanwhile
		return
	}
	c.endIf(r, func() bool { // unless another has come meanwhile
		p := c.carrier.Load()
		return c.parked || p != nil && *p == k
	})
}

// park takes the carrier away, unless that is k no more. It reports false when
// the connection may not wait for another.
func (c *Connection) park(k Carrier) bool {
	cfg := &c.server.cfg
	if c.server.phase.Load() != phaseRunning || !c.server.parked.reserve(c.owner(), cfg.MaxNegotiated, cfg.MaxNegotiatedPerUser) {
		return false
	}
	c.mu.Lock()
	if p := c.carrier.Load(); c.ended.Load() || c.reason != "" || p == nil || *p != k {
		moved := !c.ended.Load() && c.reason == "" // another one has it
		c.mu.Unlock()
		c.server.parked.forget(c.owner())
		return moved
	}
	c.carrier.Store(nil)
	c.parked = true
	c.parks++
	n := c.parks
	c.mu.Unlock()
	now := time.Now()
	c.server.wheel.Add(&parking{c, n, now.Add(parkTime)}, now.Add(parkTime))
	return true
}

// parking ends a connection that was parked for too long.
type parking struct {
	c     *Connection
	n     uint32
	until time.Time
}

// tick implements ticker.
func (p *parking) tick(now time.Time) time.Time {
	if now.Before(p.until) {
		return p.until
	}
	c := p.c
	c.endIf(ReasonLost, func() bool { return c.parked && c.parks == p.n && c.arriving == nil })
	return time.Time{}
}

// resume prepares the connection for another socket, which takes the place of
// the one that it may still have: the client knows better whether that is lost.
// It returns 0, or the status of the answer.
func (c *Connection) resume(r *http.Request) int {
	rs, ok := c.Session().(Resumable)
	switch {
	case !ok:
		return http.StatusConflict
	case c.Ended():
		return http.StatusNotFound
	case !rs.Resumable():
		if k, ok := c.Carrier().(*Stream); ok {
			if _, closing := k.Reason(); closing {
				return http.StatusNoContent // it has said or heard goodbye
			}
		}
		return http.StatusConflict // the client has not asked for it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended.Load():
		return http.StatusNotFound
	case c.arriving != nil:
		return http.StatusConflict
	case !c.takeovers.take(time.Now()):
		return http.StatusTooManyRequests
	}
	c.arriving = r
	return 0
}

// Attach makes k, whose batches are f's, the carrier of a connection that was
// claimed or is being resumed, and lets it begin. It waits for bytes of the
// former carrier to be taken; it reports false when that lasts too long, or the
// connection has ended: then k is aborted.
func (c *Connection) Attach(k *Stream, f Framer) bool {
	c.mu.Lock()
	r := c.arriving
	c.mu.Unlock()
	if r == nil {
		if rs, ok := c.Session().(Resumable); ok {
			rs.Attach(f)
		}
		c.Run(k)
		k.Start(c.Session())
		return true
	}
	if old, ok := c.Carrier().(*Stream); ok && c.park(old) {
		old.Close(ReasonReplaced)
		c.Session().(Resumable).Detach(old.proto) // nothing more for the old one
	}
	if !c.lockReceive(closeWait) {
		c.GiveUp(ReasonReplaced)
		k.Abort(ReasonReplaced)
		return false
	}
	defer c.receive.Unlock()
	c.mu.Lock()
	c.arriving = nil
	parked := c.parked
	c.parked = false
	if parked {
		var carrier Carrier = k
		c.carrier.Store(&carrier)
	}
	c.mu.Unlock()
	if !parked { // ended meanwhile
		k.Abort(ReasonLost)
		return false
	}
	c.server.parked.forget(c.owner())
	if s, ok := c.Session().(Requested); ok {
		s.Requested(r)
	}
	c.Session().(Resumable).Attach(f)
	k.Start(c.Session())
	switch {
	case !c.Session().(Resumable).Resumable(): // it said goodbye to the old one meanwhile
		k.Close(ReasonDone)
	case c.server.phase.Load() != phaseRunning:
		c.Leave(ReasonDrain)
	}
	return true
}

// lockReceive takes the turn of Receive, within the time. It looks again and
// again: what could be waited for with a limit would cost every connection more
// than a mutex does, and this is rare.
func (c *Connection) lockReceive(limit time.Duration) bool {
	for late := time.Now().Add(limit); !c.receive.TryLock(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			return false
		}
	}
	return true
}

// GiveUp tells that the request which was to bring a socket has failed. A
// connection that was being resumed goes on as it was, others end.
func (c *Connection) GiveUp(r Reason) {
	c.mu.Lock()
	resuming := c.arriving != nil
	c.arriving = nil
	late := c.parked
	n := c.parks
	c.mu.Unlock()
	if !resuming {
		c.End(r)
		return
	}
	if late { // its time may have run out meanwhile
		now := time.Now()
		c.server.wheel.Add(&parking{c, n, now.Add(parkTime)}, now.Add(parkTime))
	}
}
