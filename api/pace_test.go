package api

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/internal/ratelimit"
)

// A connection that sends too much is read more slowly, on every transport that can
// send, and is neither closed nor loses anything.
func TestFloodsAreReadSlowly(t *testing.T) {
	slow := func(s *setup) { s.Callers.Messages = ratelimit.Rate{Count: 5, Per: 50 * time.Second} }
	t.Run("native", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// No pings in between: an unbuffered pipe would hold back the client's pongs.
			f := newFixture(t, inMemory, func(s *setup) { s.Callers.Messages = ratelimit.Rate{Count: 5, Per: 10 * time.Second} })
			c := f.pipeSocket("/ws", f.token(auth.Claims{}))
			began := time.Now()
			go func() { // ends when the last has been taken
				for range 10 {
					_ = c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","channel":"private-x","ref":"r"}`))
				}
			}()
			for i := range 10 {
				for !strings.Contains(message(t, c), `hubline.reply`) {
				}
				within(t, "/ws", began, time.Duration(max(0, i-4))*2*time.Second)
			}
			if got := f.metric("hubline_messages_delayed_total"); got != "5" {
				t.Errorf("%s delayed, want 5", got)
			}
		})
	})
	calls := strings.Repeat(`{"type":1,"invocationId":"1","target":"Ack","arguments":["0"]}`+rs, 10)
	for _, path := range hubPaths {
		t.Run("socket of "+path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, inMemory, slow)
				c := f.pipeSocket(path, f.token(auth.Claims{}))
				say(t, c, jsonShake)
				hear(t, c, "{}")
				began := time.Now()
				say(t, c, strings.TrimSuffix(calls, rs))
				for i := range 10 {
					for { // pings come as well
						_, b, err := c.Read(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						if strings.Contains(string(b), `"type":3`) {
							break
						}
					}
					within(t, path, began, time.Duration(max(0, i-4))*10*time.Second)
				}
			})
		})
		t.Run("POST to "+path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, inMemory, slow)
				token := f.token(auth.Claims{})
				id := f.hubPoll(path, token)
				// It is no client that polls: it is away, and waited for, for so long.
				began := time.Now()
				if a := f.send(http.MethodPost, path+"?id="+id, token, strings.Repeat(`{"type":6}`+rs, 6), "Content-Type", "text/plain"); a.status != http.StatusOK {
					t.Errorf("%+v", a)
				}
				within(t, path, began, 10*time.Second)
				hub := "events"
				if path != "/hubs/events" {
					hub = "bitwarden"
				}
				if got := f.metric(`hubline_hub_messages_delayed_total{hub="` + hub + `"}`); got != "1" {
					t.Errorf("%s delayed, want 1", got)
				}
			})
		})
	}
}
