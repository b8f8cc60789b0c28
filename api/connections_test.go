package api

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
)

// list reads a page of connections.
func (f *fixture) list(query, key string) connectionsAnswer {
	f.Helper()
	a := f.send(http.MethodGet, "/api/v1/connections"+query, key, "")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("connections%s: %d %s", query, a.status, a.body)
	}
	return decode[connectionsAnswer](f, a.body)
}

// said describes connections, sorted.
func (c connectionsAnswer) said() (all []string) {
	for _, c := range c.Connections {
		protocol := "unknown"
		if c.Protocol != nil {
			protocol = *c.Protocol
		}
		all = append(all, fmt.Sprintf("%s/%s %s %s %s", c.User, deref(c.Device), c.Transport, c.Dialect, protocol))
	}
	slices.Sort(all)
	return all
}

func TestConnectionsAreListed(t *testing.T) {
	f := newFixture(t)
	anna, berta := f.token(auth.Claims{Device: "phone"}), f.token(auth.Claims{User: "berta"})
	if got := f.list("", keyRead); len(got.Connections) != 0 || got.Connections == nil || got.Cursor != nil {
		t.Errorf("nobody is there, and %+v", got)
	}
	f.socket("/ws", anna)
	f.socket("/hubs/events", anna)
	c := f.socket("/notifications/hub", berta)
	say(t, c, `{"protocol":"messagepack","version":1}`)
	hear(t, c, "{}")
	resp, err := f.client.Do(f.request(http.MethodGet, "/events", berta, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	f.hubPoll("/hubs/events", anna)
	for query, want := range map[string][]string{
		"": {
			"anna/phone poll signalr json", "anna/phone ws native json", "anna/phone ws signalr unknown",
			"berta/ sse native json", "berta/ ws bitwarden messagepack",
		},
		"?user=anna":                {"anna/phone poll signalr json", "anna/phone ws native json", "anna/phone ws signalr unknown"},
		"?transport=sse":            {"berta/ sse native json"},
		"?user=anna&transport=poll": {"anna/phone poll signalr json"},
		"?device=phone&transport=ws": {
			"anna/phone ws native json", "anna/phone ws signalr unknown",
		},
		"?user=berta&device=phone": nil,
		"?user=nobody":             nil,
	} {
		if diff := cmp.Diff(want, f.list(query, keyRead).said()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"?user=", "?user=%00", "?device=", "?transport=websocket", "?limit=0", "?limit=x", "?cursor=" + url.QueryEscape(fmt.Sprintf("%023d", 1)), "?%zz"} {
		f.wantProblem(f.send(http.MethodGet, "/api/v1/connections"+query, keyRead, ""), http.StatusBadRequest, "bad-request")
	}
	// The address is personal: it takes more than the scope read.
	both := f.token(auth.Claims{User: "ops", Scopes: auth.ScopeRead | auth.ScopeAdmin})
	for credentials, want := range map[string]bool{keyRead: false, both: true} {
		for _, c := range f.list("", credentials).Connections {
			if shown := c.Address != nil; shown != want || shown && *c.Address != "127.0.0.1" || c.Since == 0 {
				t.Errorf("%+v", c)
			}
		}
	}
}

// Pages of any size list every connection that stays exactly once, in order, whoever
// comes and goes meanwhile.
func TestPagesListEachConnectionOnce(t *testing.T) {
	f := newFixture(t)
	stay := map[string]int{}
	for i := range 40 {
		f.socket("/ws", f.token(auth.Claims{User: fmt.Sprint("stays", i%7)}))
	}
	for _, c := range f.list("?limit=1000", keyRead).Connections {
		stay[c.ConnectionID] = 0
	}
	if len(stay) != 40 {
		t.Fatalf("%d connections", len(stay))
	}
	for _, limit := range []int{1, 3, 39, 40, 41, 1 + rand.IntN(60)} { //nolint:gosec // a test
		seen := maps.Clone(stay)
		cursor, last := "", ""
		for pages := 0; ; pages++ {
			guest := f.socket("/ws", f.token(auth.Claims{User: "guest"}))
			got := f.list(fmt.Sprintf("?limit=%d&cursor=%s", limit, url.QueryEscape(cursor)), keyRead)
			_ = guest.CloseNow()
			if len(got.Connections) > limit || pages > 120 {
				t.Fatalf("limit %d: %d connections on page %d", limit, len(got.Connections), pages)
			}
			for _, c := range got.Connections {
				if c.ConnectionID <= last {
					t.Errorf("%s comes after %s", c.ConnectionID, last)
				}
				last = c.ConnectionID
				seen[last]++
			}
			if got.Cursor == nil {
				break
			}
			if cursor = *got.Cursor; cursor != last {
				t.Errorf("cursor %s, the last was %s", cursor, last)
			}
		}
		for id := range stay {
			if seen[id] != 1 {
				t.Errorf("limit %d: %s is listed %d times", limit, id, seen[id])
			}
		}
	}
}

func TestPresence(t *testing.T) {
	f := newFixture(t)
	want := func(online bool, connections int, devices ...string) {
		t.Helper()
		a := f.send(http.MethodGet, "/api/v1/users/anna/presence", keyRead, "")
		if diff := cmp.Diff(presenceAnswer{online, connections, append([]string{}, devices...)}, decode[presenceAnswer](t, a.body)); a.status != http.StatusOK || diff != "" {
			t.Errorf("%d (-want +got):\n%s", a.status, diff)
		}
	}
	want(false, 0)
	f.socket("/ws", f.token(auth.Claims{}))
	want(true, 1)
	f.socket("/ws", f.token(auth.Claims{Device: "tv"}))
	f.socket("/hubs/events", f.token(auth.Claims{Device: "phone"}))
	f.socket("/ws", f.token(auth.Claims{Device: "tv"}))
	f.socket("/ws", f.token(auth.Claims{User: "berta", Device: "watch"}))
	want(true, 4, "phone", "tv")
	f.wantProblem(f.send(http.MethodGet, "/api/v1/users/%00/presence", keyRead, ""), http.StatusBadRequest, "bad-request")
}
