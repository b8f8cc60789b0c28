package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// dialSocket opens a WebSocket with another implementation than the server's.
func (f *fixture) dialSocket(path, credentials string, header ...string) (*websocket.Conn, *http.Response, error) {
	f.Helper()
	h := http.Header{}
	if credentials != "" {
		h.Set("Authorization", "Bearer "+credentials)
	}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	c, resp, err := websocket.Dial(f.Context(), "ws"+strings.TrimPrefix(f.url, "http")+path, &websocket.DialOptions{HTTPClient: f.client, HTTPHeader: h}) //nolint:bodyclose // the library does
	if err == nil {
		f.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, resp, err
}

// socket opens a WebSocket that must succeed.
func (f *fixture) socket(path, credentials string) *websocket.Conn {
	f.Helper()
	c, _, err := f.dialSocket(path, credentials)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// message reads one text message.
func message(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	_, b, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSocketDelivers(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/ws", "/events"} {
		c := f.socket(path+"?since=0", f.token(auth.Claims{User: "u" + path[1:]}))
		ready := decode[struct {
			Type string
			Data json.RawMessage
		}](t, message(t, c))
		if ready.Type != "hubline.ready" {
			t.Errorf("first message %+v", ready)
		}
		r := f.publish("u"+path[1:], `{"type":"a","data":{ "n":1 }}`)
		if ev := decode[envelope](t, message(t, c)); r.Delivered != 1 || ev.Cursor != r.Cursor || string(ev.Data) != `{ "n":1 }` {
			t.Errorf("receipt %+v, event %+v", r, ev)
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func TestOriginOfSockets(t *testing.T) {
	f := newFixture(t, origins("https://app.example"))
	token := f.token(auth.Claims{})
	for origin, want := range map[string]bool{
		"": true, "https://app.example": true, f.url: true,
		"https://evil.example": false, "http://app.example": false, "null": false, "garbage": false,
	} {
		for _, path := range []string{"/ws", "/events", "/hubs/events", "/notifications/hub", "/hub"} {
			var header []string
			if origin != "" {
				header = []string{"Origin", origin}
			}
			c, resp, err := f.dialSocket(path, token, header...)
			if (err == nil) != want {
				t.Errorf("%s from %q: %v", path, origin, err)
			}
			if err == nil {
				_ = c.CloseNow()
			} else if resp == nil || resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %q: %+v", path, origin, resp)
			}
			// The answer to the upgrade has the headers of the upgrade alone.
			if err == nil && len(resp.Header) != 3 {
				t.Errorf("%s: headers %v", path, resp.Header)
			}
		}
	}
}

func TestSocketWithoutUpgrade(t *testing.T) {
	f := newFixture(t)
	for _, credentials := range []string{"", "bad", f.token(auth.Claims{})} { // the headers come first
		f.wantProblem(f.send(http.MethodGet, "/ws", credentials, "", "Accept", "application/json"), http.StatusUpgradeRequired, "upgrade-required")
		a := f.send(http.MethodGet, "/ws", credentials, "")
		if a.status != http.StatusUpgradeRequired || a.header.Get("Content-Type") != "text/plain;charset=UTF-8" || !strings.HasPrefix(a.body, "Expected WebSocket upgrade\n\n") {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
		if a.header.Get("Upgrade") != "websocket" || !strings.EqualFold(a.header.Get("Connection"), "upgrade") {
			t.Errorf("headers %v", a.header)
		}
		if !strings.Contains(a.body, "without Upgrade: websocket") {
			t.Errorf("the detail does not name the header: %s", a.body)
		}
	}
	a := f.send(http.MethodGet, "/ws", "", "", "Upgrade", "WebSocket")
	if !strings.Contains(a.body, "without Connection: Upgrade") {
		t.Errorf("the detail does not name the header: %s", a.body)
	}
}

func TestSocketRefusals(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]int{
		"/ws": 401, "/events": 401, "/hubs/events": 401, "/notifications/hub": 401, "/hub": 401,
	} {
		for _, token := range []string{"", "bad", keyAll} {
			_, resp, err := f.dialSocket(path, token)
			if err == nil || resp.StatusCode != want {
				t.Fatalf("%s with %q: %v", path, token, err)
			}
			if !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: no challenge", path)
			}
			var body [1 << 10]byte
			n, _ := resp.Body.Read(body[:])
			text := string(body[:n])
			switch {
			case path == "/hubs/events" && n != 0:
				t.Errorf("%s: a body %s", path, text)
			case strings.HasSuffix(path, "/hub"):
				var e bitwardenError
				if err := json.Unmarshal(body[:n], &e); err != nil || e.Object != "error" || e.Message == "" || e.ErrorModel.Message == "" || resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: %s, %v", path, text, err)
				}
			case path == "/ws" && (text != "Unauthorized" || resp.Header.Get("Content-Type") != "text/plain;charset=UTF-8"):
				t.Errorf("%s: %v %s", path, resp.Header, text)
			case path == "/events":
				if resp.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: %s", path, text)
				}
			}
		}
	}
	token := f.token(auth.Claims{})
	for _, path := range []string{"/ws?since=x-y", "/ws?types=a%00", "/ws?x=%zz", "/hubs/events?since=x-y", "/hubs/events?x=%zz"} {
		if _, resp, err := f.dialSocket(path, token); err == nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, resp, err := f.dialSocket("/hubs/events?id=unknown", token); err == nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown connection: %v", err)
	}
}

// TestTokenOfSocketsInTheQuery: browsers cannot send headers with a WebSocket.
func TestTokenOfSocketsInTheQuery(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/ws", "/events", "/hubs/events", "/notifications/hub", "/hub"} {
		f.socket(path+"?access_token="+f.token(auth.Claims{}), "")
	}
}
