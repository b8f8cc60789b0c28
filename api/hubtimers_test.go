package api

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// within checks that so much time has passed, or a second more: the sweeper's grain.
func within(t *testing.T, path string, began time.Time, want time.Duration) {
	t.Helper()
	if took := time.Since(began); took < want || took > want+time.Second {
		t.Errorf("%s: it took %v, want %v", path, took, want)
	}
}

// pipeSocket opens a WebSocket of an inMemory fixture.
func (f *fixture) pipeSocket(path, token string) *websocket.Conn {
	f.Helper()
	c, _, err := websocket.Dial(f.Context(), "ws://pipe"+path, &websocket.DialOptions{ //nolint:bodyclose // the library does
		HTTPClient: f.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// Every timer of a hub is the configured one: here each has a value of its own, and
// none of them a default.
func TestHubTimersAreAsConfigured(t *testing.T) {
	for name, check := range map[string]func(t *testing.T, f *fixture, path, token string){
		"NegotiateTTL": func(t *testing.T, f *fixture, path, token string) {
			early, _ := f.hubToken(path, token)
			late, _ := f.hubToken(path, token)
			time.Sleep(f.api.cfg.NegotiateTTL - 1)
			if a := f.send(http.MethodGet, path+early, token, ""); a.status != http.StatusOK {
				t.Errorf("%s in time: %d", path, a.status)
			}
			time.Sleep(time.Nanosecond)
			if a := f.send(http.MethodGet, path+late, token, ""); a.status != http.StatusNotFound {
				t.Errorf("%s too late: %d", path, a.status)
			}
		},
		"PollTimeout": func(t *testing.T, f *fixture, path, token string) {
			id := f.hubPoll(path, token)
			began := time.Now()
			if a := f.send(http.MethodGet, path+"?id="+id, token, ""); a.status != http.StatusOK || a.body != "" {
				t.Errorf("%s: %+v", path, a)
			}
			within(t, path, began, f.api.cfg.PollTimeout)
		},
		"HandshakeTime": func(t *testing.T, f *fixture, path, token string) {
			began := time.Now()
			c := f.pipeSocket(path, token)
			hear(t, c, `{"error":"Handshake was canceled."}`)
			within(t, path, began, f.api.cfg.HandshakeTime)
		},
		"ClientTimeout, PingInterval": func(t *testing.T, f *fixture, path, token string) {
			c := f.pipeSocket(path, token)
			say(t, c, jsonShake)
			hear(t, c, "{}")
			say(t, c, `{"type":6}`)
			began, pings, last := time.Now(), 0, ""
			for {
				_, b, err := c.Read(t.Context())
				if err != nil {
					break
				}
				if last = string(b); last == `{"type":6}`+rs {
					pings++
				}
			}
			within(t, path, began, f.api.cfg.ClientTimeout)
			if last != `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`+rs || pings < 2 {
				t.Errorf("%s: %d pings, then %s", path, pings, last)
			}
		},
		// A client that takes no answers, so that its calls wait for each other, is
		// read no more, and closed.
		"maxHold": func(t *testing.T, f *fixture, path, token string) {
			f.publish("anna", `{"type":5}`)
			id := f.hubPoll(path, token)
			calls := strings.Repeat(`{"type":1,"invocationId":"1","target":"Replay","arguments":["0"]}`+rs, 30)
			began := time.Now()
			if a := f.send(http.MethodPost, path+"?id="+id, token, calls, "Content-Type", "text/plain"); a.status != http.StatusOK {
				t.Errorf("%s: %+v", path, a)
			}
			within(t, path, began, maxHold)
		},
	} {
		for _, path := range hubPaths {
			t.Run(name+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, inMemory, func(s *setup) {
						s.NegotiateTTL, s.PollTimeout, s.HandshakeTime = 5*time.Second, 7*time.Second, 6*time.Second
						s.ClientTimeout, s.PingInterval = 8*time.Second, 3*time.Second
					})
					check(t, f, path, f.token(auth.Claims{}))
				})
			})
		}
	}
}
