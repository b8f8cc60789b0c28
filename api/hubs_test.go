package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/broker"
)

const rs = "\x1e"

func TestHubPathsInAnySpelling(t *testing.T) {
	for _, base := range []string{"", "/Vault"} {
		f := newFixture(t, func(s *setup) { s.BasePath = base })
		token := f.token(auth.Claims{})
		for _, path := range []string{
			"/hubs/events", "/HUBS/EVENTS", "/Hubs/Events", "/hubs/events/", "/hubs/%65vents",
			"/notifications/hub", "/Notifications/Hub", "/notifications/hub/", "/hub", "/HUB", "/hub/",
		} {
			negotiate := strings.TrimSuffix(path, "/") + "/Negotiate"
			a := f.send(http.MethodPost, negotiate+"?NegotiateVersion=1", token, "")
			if a.status != http.StatusOK {
				t.Errorf("%s: %d", negotiate, a.status)
				continue
			}
			id := decode[offer](t, a.body).ConnectionToken
			if a := f.send(http.MethodGet, path+"?Id="+id, token, ""); a.status != http.StatusOK || a.body != "" {
				t.Errorf("%s: %d %q", path, a.status, a.body)
			}
			if a := f.send(http.MethodDelete, path+"?id="+id, token, ""); a.status != http.StatusAccepted {
				t.Errorf("DELETE %s: %d", path, a.status)
			}
			c, _, err := f.dialSocket(path, token)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			_ = c.CloseNow()
		}
		// Only hubs are found in any case, and the value of id is exact.
		f.wantProblem(f.send(http.MethodGet, "/Events", token, ""), http.StatusNotFound, "not-found")
		if a := f.send(http.MethodGet, "/hub?id="+strings.Repeat("a", 22), token, ""); a.status != http.StatusNotFound || a.body != "No Connection with that ID" {
			t.Errorf("unknown id: %+v", a)
		}
	}
}

func TestHubNegotiation(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	for path, cache := range map[string]string{"/hubs/events": "", "/notifications/hub": "no-store", "/hub": "no-store"} {
		for _, query := range []string{"?negotiateVersion=1", "?negotiateVersion=1&access_token=" + token} {
			credentials := token
			if strings.Contains(query, "access_token") {
				credentials = ""
			}
			a := f.send(http.MethodPost, path+"/negotiate"+query, credentials, "")
			o := decode[offer](t, a.body)
			if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != cache || o.NegotiateVersion != 1 || len(o.AvailableTransports) != 3 || o.Cursor != "" {
				t.Errorf("%s: %+v", path, a)
			}
			if ws := o.AvailableTransports[0]; ws.Transport != "WebSockets" || strings.Join(ws.TransferFormats, " ") != "Text Binary" || ws.URL != "" {
				t.Errorf("%s: %+v", path, ws)
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := f.send(method, path+"/negotiate", token, "")
			if a.status != http.StatusMethodNotAllowed || a.body != "" || a.header.Get("Allow") != "POST" || a.header.Get("Content-Type") != "text/plain" {
				t.Errorf("%s negotiate: %+v", method, a)
			}
		}
	}
	if a := f.send(http.MethodPut, "/hub", token, ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, POST, DELETE" {
		t.Errorf("PUT: %+v", a)
	}
}

// hubPoll makes a long-polling connection with a finished handshake.
func (f *fixture) hubPoll(path, token string) (id string) {
	f.Helper()
	id = url.QueryEscape(decode[offer](f, f.send(http.MethodPost, path+"/negotiate?negotiateVersion=1", token, "").body).ConnectionToken)
	for _, step := range []struct{ method, body, want string }{
		{http.MethodGet, "", ""}, {http.MethodPost, `{"protocol":"json","version":1}` + rs, ""}, {http.MethodGet, "", "{}" + rs},
	} {
		if a := f.send(step.method, path+"?id="+id, token, step.body, "Content-Type", "text/plain"); a.status != http.StatusOK || a.body != step.want {
			f.Fatalf("%s: %+v", step.method, a)
		}
	}
	f.Cleanup(func() {
		req := f.request(http.MethodDelete, path+"?id="+id, token, "")
		if resp, err := f.client.Do(req.WithContext(context.WithoutCancel(req.Context()))); err == nil {
			resp.Body.Close()
		}
	})
	return id
}

func TestHubLongPolling(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	for path, want := range map[string]string{
		"/hubs/events":       `"target":"a","arguments":[{ "n":1 }]`,
		"/notifications/hub": `"target":"ReceiveMessage"`,
	} {
		id := f.hubPoll(path, token)
		kind := `"a"`
		if path != "/hubs/events" {
			kind = "5"
		}
		f.publish("anna", `{"type":`+kind+`,"data":{ "n":1 }}`)
		if a := f.send(http.MethodGet, path+"?id="+id, token, ""); a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %+v", path, a)
		}
		// Every request is authenticated, and for the connection's user.
		if a := f.send(http.MethodPost, path+"?id="+id, "", "x", "Content-Type", "text/plain"); a.status != http.StatusUnauthorized || a.body != "" {
			t.Errorf("%s without a token: %+v", path, a)
		}
		if a := f.send(http.MethodGet, path+"?id="+id, f.token(auth.Claims{User: "berta"}), ""); a.status != http.StatusForbidden {
			t.Errorf("%s as somebody else: %+v", path, a)
		}
		if a := f.send(http.MethodDelete, path+"?id="+id, token, ""); a.status != http.StatusAccepted {
			t.Errorf("%s: DELETE %+v", path, a)
		}
	}
	if got := f.metric(`hubline_hub_handshakes_total{hub="events"}`); got != "1" {
		t.Errorf("handshakes = %s", got)
	}
	if got := f.metric(`hubline_hub_handshakes_total{hub="bitwarden"}`); got != "1" {
		t.Errorf("handshakes = %s", got)
	}
}

