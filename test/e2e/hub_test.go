package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// hubPaths are the hubs, with the spelling under which clients of both families
// know them.
var hubPaths = []string{"/hubs/events", "/notifications/hub", "/hub"}

// hubConnection negotiates and returns the path and query of the connection.
func hubConnection(t *testing.T, s *harness.Server, path, token string) string {
	t.Helper()
	a := s.Do(http.MethodPost, path+"/negotiate?negotiateVersion=1", token, "")
	var n struct {
		ConnectionToken string `json:"connectionToken"`
	}
	a.JSON(t, &n)
	if a.Status != http.StatusOK || n.ConnectionToken == "" {
		t.Fatalf("negotiate: %d %s", a.Status, a.Body)
	}
	s.Hide(n.ConnectionToken)
	return path + "?id=" + n.ConnectionToken
}

// answerOf is a status and a body, for comparisons.
func answerOf(a *harness.Answer) string { return fmt.Sprintf("%d %s", a.Status, a.Body) }

func TestHubNegotiate(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	offer := `"availableTransports":\[\{"transport":"WebSockets","transferFormats":\["Text","Binary"\]\},` +
		`\{"transport":"ServerSentEvents","transferFormats":\["Text"\]\},\{"transport":"LongPolling","transferFormats":\["Text","Binary"\]\}\]`
	id := `"[A-Za-z0-9_-]{22}"`
	for _, path := range hubPaths {
		for _, tt := range []struct{ query, want string }{
			{"?negotiateVersion=1", `\{"negotiateVersion":1,"connectionId":` + id + `,"connectionToken":` + id + `,` + offer + `\}`},
			{"?NEGOTIATEVERSION=7", `\{"negotiateVersion":1,"connectionId":` + id + `,"connectionToken":` + id + `,` + offer + `\}`},
			{"", `\{"negotiateVersion":0,"connectionId":` + id + `,` + offer + `\}`},
			{"?negotiateVersion=1&useStatefulReconnect=true", `\{"negotiateVersion":1,"connectionId":` + id + `,"connectionToken":` + id + `,` + offer + `\}`},
			{"?negotiateVersion=x", `\{"error":"The client requested a non-integer protocol version\."\}`},
			{"?negotiateVersion=1&transports=LongPolling", `\{.*"availableTransports":\[\{"transport":"LongPolling","transferFormats":\["Text","Binary"\]\}\]\}`},
		} {
			for _, spelling := range []string{path, strings.ToUpper(path[:4]) + path[4:]} {
				a := s.Do(http.MethodPost, spelling+"/negotiate"+tt.query, token, "")
				if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/json" || !regexp.MustCompile(`^`+tt.want+`$`).Match(a.Body) {
					t.Errorf("%s%s: %s %s", spelling, tt.query, answerOf(a), a.Header.Get("Content-Type"))
				}
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			if a := s.Do(method, path+"/negotiate", token, ""); answerOf(a) != "405 " {
				t.Errorf("%s %s/negotiate: %s, want 405 and no body", method, path, answerOf(a))
			}
		}
		// The clients make their error text from the body, else from the reason.
		if a := s.Do(http.MethodPost, path+"/negotiate?negotiateVersion=1", "", ""); answerOf(a) != "401 " {
			t.Errorf("%s without a token: %s, want 401 and no body", path, answerOf(a))
		}
	}
}

// The status table of the reference.
func TestHubStatuses(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	alice, bob := s.Token("alice"), s.Token("bob")
	sse := []string{"Accept", "text/event-stream"}
	path := "/hubs/events"
	const unknown = "404 No Connection with that ID"
	for _, tt := range []struct {
		name, method, path, token string
		header                    []string
		want                      string
	}{
		{"poll without an id", http.MethodGet, path, alice, nil, "400 Connection ID required"},
		{"poll with an empty id", http.MethodGet, path + "?id=", alice, nil, "400 Connection ID required"},
		{"SSE without an id", http.MethodGet, path, alice, sse, "400 Connection ID required"},
		{"POST without an id", http.MethodPost, path, alice, nil, "400 Connection ID required"},
		{"DELETE without an id", http.MethodDelete, path, alice, nil, "400 Connection ID required"},
		{"poll with an unknown id", http.MethodGet, path + "?id=x", alice, nil, unknown},
		{"SSE with an unknown id", http.MethodGet, path + "?id=x", alice, sse, unknown},
		{"POST with an unknown id", http.MethodPost, path + "?id=x", alice, nil, unknown},
		{"DELETE with an unknown id", http.MethodDelete, path + "?id=x", alice, nil, unknown},
		{"PUT", http.MethodPut, path, alice, nil, "405 "},
		{"without a token", http.MethodGet, path + "?id=x", "", nil, "401 "},
		{"another hub's connection", http.MethodGet, strings.Replace(hubConnection(t, s, "/notifications/hub", alice), "/notifications/hub", path, 1), alice, nil, unknown},
		{"a native ticket", http.MethodGet, path + "?id=" + negotiate(t, s, alice).ConnectionToken, alice, nil, unknown},
		{"another user's connection", http.MethodGet, hubConnection(t, s, path, alice), bob, nil, "403 "},
		{"another user's POST", http.MethodPost, hubConnection(t, s, path, alice), bob, nil, "403 "},
		{"another user's DELETE", http.MethodDelete, hubConnection(t, s, path, alice), bob, nil, "403 "},
		{"DELETE before a transport", http.MethodDelete, hubConnection(t, s, path, alice), alice, nil, "400 Cannot terminate this connection using the DELETE endpoint."},
	} {
		a := s.Do(tt.method, tt.path, tt.token, "", tt.header...)
		if answerOf(a) != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, answerOf(a), tt.want)
		}
		if tt.method == http.MethodGet && tt.header == nil && !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: Cache-Control = %q", tt.name, a.Header.Get("Cache-Control"))
		}
	}
	// A ticket of a hub is none of the native endpoint.
	r := refusal(t, s, "sse", client.Options{Path: strings.Replace(hubConnection(t, s, path, alice), path, "/events", 1)})
	if r.Status != http.StatusUnauthorized {
		t.Errorf("a hub's connection on /events: %d", r.Status)
	}
}

