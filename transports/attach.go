package transports

import "time"

// Claim gives the connection to the first transport that asks. It reports
// false when a request has attached before, or when it is too late.
func (c *Connection) Claim(t Transport) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claimed || c.ended.Load() || time.Since(c.since) >= c.ttl {
		return false
	}
	c.claimed, c.transport = true, t
	c.server.conns.add()
	c.server.negotiated.forget(c.owner())
	return true
}

func (c *Connection) unclaimedLocked() bool { return !c.claimed }

// OnEnd has f called once when the connection ends, at once if it has. It is
// set before Bind.
func (c *Connection) OnEnd(f func()) {
	c.mu.Lock()
	ended := c.ended.Load()
	if !ended {
		c.onEnd = f
	}
	c.mu.Unlock()
	if ended {
		f()
	}
}

// Bind sets the dialect's session and gives it what was POSTed before. It is
// called once, before Run. If the connection has ended meanwhile the session
// is told so.
func (c *Connection) Bind(s Session) {
	c.receive.Lock()
	c.mu.Lock()
	c.session = s
	told, r := c.told, c.reason
	early := c.early
	c.early = nil
	c.receivers++
	c.mu.Unlock()
	if !told && len(early) > 0 {
		if err := s.Receive(early, true); err != nil {
			c.Close(ReasonProtocolError)
		}
	}
	c.receive.Unlock()
	c.received()
	if told {
		s.Closed(r)
	}
}

// Run makes k the present carrier and starts the session's clock. What was
// asked of the connection before, to close for instance, is passed on to k.
func (c *Connection) Run(k Carrier) {
	c.mu.Lock()
	c.carrier.Store(&k)
	r, cut, ended := c.reason, c.cut, c.ended.Load()
	c.mu.Unlock()
	switch phase := c.server.phase.Load(); {
	case ended, cut:
		k.Abort(r)
	case phase == phaseCut:
		k.Abort(ReasonDrain)
	case r != "":
		k.Close(r)
	case phase == phaseDraining:
		c.Leave(ReasonDrain)
	}
	if !ended {
		c.server.wheel.Add(c, time.Now())
	}
}

// tick implements ticker: it keeps the time of the session and the carrier.
func (c *Connection) tick(now time.Time) time.Time {
	if c.ended.Load() {
		return time.Time{}
	}
	if age := now.Sub(c.since); c.due != never && age >= c.due {
		next := c.Session().Tick(now)
		if c.due = never; !next.IsZero() {
			c.due = age + max(0, next.Sub(now))
		}
	}
	if k, ok := c.Carrier().(idler); ok {
		k.Tick(now)
		return now.Add(time.Second)
	}
	if c.due == never {
		return time.Time{}
	}
	return c.since.Add(c.due)
}

// ticket is a negotiated connection that waits for a request to attach.
type ticket Connection

// tick implements ticker: the ticket has expired.
func (t *ticket) tick(now time.Time) time.Time {
	c := (*Connection)(t)
	if at := c.since.Add(c.ttl); now.Before(at) {
		return at
	}
	c.endIf(ReasonNeverUsed, c.unclaimedLocked)
	return time.Time{}
}
