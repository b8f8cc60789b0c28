package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// An administrator sees who is connected and under which limits, ends a user's
// connections on every transport, and keeps the user out.
func TestAnAdministratorSeesAndDisconnects(t *testing.T) {
	s := harness.Start(t, "--log-events", "77", "--ticket-ttl", "20s")
	token := s.Token("alice", harness.Claims{"device": "phone"})
	ws := connect(t, s, "ws", client.Options{Token: token, Query: query("control", "1")})
	sse := connect(t, s, "sse", client.Options{Token: token})
	ws.wantReady()
	sse.wantReady()
	s.Publish("alice", "greeting", `1`)
	ws.want(client.Event)
	sse.want(client.Event)

	read := func(path string, v any) {
		t.Helper()
		a := s.Do(http.MethodGet, "/api/v1"+path, s.APIKey, "")
		if a.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.Status, a.Body)
		}
		a.JSON(t, v)
	}
	var stats struct {
		Connections struct{ ByTransport, ByDialect map[string]int }
		Events      struct{ Published, Delivered int }
		Log         struct{ Disk struct{ Bytes int } }
		Limits      map[string]any
	}
	read("/stats", &stats)
	if stats.Connections.ByTransport["ws"] != 1 || stats.Connections.ByTransport["sse"] != 1 || stats.Connections.ByDialect["native"] != 2 ||
		stats.Events.Published != 1 || stats.Events.Delivered != 2 || stats.Log.Disk.Bytes == 0 || stats.Limits["log-events"] != 77.0 || stats.Limits["ticket-ttl"] != 20.0 {
		t.Errorf("stats %+v", stats)
	}
	var list struct {
		Connections []struct{ User, Device, Transport, Address string }
	}
	read("/connections?user=alice", &list)
	if len(list.Connections) != 2 || list.Connections[0].Device != "phone" || !strings.HasPrefix(list.Connections[0].Address, "127.") {
		t.Errorf("connections %+v", list)
	}
	var presence struct {
		Online      bool
		Connections int
		Devices     []string
	}
	read("/users/alice/presence", &presence)
	if !presence.Online || presence.Connections != 2 || len(presence.Devices) != 1 {
		t.Errorf("presence %+v", presence)
	}

	a := s.Do(http.MethodDelete, "/api/v1/users/alice/connections?device=phone", s.APIKey, `{"reason":"moved","refuseSeconds":3600}`)
	if a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"disconnected":2`) {
		t.Fatalf("disconnect: %d %s", a.Status, a.Body)
	}
	for _, c := range []*conn{ws, sse} {
		if m := c.want(client.Closing); !strings.Contains(string(m.Raw), `"reason":"disconnected"`) || !strings.Contains(string(m.Raw), `"moved"`) {
			t.Errorf("%s: %s", c.transport, m.Raw)
		}
	}
	if code := ws.wantEnd(); code != websocket.StatusNormalClosure {
		t.Errorf("close code %d", code)
	}
	sse.wantEnd()
	eachTransport(t, func(t *testing.T, transport string) {
		r := refusal(t, s, transport, client.Options{Token: token})
		wantProblem(t, r.Status, r.Header, r.Body, http.StatusForbidden, "/problems/kept-out")
	})
	connect(t, s, "ws", client.Options{Token: s.Token("alice"), Query: query("control", "1")}).wantReady()
}
