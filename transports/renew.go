package transports

// Renew replaces what authentication found of the client, who has shown other
// credentials while connected, and calls with, so that what goes with the credentials
// is that of the same call when there are several at a time. with must not wait, nor
// ask the registry. Renew reports false, and does nothing, if the connection has ended.
func (c *Connection) Renew(identity any, with func()) bool {
	h := c.server.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, live := h.live[c]; !live {
		return false
	}
	if h.renewed == nil {
		h.renewed = make(map[*Connection]any)
	}
	h.renewed[c] = identity
	with()
	return true
}

// Credentials are what authentication found last: Identity, or what Renew has put in
// its place.
func (c *Connection) Credentials() any {
	h := c.server.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if id, ok := h.renewed[c]; ok {
		return id
	}
	return c.Identity
}
