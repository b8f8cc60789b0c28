package transports_test

import (
	"testing"
	"testing/synctest"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// Every connection that had a session is counted once, with the reason that came
// first.
func TestEndsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		for _, r := range []transports.Reason{
			transports.ReasonClientClosed, transports.ReasonLost, transports.ReasonDone, transports.ReasonDrain, transports.ReasonExpired,
			transports.ReasonRevoked, transports.ReasonDisconnected, transports.ReasonReplaced, transports.ReasonSlow, transports.ReasonTimeout, transports.ReasonHandshake,
			transports.ReasonProtocolError, transports.ReasonTooLarge, transports.ReasonInternal,
		} {
			for n, tr := range transports.All() {
				for range n + 1 {
					c := s.Open("scope", "user", "addr", nil, tr, false)
					c.Bind(dialect.New(c))
					c.Close(r)
					c.End(transports.ReasonLost)
					c.End(transports.ReasonDone)
				}
			}
		}
		s.Open("scope", "user", "addr", nil, transports.WebSockets, false).End(transports.ReasonHandshake) // refused
		all := s.Ends()
		if got, want := len(all), 3*14; got != want {
			t.Fatalf("%d counts, want %d", got, want)
		}
		for _, e := range all {
			if want := map[transports.Transport]uint64{transports.WebSockets: 1, transports.ServerSentEvents: 2, transports.LongPolling: 3}[e.Transport]; e.Count != want {
				t.Errorf("%s %s: %d, want %d", e.Transport, e.Reason, e.Count, want)
			}
		}
	})
}
