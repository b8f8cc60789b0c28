package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// The wire of durable-notifier 0.3.0 as its unmodified clients meet it: the socket at
// /ws, and the two POSTs under /channels. The client itself, as a program of our own, is
// test/npm/stock.test.js.

const stockOrigin = "https://app.example"

// stockServer is a server as such an app needs it.
func stockServer(t *testing.T, flags ...string) *harness.Server {
	t.Helper()
	return harness.Start(t, append([]string{"--token-cookie", "session", "--allowed-origins", stockOrigin}, flags...)...)
}

// stockSocket opens /ws as the client does: nothing but the address.
func stockSocket(t *testing.T, s *harness.Server, user string) (*client.WS, *conn) {
	t.Helper()
	return socket(t, s, client.Options{Path: "/ws", Token: s.Token(user), InQuery: true})
}

func (c *conn) closeFrame() websocket.CloseError {
	c.t.Helper()
	ctx, cancel := c.deadline()
	defer cancel()
	for {
		_, err := c.Next(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			return closed
		}
		if err != nil {
			c.t.Fatalf("no close frame: %v", err)
		}
	}
}

// Every way in that a page has: the query, the cookie, and on the POSTs a header.
func TestStockCredentials(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	token := s.Token("alice")
	cookie := http.Header{"Cookie": {"session=" + token}, "Origin": {stockOrigin}}
	for name, o := range map[string]client.Options{
		"query":          {Token: token, InQuery: true},
		"header":         {Token: token},
		"cookie":         {Header: cookie},
		"own origin":     {Header: http.Header{"Cookie": {"session=" + token}, "Origin": {s.URL}}},
		"query and page": {Token: token, InQuery: true, Header: http.Header{"Origin": {stockOrigin}}},
	} {
		o.Path = "/ws"
		_, c := socket(t, s, o)
		c.wantEvent(s.Publish("alice", name, "1"))
	}
	for name, header := range map[string][]string{
		"header": {"Authorization", "Bearer " + token},
		"cookie": {"Cookie", "session=" + token, "Origin", stockOrigin, "Sec-Fetch-Site", "cross-site"},
	} {
		for _, what := range []string{"subscribe", "unsubscribe"} {
			a := s.Do(http.MethodPost, "/channels/"+what, "", `{"channel":"news"}`, append(header, "Content-Type", "application/json")...)
			if a.Status != http.StatusOK || string(a.Body) != `{"ok":true}` {
				t.Errorf("%s by %s: %d %s", what, name, a.Status, a.Body)
			}
		}
	}
	// And none: the answer comes before the upgrade.
	for _, o := range []client.Options{
		{},
		{Token: "bad", InQuery: true},
		{Token: s.Token("alice", harness.Claims{"exp": 1}), InQuery: true},
		{Header: http.Header{"Cookie": {"session=bad"}, "Origin": {stockOrigin}}},
	} {
		o.Path = "/ws"
		if r := refusal(t, s, "ws", o); r.Status != http.StatusUnauthorized || string(r.Body) != "Unauthorized" {
			t.Errorf("%+v: %d %s", o, r.Status, r.Body)
		}
	}
}

// An envelope has the fields of a WireEvent, and ours beside them. There is no hello.
func TestStockEnvelopes(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	ws, c := stockSocket(t, s, "alice")
	if got := ws.Header.Get("Sec-WebSocket-Protocol"); got != "" {
		t.Errorf("sub-protocol %q", got)
	}
	s.Do(http.MethodPost, "/channels/subscribe", s.Token("alice"), `{"channel":"private"}`)
	s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"order.paid","data":{ "n": 1e2 },"id":"own"}`)
	s.Do(http.MethodPost, "/api/v1/channels/private/events", s.APIKey, `{"type":"headline","data":null}`)
	for _, want := range []struct{ typ, data, channel string }{{"order.paid", `{ "n": 1e2 }`, ""}, {"headline", "null", "private"}} {
		m := c.want(client.Event)
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(m.Raw, &fields); err != nil {
			t.Fatal(err)
		}
		_, hasChannel := fields["channel"]
		if m.Type != want.typ || string(fields["data"]) != want.data || m.Channel != want.channel || hasChannel != (want.channel != "") || m.ID == "" || m.TS == 0 {
			t.Errorf("%s", m.Raw)
		}
		for name := range fields {
			switch name {
			case "type", "data", "id", "ts", "channel", "seq", "cursor":
			default:
				t.Errorf("a field %s: %s", name, m.Raw)
			}
		}
	}
}

func TestStockPings(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	ws, c := stockSocket(t, s, "alice")
	_, other := stockSocket(t, s, "alice")
	for _, text := range []string{`{"type":"ping"}`, ` {"x":[1], "type" : "ping","data":{"type":"pong"}} `} {
		send(t, ws, text)
		if m := c.want(client.Pong); string(m.Raw) != `{"type":"pong"}` {
			t.Errorf("pong = %s", m.Raw)
		}
	}
	// Ignored, without an answer and without closing.
	for _, text := range []string{`{"type":"pong"}`, `{"type":"hello"}`, `null`, `[]`, `x`, ``, `{"type":["ping"]}`} {
		send(t, ws, text)
	}
	if err := ws.Conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}x`)); err != nil {
		t.Fatal(err)
	}
	r := s.Publish("alice", "t", "1")
	c.wantEvent(r)
	other.wantEvent(r) // who did not ask gets no pong
}

func TestStockCloseCodes(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	for body, want := range map[string]string{
		``: "Disconnected by server", `{"reason":"Signed out"}`: "Signed out", `{"reason":""}`: "",
	} {
		_, c := stockSocket(t, s, "alice")
		if a := s.Do(http.MethodDelete, "/api/v1/users/alice/connections", s.APIKey, body); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if got := c.closeFrame(); got.Code != websocket.StatusNormalClosure || got.Reason != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	// With nobody there it is no error.
	if a := s.Do(http.MethodDelete, "/api/v1/users/nobody/connections", s.APIKey, ""); a.Status != http.StatusOK {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for code, reason := range map[int]string{1000: "Client closed", 1001: "away", 4001: "own"} {
		c, in := rawSocket(t, s)
		frame := append([]byte{0x88, byte(0x80 | (2 + len(reason))), 0, 0, 0, 0, byte(code >> 8), byte(code)}, reason...) //nolint:gosec // small
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
		answer := readFrames(t, c, in)
		want := string([]byte{0x88, byte(2 + len(reason)), byte(code >> 8), byte(code)}) + reason //nolint:gosec // small
		if !strings.HasSuffix(answer, want) {
			t.Errorf("close %d: answered %q, want %q", code, answer, want)
		}
	}
}

// A page of an allowed origin may send what the client sends, with credentials.
func TestStockPreflight(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	for _, path := range []string{"/channels/subscribe", "/channels/unsubscribe"} {
		ask := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-app"}
		a := s.Do(http.MethodOptions, path, "", "", append(ask, "Origin", stockOrigin)...)
		headers := strings.ToLower(a.Header.Get("Access-Control-Allow-Headers"))
		if a.Header.Get("Access-Control-Allow-Origin") != stockOrigin || a.Header.Get("Access-Control-Allow-Credentials") != "true" ||
			!strings.Contains(headers, "authorization") || !strings.Contains(headers, "content-type") || !strings.Contains(headers, "x-app") {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
		if a = s.Do(http.MethodOptions, path, "", "", append(ask, "Origin", "https://evil.example")...); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: a foreign page is allowed: %v", path, a.Header)
		}
	}
}
