package transports

import "net/http"

// Resume is what a request for another socket begins with: it returns the status
// of its answer, or 0 if the request is to upgrade.
func (c *Connection) Resume() int { return c.resume(new(http.Request)) }

// Receiving reports whether a Receive runs, or somebody keeps any from running.
func (c *Connection) Receiving() bool {
	if c.receive.TryLock() {
		c.receive.Unlock()
		return false
	}
	return true
}
