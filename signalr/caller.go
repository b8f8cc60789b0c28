package signalr

import (
	"context"
	"net/http"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Caller is the connection that calls a method. It stays good after the call,
// also when the connection has ended: then it does nothing. It is safe for
// concurrent use.
type Caller struct {
	s *Session
	c *call // whose slot is given back while the client is awaited; nil outside of calls
}

// ConnectionID is the public name of the connection.
func (c Caller) ConnectionID() string { return c.s.conn.ConnectionID() }

// User is who the connection belongs to.
func (c Caller) User() string { return c.s.user }

// Device is the client's device, if its token names one.
func (c Caller) Device() string { return c.s.deviceName() }

// Transport is the carrier in use.
func (c Caller) Transport() transports.Transport { return c.s.conn.Transport() }

// Context ends with the connection: before OnDisconnected runs.
func (c Caller) Context() context.Context { return c.s.context() }

// Identity is what authentication found (Options.Identity).
func (c Caller) Identity() any {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if x := c.s.more; x != nil {
		return x.identity
	}
	return nil
}

// Request is the request that opened the connection or, with stateful reconnect,
// brought its present socket: headers, cookies, query, remote address, but no body.
// It is nil if Options brought none. It must not be changed.
func (c Caller) Request() *http.Request {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if x := c.s.more; x != nil {
		return x.request
	}
	return nil
}

// Set keeps a value for the life of the connection.
func (c Caller) Set(key, value any) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	x := c.s.moreLocked()
	if x.items == nil {
		x.items = make(map[any]any)
	}
	x.items[key] = value
}

// Get returns what Set has kept, or nil.
func (c Caller) Get(key any) any {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if x := c.s.more; x != nil {
		return x.items[key]
	}
	return nil
}

// Abort ends the connection; the client does not come back by itself.
func (c Caller) Abort() {
	c.s.finish(&protocol.Message{Type: protocol.TypeClose}, transports.ReasonDone)
}

// Send calls a function of the client. It does not wait, see [Clients.Send].
func (c Caller) Send(target string, args ...any) error {
	return newBroadcast(c.s.hub, target, args).to(c.s)
}

// Join puts the connection into a group. It is in the group until it leaves or
// ends; a client that reconnects has a new connection. It is an error if the
// connection has ended.
func (c Caller) Join(group string) error { return c.s.hub.join(c.s, group) }

// Leave takes the connection out of a group.
func (c Caller) Leave(group string) { c.s.hub.leave(c.s, group) }

// Others are all connections of the hub but this one.
func (c Caller) Others() Clients { return c.s.hub.AllExcept(c.ConnectionID()) }

// OthersInGroup are the connections of a group but this one.
func (c Caller) OthersInGroup(group string) Clients {
	return c.s.hub.GroupExcept(group, c.ConnectionID())
}
