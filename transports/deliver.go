package transports

import "errors"

// Deliver hands client bytes to the session, one caller at a time. Bytes that
// come before there is a session wait for it. It returns ErrTooLarge over the
// server's limit for those, ErrEnded when the connection is over, and what the
// session's Receive returns.
func (c *Connection) Deliver(p []byte, end bool) error { return c.DeliverFrom(nil, p, end) }

// DeliverFrom is Deliver for a carrier that another may have taken the place of:
// then it returns ErrEnded.
func (c *Connection) DeliverFrom(k Carrier, p []byte, end bool) error {
	c.mu.Lock()
	if c.ended.Load() {
		c.mu.Unlock()
		return ErrEnded
	}
	c.receivers++
	c.mu.Unlock()
	defer c.received()
	c.receive.Lock()
	defer c.receive.Unlock()
	if k != nil && c.Carrier() != k {
		return ErrEnded
	}

	s, err := c.receiver(p)
	if s == nil || err != nil {
		return err
	}
	err = s.Receive(p, end)
	if err != nil && !errors.Is(err, ErrEnded) { // else it has closed already, or has lost this carrier
		c.Close(ReasonProtocolError)
	}
	return err
}

// receiver returns the session, or keeps p for it.
func (c *Connection) receiver(p []byte) (Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended.Load(): // while it waited its turn
		return nil, ErrEnded
	case c.session != nil:
		return c.session, nil
	case len(c.early)+len(p) > c.server.cfg.EarlyBytes:
		return nil, ErrTooLarge
	}
	c.early = append(c.early, p...)
	return nil, nil
}

// received is called after each call of Receive.
func (c *Connection) received() {
	c.mu.Lock()
	c.receivers--
	c.mu.Unlock()
	if c.ended.Load() {
		c.tell()
	}
}

// End takes the connection out of all lists and tells the session, when no
// Receive runs any more. Carriers call it when the socket is gone; only the
// first call counts. It does not block.
func (c *Connection) End(r Reason) { c.endIf(r, nil) }

// endIf is End for a connection that is as when says, which is asked with the
// mutex held: a socket may be on its way in. Nil is always. It reports false if
// the connection was not so, and lives on.
func (c *Connection) endIf(r Reason, when func() bool) bool {
	c.mu.Lock()
	if over := c.ended.Load(); over || when != nil && !when() {
		c.mu.Unlock()
		return over
	}
	c.ended.Store(true)
	if c.reason == "" {
		c.reason = r
	}
	claimed, parked, onEnd, session := c.claimed, c.parked, c.onEnd, c.session
	c.parked = false
	if claimed && c.session != nil { // else it was refused
		c.server.ends.count(c.transport, c.reason)
	}
	c.early, c.onEnd = nil, nil
	c.mu.Unlock()
	c.server.remove(c)
	if !claimed {
		c.server.negotiated.forget(c.owner())
	}
	if parked {
		c.server.parked.forget(c.owner())
	}
	if onEnd != nil {
		onEnd()
	}
	interrupt(session)
	c.tell()
	return true
}

// tell tells the session of the end, once, unless a Receive runs: then it is
// called again after that.
func (c *Connection) tell() {
	c.mu.Lock()
	if c.told || c.receivers > 0 {
		c.mu.Unlock()
		return
	}
	c.told = true
	s, r, claimed := c.session, c.reason, c.claimed
	c.mu.Unlock()
	if s != nil {
		s.Closed(r)
	}
	if claimed {
		c.server.conns.done()
	}
}