func TestHubLongPolling(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	path := hubConnection(t, s, "/hubs/events", token)
	do := func(method, body string, want string) *harness.Answer {
		t.Helper()
		a := s.Do(method, path, token, body)
		if got := answerOf(a); got != want && !(strings.HasSuffix(want, "*") && strings.HasPrefix(got, want[:len(want)-1])) {
			t.Fatalf("%s %q: %q, want %q", method, body, got, want)
		}
		return a
	}
	// The first poll is answered at once and empty.
	if a := do(http.MethodGet, "", "200 "); a.Header.Get("Content-Length") != "0" {
		t.Errorf("first poll: %v", a.Header)
	}
	a := s.Do(http.MethodGet, path, token, "", "Accept", "text/event-stream")
	if got := answerOf(a); got != "400 Cannot change transports mid-connection" {
		t.Errorf("SSE on a polled connection: %s", got)
	}
	// In two pieces, with a ping behind.
	do(http.MethodPost, `{"protocol":"json",`, "200 ")
	do(http.MethodPost, `"version":1}`+"\x1e"+`{"type":6}`+"\x1e", "200 ")
	if a := do(http.MethodGet, "", "200 {}\x1e"); a.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("content type = %q", a.Header.Get("Content-Type"))
	}
	r := s.Publish("alice", "order.paid", `{ "n": 1 }`)
	want := fmt.Sprintf(`200 {"type":1,"headers":{"seq":"%d","cursor":%q},"target":"order.paid","arguments":[{ "n": 1 }]}`+"\x1e", r.Seq, r.Cursor)
	do(http.MethodGet, "", want)
	do(http.MethodPost, `{"type":1,"invocationId":"0","target":"Replay","arguments":["0"]}`+"\x1e", "200 ")
	var replayed string
	for !strings.Contains(replayed, `"type":3`) {
		replayed += string(do(http.MethodGet, "", "200 *").Body)
	}
	if !strings.Contains(replayed, `"target":"order.paid"`) || !strings.Contains(replayed, `"replayed":1`) {
		t.Errorf("replayed: %q", replayed)
	}
	do(http.MethodPost, `{"type":1,"invocationId":"1","target":"nope","arguments":[]}`+"\x1e", "200 ")
	a = do(http.MethodGet, "", "200 *")
	var completion struct{ Error string }
	if err := json.Unmarshal([]byte(strings.TrimSuffix(string(a.Body), "\x1e")), &completion); err != nil ||
		completion.Error != "Failed to invoke 'nope' due to an error on the server. HubException: Method does not exist." {
		t.Errorf("unknown method: %q %v", a.Body, err)
	}
	do(http.MethodDelete, "", "202 ")
	do(http.MethodGet, "", "404 No Connection with that ID")
}

// What the protocol forbids ends the connection with the wire's own words.
func TestHubHandshakeErrors(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	for handshake, want := range map[string]string{
		`{"protocol":"json","version":3}` + "\x1e": `{"error":"The server does not support version 3 of the 'json' protocol."}` + "\x1e",
		`{"protocol":"x","version":1}` + "\x1e":    `{"error":"The protocol 'x' is not supported."}` + "\x1e",
		`{"version":1}` + "\x1e":                   `{"error":"An unexpected error occurred during connection handshake."}` + "\x1e",
		`[]` + "\x1e":                              `{"error":"An unexpected error occurred during connection handshake."}` + "\x1e",
		strings.Repeat("x", 40<<10):                `{"error":"Handshake was canceled."}` + "\x1e",
	} {
		path := hubConnection(t, s, "/hubs/events", token)
		s.Do(http.MethodGet, path, token, "")
		s.Do(http.MethodPost, path, token, handshake)
		a := s.Do(http.MethodGet, path, token, "")
		if got := string(a.Body); got != want {
			t.Errorf("%.60q: %d %q, want %q", handshake, a.Status, got, want)
		}
		if a := s.Do(http.MethodGet, path, token, ""); a.Status != http.StatusNoContent && a.Status != http.StatusNotFound {
			t.Errorf("%.60q: the poll behind the refusal: %d", handshake, a.Status)
		}
	}
}

func TestHubMessagesOverTheLimit(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	path := hubConnection(t, s, "/hubs/events", token)
	s.Do(http.MethodGet, path, token, "")
	s.Do(http.MethodPost, path, token, `{"protocol":"json","version":1}`+"\x1e")
	s.Do(http.MethodGet, path, token, "")
	s.Do(http.MethodPost, path, token, `{"type":1,"target":"x","arguments":["`+strings.Repeat("x", 40<<10)+`"]}`+"\x1e")
	a := s.Do(http.MethodGet, path, token, "")
	if !strings.HasPrefix(string(a.Body), `{"type":7,"error":"Connection closed with an error.`) || !strings.Contains(string(a.Body), "maximum message size") ||
		!strings.Contains(string(a.Body), `"allowReconnect":true`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := s.Do(http.MethodGet, path, token, ""); a.Status != http.StatusNoContent {
		t.Errorf("behind the goodbye: %s, want 204", answerOf(a))
	}
}