// TestAGetWithABody: what follows the headers must not be taken for the next
// request, once the socket has left the HTTP server and come back.
func TestAGetWithABody(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	id := f.hubPoll("/hubs/events", token)
	for _, path := range []string{"/events?wait=0", "/events", "/ws", "/hubs/events?id=" + id} {
		for _, length := range []int64{0, -1} {
			req := f.request(http.MethodGet, path, token, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			if length < 0 {
				req.ContentLength = length
			}
			if path == "/ws" {
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "websocket")
			}
			f.wantProblem(f.do(req), http.StatusBadRequest, "bad-request")
		}
	}
}

func TestHubRefusesOverTheBounds(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.broker = broker.Config{MaxConnectionsPerUser: 1} })
	token := f.token(auth.Claims{})
	f.hubPoll("/hubs/events", token)
	_, resp, err := f.dialSocket("/hubs/events", token)
	if err == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a second connection: %v %+v", err, resp)
	}
	f.wantProblem(f.send(http.MethodGet, "/events", token, ""), http.StatusTooManyRequests, "too-many-connections")
	f.wantProblem(f.send(http.MethodGet, "/events?wait=0", token, ""), http.StatusTooManyRequests, "too-many-connections")
	if got := f.metric("hubline_connections_rejected_total"); got != "3" {
		t.Errorf("rejected = %s", got)
	}
}

func TestAFullServer(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.broker = broker.Config{MaxConnections: 1} })
	f.socket("/ws", f.token(auth.Claims{}))
	token := f.token(auth.Claims{User: "berta"})
	for _, path := range []string{"/events", "/events?wait=0"} {
		f.wantProblem(f.send(http.MethodGet, path, token, ""), http.StatusServiceUnavailable, "full")
	}
	for _, path := range []string{"/ws", "/hubs/events", "/notifications/hub"} {
		_, resp, err := f.dialSocket(path, token)
		if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %+v", path, err, resp)
		}
	}
	if got := f.metric(`hubline_api_problems_total{type="full"}`); got != "5" {
		t.Errorf("counted %s", got)
	}
}

// TestPerIPCountSurvivesRaces: a client that ends a connection while it opens it
// must not leave its address counted. The fixture checks that.
func TestPerIPCountSurvivesRaces(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.MaxPerIP = 1000 })
	token := f.token(auth.Claims{})
	for range 20 {
		id := decode[offer](t, f.send(http.MethodPost, "/hubs/events/negotiate?negotiateVersion=1", token, "").body).ConnectionToken
		var wg sync.WaitGroup
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodDelete} {
			wg.Go(func() { f.send(method, "/hubs/events?id="+id, token, "") })
		}
		wg.Wait()
		f.send(http.MethodDelete, "/hubs/events?id="+id, token, "")
	}
}

func TestHubSocketSaysHello(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/hubs/events", f.token(auth.Claims{}))
	if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"protocol":"json","version":1}`+rs)); err != nil {
		t.Fatal(err)
	}
	if got := message(t, c); got != "{}"+rs {
		t.Errorf("handshake = %q", got)
	}
}
