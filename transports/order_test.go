package transports_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// Reference section 1.10: the id is there, it is known, it is this user's, the
// transport is offered, the connection is free. The first that fails is told.
func TestTheOrderOfTheChecks(t *testing.T) {
	const (
		noID    = "Connection ID required"
		unknown = "No Connection with that ID"
		notSSE  = "ServerSentEvents transport not supported by this end point type"
	)
	tests := []struct {
		name, kind, target, user string
		offer                    transports.Transport
		status                   int
		body                     string
	}{
		{"no id, not offered", "sse", "/hub", "u", transports.LongPolling, 400, noID},
		{"no id, polls are not offered", "", "/hub", "u", transports.WebSockets, 400, noID},
		{"unknown, not offered", "sse", "/hub?id=x", "u", transports.LongPolling, 404, unknown},
		{"unknown, polls are not offered", "", "/hub?id=x", "u", transports.WebSockets, 404, unknown},
		{"unknown, WebSockets are not offered", "ws", "/hub?id=x", "u", transports.LongPolling, 404, unknown},
		{"another's, not offered", "sse", "/hub?id=TOKEN", "v", transports.LongPolling, 403, ""},
		{"not offered, of another transport", "sse", "/hub?id=TOKEN", "u", transports.LongPolling, 404, notSSE},
		{"of another transport", "sse", "/hub?id=TOKEN", "u", transports.ServerSentEvents, 400, "Cannot change transports mid-connection"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, c := attached(t) // polls
				e.Offer = []transports.Transport{tt.offer}
				target := tt.target
				if target == "/hub?id=TOKEN" {
					target = "/hub?id=" + c.Token()
				}
				w := e.do(request{method: "GET", kind: tt.kind, target: target, user: tt.user})
				if w.Code != tt.status || w.Body.String() != tt.body {
					t.Errorf("answered %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
				}
			})
		})
	}
}

// The sweeper comes once a second; a token is not good until then.
func TestAnExpiredTokenIsNotServed(t *testing.T) {
	for _, kind := range []string{"ws", "sse", "poll"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, transports.Config{})
			e := newSite(t, s)
			time.Sleep(300 * time.Millisecond) // out of step with the sweeper
			get := request{method: "GET", kind: kind, target: "/hub?id=" + negotiate(t, s, "/hub", "u").Token(), user: "u"}
			time.Sleep(15 * time.Second)
			if w := e.do(get); w.Code != 404 || w.Body.String() != "" {
				t.Errorf("%s, before the sweeper: %d %q", kind, w.Code, w.Body)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if w := e.do(get); w.Code != 404 || w.Body.String() != "No Connection with that ID" {
				t.Errorf("%s, behind it: %d %q", kind, w.Code, w.Body)
			}
			if len(e.sessions)+len(e.served) > 0 {
				t.Errorf("%s was served", kind)
			}
		})
	}
}
