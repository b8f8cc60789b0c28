package api

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hubline/api/auth"
)

func TestUserNamesAreTakenAsTheyAre(t *testing.T) {
	f := newFixture(t).bulk()
	for _, user := range []string{
		"a", "a/b", "/", "a b", "a+b", "é", "日本", "a%2Fb", "a%", "..", ".", "a;b", "a?b", "a#b", "a:b", ":user", "*", "anna@example.org", "negotiate",
		strings.Repeat("u", auth.MaxUserBytes),
	} {
		spellings := []string{url.PathEscape(user), strings.ToLower(url.PathEscape(user)), hexed(user, "%%%02x"), hexed(user, "%%%02X")}
		for i, path := range spellings {
			if i == 1 && strings.ToLower(user) != user {
				continue
			}
			if path == "." || path == ".." {
				continue // no client sends these
			}
			r := f.publishTo(path)
			log := f.log(path, "?since=latest")
			if r.Seq != log.Head {
				t.Errorf("%q as %s: seq %d, head %d", user, path, r.Seq, log.Head)
			}
			// All spellings are one user, whose token says so without any escaping.
			poll := decode[events](t, f.send(http.MethodGet, "/events?wait=0", f.token(auth.Claims{User: user}), "").body)
			if poll.Cursor != r.Cursor {
				t.Errorf("%q as %s: published at %s, the user is at %s", user, path, r.Cursor, poll.Cursor)
			}
		}
	}
	for _, path := range []string{"%00", "a%0Ab", "a%7f", "%C2%85", "%ff", "%ed%a0%80", "%EF%BF%BD", "%E2%80%A8", strings.Repeat("u", auth.MaxUserBytes+1), ""} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			f.wantProblem(f.send(method, "/api/v1/users/"+path+"/events", keyAll, ""), http.StatusBadRequest, "bad-request")
		}
	}
}

func (f *fixture) publishTo(path string) receipt {
	f.Helper()
	return f.publish(path, `{"type":"a"}`)
}

// hexed escapes every byte.
func hexed(s, form string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, form, c)
	}
	return b.String()
}

func TestUnknownPathsAndMethods(t *testing.T) {
	for _, base := range []string{"", "/vault/realtime"} {
		f := newFixture(t, func(s *setup) { s.BasePath, s.page = base, http.NotFoundHandler() })
		for _, path := range []string{
			"/nothing", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/users", "/api/v1/users/anna", "/api/v1/users/anna/events/", "/api/v1/users/a/b/events", "/api/v1/nothing",
			// A colon begins no parameter: these are not the batch.
			"/api/v1/events", "/api/v1/eventsbatch", "/api/v1/events:other", "/api/v1/events:batch/x", "/api/v1/events/batch", "/api/v1/eventsX",
			"/events/", "/events/x", "/eventsX", "/ws/", "/hubs", "/hubs/other", "/hub/negotiate/x", "/problems", "/problems/", "/problems/none", "/problems/a/b", "/metrics/", "//events",
			"/Events", "/API/v1/broadcasts", "/%65vents", "/demo/session", "/demo/key",
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
				a := f.send(method, path, keyAll, "")
				if method != http.MethodGet && strings.HasPrefix(path, "/problems/") && path != "/problems/" {
					f.wantProblem(a, http.StatusMethodNotAllowed, "method-not-allowed")
					continue
				}
				f.wantProblem(a, http.StatusNotFound, "not-found")
			}
		}
		for call, allow := range map[string]string{
			"PUT /api/v1/broadcasts": "OPTIONS, POST", "GET /api/v1/broadcasts": "OPTIONS, POST", "GET /api/v1/events:batch": "OPTIONS, POST",
			"DELETE /api/v1/users/anna/events": "OPTIONS, GET, HEAD, POST", "POST /events": "OPTIONS, GET", "HEAD /events": "", "HEAD /ws": "", "DELETE /ws": "OPTIONS, GET",
			"GET /events/negotiate": "OPTIONS, POST", "POST /healthz": "OPTIONS, GET, HEAD", "PATCH /metrics": "OPTIONS, GET, HEAD", "POST /": "OPTIONS, GET, HEAD",
		} {
			method, path, _ := strings.Cut(call, " ")
			a := f.send(method, path, keyAll, "")
			if method == http.MethodHead {
				if a.status != http.StatusMethodNotAllowed {
					t.Errorf("%s: %d", call, a.status)
				}
				continue
			}
			f.wantProblem(a, http.StatusMethodNotAllowed, "method-not-allowed")
			if got := a.header.Get("Allow"); got != allow {
				t.Errorf("%s: Allow = %q, want %q", call, got, allow)
			}
		}
		for _, path := range []string{"/events", "/api/v1/events:batch", "/healthz", "/hub", "/hub/negotiate"} {
			if a := f.send(http.MethodOptions, path, "", ""); a.status != http.StatusNoContent || a.header.Get("Allow") == "" {
				t.Errorf("OPTIONS %s: %d %v", path, a.status, a.header)
			}
		}
		f.wantProblem(f.send(http.MethodOptions, "/nothing", "", ""), http.StatusNotFound, "not-found")
	}
}

func TestBasePath(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.BasePath = "/vault/realtime"
		s.page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) })
	})
	for path, want := range map[string]string{
		"": "/vault/realtime", "/": "/vault/realtime/", "/console/app.js": "/vault/realtime/console/app.js", "/healthz": "ok\n",
	} {
		if a := f.send(http.MethodGet, path, "", ""); a.status != http.StatusOK || a.body != want {
			t.Errorf("%q: %d %q, want %q", path, a.status, a.body, want)
		}
	}
	if r := f.publish("anna", `{"type":"a"}`); r.Seq != 1 {
		t.Errorf("receipt %+v", r)
	}
	f.url = strings.TrimSuffix(f.url, "/vault/realtime")
	for _, path := range []string{"/healthz", "/", "/api/v1/broadcasts", "/hub", "/vault", "/vault/realtimeX"} {
		if a := f.send(http.MethodGet, path, "", ""); a.status != http.StatusNotFound {
			t.Errorf("%s outside of the base path: %d", path, a.status)
		}
	}
}

// TestOddRequestLines sends what no client library would.
func TestOddRequestLines(t *testing.T) {
	f := newFixture(t)
	for line, want := range map[string]int{
		"GET http://other.example/healthz HTTP/1.1": http.StatusOK, "GET http://other.example HTTP/1.1": http.StatusNotFound,
		"OPTIONS * HTTP/1.1": http.StatusOK, "CONNECT other.example:443 HTTP/1.1": http.StatusNotFound, "GET * HTTP/1.1": http.StatusNotFound,
		"BREW /healthz HTTP/1.1": http.StatusMethodNotAllowed, "BREW /hub HTTP/1.1": http.StatusMethodNotAllowed, "GET /healthz?x=%zz HTTP/1.1": http.StatusOK,
		"GET /%zz HTTP/1.1": http.StatusBadRequest, "GET /hub//negotiate HTTP/1.1": http.StatusNotFound, "POST /HUB/ HTTP/1.1": http.StatusUnauthorized,
	} {
		c, err := net.Dial("tcp", f.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s\r\nHost: x\r\nConnection: close\r\n\r\n", line)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		resp.Body.Close()
		c.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", line, resp.StatusCode, want)
		}
	}
}
