package websocket

import (
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// An idle connection is a goroutine on the smallest stack and a few structures,
// also after it has been pinged and has had a message.
func TestIdleMemory(t *testing.T) {
	g := newRig(t, transports.Config{})
	g.prepare = echo
	g.opened = make(chan *dialect.Session, 10_000)
	addr := g.tcp()
	xtest.Budget(t, 6<<10, addr, func() int { return min(parked(), len(g.server.Connections())) },
		xtest.Step{Send: upgradeRequest, Until: "\r\n\r\n"},
		xtest.Step{Send: masked(finPing, "?", 0), Until: "\x8a\x01?"},
		xtest.Step{Send: text("hello"), Until: "\x81\x05hello"},
		xtest.Step{Send: masked(finPong, "", 0)})
}
