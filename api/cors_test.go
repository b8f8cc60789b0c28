package api

import (
	"net/http"
	"strings"
	"testing"

	"hubline/api/auth"
)

func origins(list ...string) func(*setup) {
	return func(s *setup) { s.Origins = must(auth.ParseOrigins(list)) }
}

func TestPreflight(t *testing.T) {
	f := newFixture(t, origins("https://app.example", "http://localhost:5173"))
	for _, path := range []string{"/events", "/api/v1/broadcasts", "/hubs/events/negotiate", "/hubs/events", "/HUB", "/nothing"} {
		a := f.send(http.MethodOptions, path, "", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,x-requested-with,x-signalr-user-agent,content-type,last-event-id,idempotency-key, x-tenant")
		want := map[string]string{
			"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "600", "Vary": "Origin",
		}
		for name, value := range want {
			if got := a.header.Values(name); a.status != http.StatusNoContent || len(got) != 1 || got[0] != value {
				t.Errorf("%s: %d, %s = %q, want %q", path, a.status, name, got, value)
			}
		}
		for name, values := range map[string]string{
			"Access-Control-Allow-Headers": "authorization x-requested-with x-signalr-user-agent content-type last-event-id idempotency-key cache-control x-tenant",
			"Access-Control-Allow-Methods": "get post delete",
		} {
			for value := range strings.FieldsSeq(values) {
				if !strings.Contains(", "+strings.ToLower(a.header.Get(name))+",", ", "+value+",") {
					t.Errorf("%s: %s lacks %s: %s", path, name, value, a.header.Get(name))
				}
			}
		}
	}
	for _, origin := range []string{"https://evil.example", "http://app.example", "https://app.example:8443", "https://app.example.evil.example", "null", "garbage", "*"} {
		a := f.send(http.MethodOptions, "/events", "", "", "Origin", origin, "Access-Control-Request-Method", "GET")
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s gets %s: %s", origin, name, a.header.Get(name))
			}
		}
		if a.header.Get("Vary") != "Origin" {
			t.Errorf("%s: the answer may be kept for others", origin)
		}
	}
}

// TestAnswersCanBeReadByAllowedPages looks at every kind of answer: of echo, of
// our own, of the carriers that take the socket over, of refusals and errors.
func TestAnswersCanBeReadByAllowedPages(t *testing.T) {
	f := newFixture(t, origins("https://app.example"))
	f.publish("anna", `{"type":"a"}`)
	token := f.token(auth.Claims{})
	for _, call := range []struct {
		method, path, credentials, body string
		status                          int
	}{
		{http.MethodGet, "/healthz", "", "", 200},
		{http.MethodGet, "/nothing", "", "", 404},
		{http.MethodPut, "/events", "", "", 405},
		{http.MethodPost, "/api/v1/broadcasts", "", "", 401},
		{http.MethodPost, "/api/v1/broadcasts", keyRead, "", 403},
		{http.MethodPost, "/api/v1/broadcasts", keyPublish, "x", 400},
		{http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`, 201},
		{http.MethodGet, "/events", "", "", 401},
		{http.MethodGet, "/events?since=x-y", token, "", 400},
		{http.MethodGet, "/events?wait=0&since=0", token, "", 200},
		{http.MethodGet, "/events?wait=0.2", token, "", 200}, // parked
		{http.MethodGet, "/events?since=0", token, "", 200},  // a stream
		{http.MethodGet, "/ws", token, "", 426},
		{http.MethodPost, "/events/negotiate", token, "", 200},
		{http.MethodPost, "/events/negotiate", "", "", 401},
		{http.MethodPost, "/hubs/events/negotiate", token, "", 200},
		{http.MethodPost, "/hubs/events/negotiate", "", "", 401},
		{http.MethodGet, "/hubs/events?id=unknown", token, "", 404},
		{http.MethodGet, "/hubs/events", token, "", 400},
		{http.MethodPut, "/hubs/events", token, "", 405},
	} {
		name := call.method + " " + call.path
		req := f.request(call.method, call.path, call.credentials, call.body, "Origin", "https://app.example")
		resp, err := f.client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close() // a stream does not end by itself
		if resp.StatusCode != call.status {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, call.status)
		}
		for header, want := range map[string]string{
			"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Credentials": "true",
			"Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate", "Vary": "Origin",
		} {
			if got := resp.Header.Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
	}
}

func TestPagesOfOtherOrigins(t *testing.T) {
	f := newFixture(t, origins("https://app.example"))
	token := f.token(auth.Claims{})
	for _, origin := range []string{"https://evil.example", "null", "garbage"} {
		for _, call := range []string{"GET /events?wait=0", "GET /events", "POST /events/negotiate"} {
			method, path, _ := strings.Cut(call, " ")
			a := f.send(method, path, token, "", "Origin", origin)
			f.wantProblem(a, http.StatusForbidden, "origin")
			if a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s may be read", call, origin)
			}
		}
		for _, call := range []string{"POST /hubs/events/negotiate", "GET /hub?id=x", "POST /notifications/hub?id=x", "DELETE /hub?id=x"} {
			method, path, _ := strings.Cut(call, " ")
			if a := f.send(method, path, token, "", "Origin", origin); a.status != http.StatusForbidden || a.body != "" {
				t.Errorf("%s from %s: %d %s", call, origin, a.status, a.body)
			}
		}
	}
	// The server's own pages are not of another origin.
	if a := f.send(http.MethodGet, "/events?wait=0", token, "", "Origin", f.url); a.status != http.StatusOK {
		t.Errorf("own origin: %d %s", a.status, a.body)
	}
}

func TestAllOriginsButWithoutCredentials(t *testing.T) {
	f := newFixture(t, origins("*"))
	token := f.token(auth.Claims{})
	for _, origin := range []string{"https://any.example", "null"} {
		a := f.send(http.MethodGet, "/events?wait=0", token, "", "Origin", origin)
		if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != origin || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", origin, a.status, a.header)
		}
	}
}

func TestWithoutOriginsNothingDependsOnTheOrigin(t *testing.T) {
	f := newFixture(t)
	a := f.send(http.MethodGet, "/healthz", "", "", "Origin", "https://app.example")
	if a.status != http.StatusOK || a.header.Get("Vary") != "" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("answer %+v", a)
	}
	f.wantProblem(f.send(http.MethodGet, "/events", f.token(auth.Claims{}), "", "Origin", "https://app.example"), http.StatusForbidden, "origin")
}
