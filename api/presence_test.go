package api

import (
	"fmt"
	"net/http"
	"testing"

	"hubline/api/auth"
	"hubline/broker"
)

// members asks for a list as a client.
func (f *fixture) members(token, path string) answer {
	f.Helper()
	return f.send(http.MethodGet, "/channels/"+path, token, "")
}

func TestOnlyMembersSeeWhoIsThere(t *testing.T) {
	f := newFixture(t)
	anna := f.token(auth.Claims{Channels: []string{"presence-*"}})
	berta, cecil := f.token(auth.Claims{User: "berta", Channels: []string{"presence-*"}}), f.token(auth.Claims{User: "cecil"})
	f.subscribeTo(anna, "presence-x")
	f.subscribeTo(berta, "presence-x")
	f.subscribeTo(anna, "news")
	f.socket("/events", anna)
	for _, tt := range []struct {
		token, path string
		status      int
		want        string
	}{
		{anna, "presence-x/members", 200, `{"channel":"presence-x","total":2,"members":[{"user":"anna","online":true},{"user":"berta","online":false}],"next":null}`},
		{berta, "presence-x/members?limit=1", 200, `{"channel":"presence-x","total":2,"members":[{"user":"anna","online":true}],"next":"anna"}`},
		{berta, "presence-x/members?limit=1&after=anna", 200, `{"channel":"presence-x","total":2,"members":[{"user":"berta","online":false}],"next":null}`},
		{anna, "news/members", 200, `{"channel":"news","total":1,"members":[{"user":"anna","online":true}],"next":null}`},
		{berta, "news/members", 403, `{"error":"Only members may look"}`},
		{cecil, "presence-x/members", 403, `{"error":"Only members may look"}`},
		{cecil, "none/members", 403, `{"error":"Only members may look"}`},
		{"", "presence-x/members", 401, `{"error":"Unauthorized"}`},
		{keyAll, "presence-x/members", 401, `{"error":"Unauthorized"}`},
		{anna, "a%20b/members", 400, `{"error":"Missing or invalid channel name"}`},
		{anna, "presence-x/members?limit=0", 400, `{"error":"The request is not valid"}`},
	} {
		if a := f.members(tt.token, tt.path); a.status != tt.status || a.body != tt.want || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %v", tt.path, a.status, a.body, a.header)
		}
	}
}

func TestPresenceChannelsHaveABoundOfTheirOwn(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.broker = broker.Config{MaxPresenceMembers: 1} })
	for i, want := range []int{200, 403} {
		token := f.token(auth.Claims{User: fmt.Sprint("user", i), Channels: []string{"*"}})
		f.subscribeTo(token, "news")
		if a := f.change("subscribe", token, `{"channel":"presence-x"}`); a.status != want {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	f.wantProblem(f.send(http.MethodPut, "/api/v1/channels/presence-x/members/berta", keyAdmin, ""), http.StatusForbidden, "too-many-present")
}
