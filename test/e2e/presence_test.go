package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// put makes the user a member, or ends that.
func put(s *harness.Server, method, user string) {
	s.Do(method, "/api/v1/channels/presence-x/members/"+user, s.APIKey, "")
}

// observers are alice's connections that are to be told of others: one of each kind that
// can be told.
func observers(t *testing.T, s *harness.Server) map[string]*conn {
	t.Helper()
	all := map[string]*conn{}
	for _, transport := range []string{"ws", "sse"} {
		all[transport] = connect(t, s, transport, client.Options{Token: s.Token("alice"), Query: query("control", "1")})
		all[transport].wantReady()
	}
	hub, err := client.DialHubWS(t.Context(), client.Options{URL: s.URL, Token: s.Token("alice"), Path: "/hubs/events"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	all["hub"] = &conn{Stream: hub, t: t, transport: "hub"}
	all["hub"].wantReady()
	return all
}

func wantMember(t *testing.T, all map[string]*conn, kind client.Kind, user string) {
	t.Helper()
	for name, c := range all {
		m := c.want(kind)
		channel, data := "presence-x", fmt.Sprintf(`{"user":%q}`, user)
		if name == "hub" {
			channel, data = "", fmt.Sprintf(`{"channel":"presence-x","user":%q}`, user)
		}
		if m.Channel != channel || string(m.Data) != data || m.SSEID != "" || m.Cursor.Seq != 0 {
			t.Errorf("%s: %s", name, m.Raw)
		}
	}
}

// Members hear of others who come and go over every transport, and clients who have
// switched control messages off do not.
func TestMembersHearOfOneAnother(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--presence-grace", "100ms")
	put(s, http.MethodPut, "alice")
	put(s, http.MethodPut, "bob")
	all := observers(t, s)
	stock := connect(t, s, "ws", client.Options{Token: s.Token("alice")})
	for _, transport := range transports {
		bob := connect(t, s, transport, client.Options{Token: s.Token("bob"), Query: pollOnly(transport, "wait", "1")})
		if transport == "poll" { // it is there as long as it waits
			_, _ = bob.Next(t.Context())
		}
		wantMember(t, all, client.Joined, "bob")
		bob.Close()
		wantMember(t, all, client.Left, "bob")
	}
	r := s.Publish("alice", "t", "1")
	stock.wantEvent(r)
	all["ws"].wantEvent(r)
}

// Nobody hears of a reconnect, nor of an old connection that ends late; what is told
// after that is the next thing that is so.
func TestReconnectsAreHidden(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--presence-grace", "1h")
	put(s, http.MethodPut, "alice")
	put(s, http.MethodPut, "bob")
	all := observers(t, s)
	bob := func() *conn {
		c := connect(t, s, "ws", client.Options{Token: s.Token("bob"), Query: query("control", "1")})
		c.wantReady()
		return c
	}
	old := bob()
	wantMember(t, all, client.Joined, "bob")
	old.Close()
	old = bob()
	late := bob()
	old.Abort()
	list := s.Do(http.MethodGet, "/channels/presence-x/members", s.Token("alice"), "")
	if want := `{"channel":"presence-x","total":2,"members":[{"user":"alice","online":true},{"user":"bob","online":true}],"next":null}`; string(list.Body) != want {
		t.Errorf("members: %s", list.Body)
	}
	put(s, http.MethodDelete, "bob")
	wantMember(t, all, client.Left, "bob")
	late.want(client.Left) // of its own
	if a := s.Do(http.MethodGet, "/channels/presence-x/members", s.Token("bob"), ""); a.Status != http.StatusForbidden {
		t.Errorf("no member any more: %d %s", a.Status, a.Body)
	}
}

// The answer to a subscribe has a list, and everybody begins anew after a restart.
func TestPresenceAfterARestart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("bob", harness.Claims{"channels": []string{"presence-*"}})
	put(s, http.MethodPut, "alice")
	all := observers(t, s)
	for range 2 {
		bob, err := client.DialWS(t.Context(), client.Options{URL: s.URL, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bob.Close)
		if err := bob.Send(t.Context(), `{"type":"subscribe","channel":"presence-x","ref":"1"}`); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Data struct {
				OK      bool
				Members []string
				Total   int
			}
		}
		c := &conn{Stream: bob, t: t, transport: "ws"}
		reply := harness.Answer{Body: c.want(client.Reply).Raw}
		reply.JSON(t, &answer)
		if d := answer.Data; !d.OK || fmt.Sprint(d.Members) != "[alice bob]" || d.Total != 2 {
			t.Errorf("answer %s", reply.Body)
		}
		wantMember(t, all, client.Joined, "bob")
		s.Kill()
		s.Restart()
		all = observers(t, s)
	}
}
