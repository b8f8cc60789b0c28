package transports_test

import (
	"sync"
	"testing"

	"hubline/transports"
)

// Of several renewals at a time the credentials, and what goes with them, are those of
// one. The race detector tells if with is not called by one at a time.
func TestRenewalsAtATimeAreOfOnePiece(t *testing.T) {
	s := newServer(t, transports.Config{})
	c, _ := open(s)
	defer c.End(transports.ReasonDrain)
	with := 0
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if !c.Renew(i, func() { with = i }) {
				t.Error("not renewed")
			}
		})
	}
	wg.Wait()
	if got := c.Credentials(); got != with {
		t.Errorf("the credentials are those of %v, what goes with them is of %d", got, with)
	}
	c.End(transports.ReasonDrain)
	if c.Renew("late", func() { t.Error("called for a connection that has ended") }) {
		t.Error("a connection that has ended was renewed")
	}
}
