package api

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// stream sends a GET that is answered bit by bit, or late, and returns what ends it as a
// client does.
func (f *fixture) stream(path, token string, header ...string) (end func()) {
	f.Helper()
	ctx, cancel := context.WithCancel(f.Context())
	done := make(chan struct{})
	req := f.request(http.MethodGet, path, token, "", header...).WithContext(ctx)
	go func() { // ends with ctx
		defer close(done)
		if resp, err := f.client.Do(req); err == nil {
			<-ctx.Done()
			_ = resp.Body.Close()
		}
	}()
	synctest.Wait()
	end = func() {
		cancel()
		<-done
	}
	f.Cleanup(end)
	return end
}

func (f *fixture) hubSocket(token string) *websocket.Conn {
	f.Helper()
	c := f.pipeSocket("/hubs/events", token)
	say(f, c, jsonShake)
	hear(f, c, "{}")
	return c
}

// swallow takes what comes on a socket and says nothing.
func (f *fixture) swallow(c *websocket.Conn) {
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		for {
			if _, _, err := c.Read(f.Context()); err != nil {
				return
			}
		}
	}()
	f.Cleanup(func() {
		_ = c.CloseNow()
		<-done
	})
}

// opened is each way to be connected, and how a client ends it in order.
var opened = map[string]func(f *fixture, token string) (end func()){
	"WebSocket": func(f *fixture, token string) func() {
		c := f.pipeSocket("/events", token)
		return func() { _ = c.Close(websocket.StatusNormalClosure, "") }
	},
	"Server-Sent Events": func(f *fixture, token string) func() { return f.stream("/events", token) },
	"long poll":          func(f *fixture, token string) func() { return f.stream("/events?wait=60", token) },
	"hub, WebSocket": func(f *fixture, token string) func() {
		c := f.hubSocket(token)
		return func() { _ = c.Close(websocket.StatusNormalClosure, "") }
	},
	"hub, Server-Sent Events": func(f *fixture, token string) func() {
		id, _ := f.hubToken("/hubs/events", token)
		return f.stream("/hubs/events"+id, token, "Accept", "text/event-stream")
	},
	"hub, long polling": func(f *fixture, token string) func() {
		id := f.hubPoll("/hubs/events", token)
		return func() { f.send(http.MethodDelete, "/hubs/events?id="+id, token, "") }
	},
}

// A user is offline as soon as the last connection is closed in order, and not before.
func TestPresenceEndsWithACleanClose(t *testing.T) {
	for name, open := range opened {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, inMemory)
				token := f.token(auth.Claims{Device: "phone"})
				end := open(f, token)
				want := func(when, want string) {
					t.Helper()
					synctest.Wait()
					if got := f.send(http.MethodGet, "/api/v1/users/anna/presence", keyRead, "").body; got != want {
						t.Errorf("%s: %s, want %s", when, got, want)
					}
				}
				want("connected", `{"online":true,"connections":1,"devices":["phone"]}`)
				second := opened["WebSocket"](f, token)
				want("twice", `{"online":true,"connections":2,"devices":["phone"]}`)
				end()
				time.Sleep(time.Second)
				want("one is closed", `{"online":true,"connections":1,"devices":["phone"]}`)
				second()
				time.Sleep(time.Second)
				want("both are closed", `{"online":false,"connections":0,"devices":[]}`)
			})
		})
	}
}

// One who is not heard of any more is offline within the bound of that transport. For
// Server-Sent Events, whose clients say nothing, it is the kernel's: see
// TestAcceptedSocketsHaveTheUserTimeout in internal/app.
func TestPresenceEndsWithSilence(t *testing.T) {
	for name, tt := range map[string]struct {
		open  func(f *fixture, token string)
		after time.Duration
	}{
		"WebSocket": {func(f *fixture, token string) {
			c, _, err := websocket.Dial(f.Context(), "ws://pipe/events", &websocket.DialOptions{ //nolint:bodyclose // the library does
				HTTPClient: f.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
				OnPingReceived: func(context.Context, []byte) bool { return false },
			})
			if err != nil {
				f.Fatal(err)
			}
			f.swallow(c)
		}, 38500 * time.Millisecond},
		"hub, WebSocket": {func(f *fixture, token string) {
			c := f.hubSocket(token)
			say(f, c, `{"type":6}`)
			f.swallow(c)
		}, 30 * time.Second},
		"hub, long polling": {func(f *fixture, token string) { f.hubPoll("/hubs/events", token) }, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, inMemory)
				began := time.Now()
				tt.open(f, f.token(auth.Claims{}))
				time.Sleep(tt.after - time.Second)
				synctest.Wait()
				if len(f.broker.ConnectionsOf("anna", "")) == 0 {
					t.Errorf("offline after %v", time.Since(began))
				}
				for len(f.broker.ConnectionsOf("anna", "")) > 0 && time.Since(began) < time.Hour {
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
				}
				within(t, name, began, tt.after)
			})
		})
	}
}
