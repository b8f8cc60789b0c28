package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"hubline/api/auth"
)

const keyOfDemo = "hlk_demo"

// withDemo is a server whose demo has the user "demo" and a key for it.
func withDemo(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, func(s *setup) {
		s.Demo = func() (string, string, error) { return "", "", errors.New("not asked for") }
		s.DemoKey = keyOfDemo
	})
	var keys auth.Keys
	if err := keys.AddForUser("demo", auth.ScopeRead|auth.ScopeAdmin, auth.HashKey(keyOfDemo), "demo"); err != nil {
		t.Fatal(err)
	}
	f.api.keys = append(f.api.keys, &keys)
	return f
}

// The key goes to the server's own page and nowhere else: not to other sites,
// not to names that were made to resolve here, not through a proxy.
func TestTheDemosKeyStaysHere(t *testing.T) {
	f := withDemo(t)
	ask := func(host, origin string, header http.Header) answer {
		r := f.request(http.MethodPost, "/demo/key", "", "")
		if host != "" {
			r.Host = host
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		maps.Copy(r.Header, header)
		return f.do(r)
	}
	a := ask("", f.url, nil)
	var got struct{ Key string }
	if a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &got) != nil || got.Key != keyOfDemo {
		t.Fatalf("its own page: %d %s", a.status, a.body)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	for name, a := range map[string]answer{
		"no browser":                  ask("", "", nil),
		"another site":                ask("", "https://evil.example", nil),
		"a name made to resolve here": ask("evil.example", "http://evil.example", nil),
		"through a proxy":             ask("", f.url, http.Header{"X-Forwarded-For": {"192.0.2.1"}}),
		"cross-site":                  ask("", f.url, http.Header{"Sec-Fetch-Site": {"cross-site"}}),
	} {
		if a.status != http.StatusForbidden || strings.Contains(a.body, keyOfDemo) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		f.wantProblem(a, http.StatusForbidden, "demo-key")
	}
	if strings.Contains(f.logs.String(), keyOfDemo) {
		t.Error("the key is in the log")
	}
}

// A key for one user opens that user's log, and nothing that is about others.
func TestAKeyForOneUserIsForNobodyElse(t *testing.T) {
	f := withDemo(t)
	for call, want := range map[string]int{
		"GET /api/v1/users/demo/events":             http.StatusOK,
		"GET /api/v1/users/%64emo/events":           http.StatusOK,
		"GET /api/v1/users/demo/devices":            http.StatusOK,
		"POST /api/v1/users/demo/replays":           http.StatusOK,
		"POST /api/v1/users/demo/events":            http.StatusForbidden,
		"GET /api/v1/users/alice/events":            http.StatusForbidden,
		"GET /api/v1/users/demo%2Fx/events":         http.StatusForbidden,
		"GET /api/v1/users/Demo/devices":            http.StatusForbidden,
		"POST /api/v1/users/alice/replays":          http.StatusForbidden,
		"POST /api/v1/broadcasts":                   http.StatusForbidden,
		"POST /api/v1/events:batch":                 http.StatusForbidden,
		"GET /api/v1/users/demo/channels":           http.StatusOK,
		"GET /api/v1/users/alice/channels":          http.StatusForbidden,
		"GET /api/v1/channels/news/members":         http.StatusForbidden,
		"GET /api/v1/stats":                         http.StatusForbidden,
		"GET /api/v1/connections":                   http.StatusForbidden,
		"GET /api/v1/connections?user=demo":         http.StatusForbidden,
		"POST /api/v1/tokens:revoke":                http.StatusForbidden,
		"DELETE /api/v1/users/alice/connections":    http.StatusForbidden,
		"PUT /api/v1/channels/news/members/demo":    http.StatusForbidden,
		"DELETE /api/v1/channels/news/members/demo": http.StatusForbidden,
		"POST /api/v1/channels/demo/events":         http.StatusForbidden,
	} {
		method, path, _ := strings.Cut(call, " ")
		body := ""
		if method == http.MethodPost {
			body = `{"since":"0"}`
		}
		if a := f.send(method, path, keyOfDemo, body); a.status != want {
			t.Errorf("%s = %d %s, want %d", call, a.status, a.body, want)
		}
	}
}
