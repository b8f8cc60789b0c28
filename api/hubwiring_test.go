package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// hubPaths are all that hubs are mounted at.
var hubPaths = []string{"/hubs/events", "/notifications/hub", "/hub"}

const (
	jsonShake     = `{"protocol":"json","version":1}`
	statefulShake = `{"protocol":"json","version":2}`
)

// hubToken negotiates, asks for stateful reconnect, and returns the query of the
// requests that follow.
func (f *fixture) hubToken(path, token string) (id string, stateful bool) {
	f.Helper()
	a := f.send(http.MethodPost, path+"/negotiate?negotiateVersion=1&useStatefulReconnect=true", token, "")
	if a.status != http.StatusOK {
		f.Fatalf("negotiate: %+v", a)
	}
	n := decode[struct {
		offer
		UseStatefulReconnect bool
	}](f, a.body)
	return "?id=" + n.ConnectionToken, n.UseStatefulReconnect
}

// say sends a hub message.
func say(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text+rs)); err != nil {
		t.Fatal(err)
	}
}

// hear wants a hub message.
func hear(t testing.TB, c *websocket.Conn, want string) {
	t.Helper()
	if got := message(t, c); got != want+rs {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// Reference section 1.10: no cache keeps an answer to a poll, refusals included;
// other answers have no such headers.
func TestAnswersToPollsAreNotCached(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	for _, path := range hubPaths {
		id, _ := f.hubToken(path, token)
		for _, tt := range []struct {
			name, method, target, token, accept string
			status                              int
			cached                              bool
		}{
			{"without a token", http.MethodGet, path + id, "", "", 401, false},
			{"of another user", http.MethodGet, path + id, f.token(auth.Claims{User: "berta"}), "", 403, false},
			{"without an id", http.MethodGet, path, token, "", 400, false},
			{"unknown", http.MethodGet, path + "?id=x", token, "", 404, false},
			{"the first", http.MethodGet, path + id, token, "", 200, false},
			{"an event stream", http.MethodGet, path + id, token, "text/event-stream", 400, true},
			{"a POST", http.MethodPost, path + "?id=x", token, "", 404, true},
		} {
			a := f.send(tt.method, tt.target, tt.token, "", "Accept", tt.accept)
			if a.status != tt.status {
				t.Errorf("%s, %s: %d, want %d", path, tt.name, a.status, tt.status)
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-cache, no-store", "Pragma": "no-cache", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
			} {
				if got := a.header.Get(name); (got == want) == tt.cached {
					t.Errorf("%s, %s: %s is %q", path, tt.name, name, got)
				}
			}
		}
		f.send(http.MethodDelete, path+id, token, "") // the server would wait for it
	}
}

// A token counts at the path that negotiated it, also where another path has the
// same hub.
func TestHubTokensCountAtTheirPathOnly(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	for _, from := range hubPaths {
		id, _ := f.hubToken(from, token)
		for _, to := range hubPaths {
			if to == from {
				continue
			}
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
				if a := f.send(method, to+id, token, ""); a.status != http.StatusNotFound || a.body != "No Connection with that ID" {
					t.Errorf("%s at %s with a token of %s: %d %s", method, to, from, a.status, a.body)
				}
			}
		}
		if a := f.send(http.MethodGet, from+id, token, ""); a.status != http.StatusOK {
			t.Errorf("at %s itself: %d", from, a.status)
		}
		f.send(http.MethodDelete, from+id, token, "") // the server would wait for it
	}
}

func TestStatefulReconnectIsAsConfigured(t *testing.T) {
	for _, on := range []bool{false, true} {
		f := newFixture(t, func(s *setup) { s.StatefulReconnect = on })
		token := f.token(auth.Claims{})
		for _, path := range hubPaths {
			id, granted := f.hubToken(path, token)
			if granted != on {
				t.Errorf("%s, %v: granted is %v", path, on, granted)
			}
			c := f.socket(path+id, token)
			say(t, c, statefulShake)
			hear(t, c, "{}")
			d, resp, err := f.dialSocket(path+id, token)
			switch {
			case on && err == nil:
				hear(t, d, `{"type":9,"sequenceId":1}`)
			case on, err == nil, resp.StatusCode != http.StatusConflict:
				t.Errorf("%s, %v: another socket: %v %+v", path, on, err, resp)
			}
		}
	}
}

func TestMaxMessageBytesBoundsHubMessages(t *testing.T) {
	const limit = 200
	f := newFixture(t, func(s *setup) { s.MaxMessageBytes = limit })
	token := f.token(auth.Claims{})
	// call is a call with that many bytes, its separator included.
	call := func(n int) string {
		const begin, end = `{"type":1,"invocationId":"1","target":"None","arguments":[]`, `}`
		return begin + strings.Repeat(" ", n-len(begin+end+rs)) + end
	}
	for _, path := range hubPaths {
		c := f.socket(path, token)
		say(t, c, jsonShake)
		hear(t, c, "{}")
		say(t, c, call(limit))
		if got := message(t, c); !strings.HasPrefix(got, `{"type":3,"invocationId":"1","error":`) {
			t.Errorf("%s: %d bytes: %s", path, limit, got)
		}
		say(t, c, call(limit+1))
		if got := message(t, c); !strings.HasPrefix(got, `{"type":7,"error":`) {
			t.Errorf("%s: %d bytes: %s", path, limit+1, got)
		}
	}
}
