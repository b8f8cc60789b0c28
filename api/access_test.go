package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hubline/api/auth"
)

func TestChallenge(t *testing.T) {
	f := newFixture(t)
	for credentials, want := range map[string]string{"": "Bearer", "eyJx": `Bearer error="invalid_token"`} {
		if got := f.send(http.MethodPost, "/api/v1/broadcasts", credentials, `{}`).header.Get("WWW-Authenticate"); got != want {
			t.Errorf("with %q: WWW-Authenticate = %q, want %q", credentials, got, want)
		}
	}
}

func TestBackendSecretsInTheQueryAreRefused(t *testing.T) {
	f := newFixture(t)
	for _, query := range []string{"access_token=" + keyAll, "Access_Token=" + keyAll, "api_key=x", "apikey=x", "x=1&token=x", "access%5Ftoken=x"} {
		a := f.send(http.MethodPost, "/api/v1/users/anna/events?"+query, keyPublish, `{"type":"a"}`)
		f.wantProblem(a, http.StatusBadRequest, "bad-request")
		if strings.Contains(a.body, keyAll) {
			t.Error("the answer repeats the secret")
		}
		f.wantProblem(f.send(http.MethodGet, "/api/v1/users/anna/events?"+query, "", ""), http.StatusBadRequest, "bad-request")
	}
	if a := f.send(http.MethodPost, "/api/v1/users/anna/events?trace=7", keyPublish, `{"type":"a"}`); a.status != http.StatusCreated {
		t.Errorf("a harmless query: %d %s", a.status, a.body)
	}
}

func TestTokensAreNotLookedUpAmongTheKeys(t *testing.T) {
	// A key that begins like a token would be found if it were looked for.
	var keys auth.Keys
	if err := keys.Add("odd", auth.ScopePublish, auth.HashKey("eyJodd")); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.api.keys = append(f.api.keys, &keys)
	f.wantProblem(f.send(http.MethodPost, "/api/v1/broadcasts", "eyJodd", `{"type":"a"}`), http.StatusUnauthorized, "token-invalid")
}

func TestWithoutTheKeySetNobodyIsTurnedAwayForGood(t *testing.T) {
	jwks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer jwks.Close()
	f := newFixture(t, func(s *setup) { s.auth = auth.Config{JWKSURL: jwks.URL} })
	rs256 := "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm5hIiwiZXhwIjo5OTk5OTk5OTk5fQ.AAAA"
	for _, call := range []string{"POST /api/v1/broadcasts", "POST /events/negotiate", "GET /events", "GET /readyz"} {
		method, path, _ := strings.Cut(call, " ")
		f.wantProblem(f.send(method, path, rs256, ""), http.StatusServiceUnavailable, "keys-unavailable")
	}
	a := f.send(http.MethodPost, "/hubs/events/negotiate", rs256, "")
	if a.status != http.StatusServiceUnavailable || a.body != "" || a.header.Get("Retry-After") == "" {
		t.Errorf("hub: %+v", a)
	}
	if busy, unavailable := f.metric(`hubline_api_problems_total{type="too-many-negotiated"}`), f.metric(`hubline_api_problems_total{type="keys-unavailable"}`); busy != "0" || unavailable != "5" {
		t.Errorf("counted: %s too many, %s without keys", busy, unavailable)
	}
	if a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`); a.status != http.StatusCreated {
		t.Errorf("an API key: %d", a.status)
	}
	if a := f.send(http.MethodGet, "/healthz", "", ""); a.status != http.StatusOK {
		t.Errorf("healthz: %d", a.status)
	}
}

func TestReadiness(t *testing.T) {
	f := newFixture(t)
	if a := f.send(http.MethodGet, "/readyz", "", ""); a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("readyz: %+v", a)
	}
	f.api.Drain()
	f.wantProblem(f.send(http.MethodGet, "/readyz", "", ""), http.StatusServiceUnavailable, "stopping")
	f.wantProblem(f.send(http.MethodPost, "/events/negotiate", f.token(auth.Claims{}), ""), http.StatusServiceUnavailable, "stopping")
	f.broker.Drain()
	f.wantProblem(f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`), http.StatusServiceUnavailable, "stopping")
	f.wantProblem(f.send(http.MethodGet, "/events", f.token(auth.Claims{}), ""), http.StatusServiceUnavailable, "stopping")
	if a := f.send(http.MethodGet, "/healthz", "", ""); a.status != http.StatusOK {
		t.Errorf("healthz: %d", a.status)
	}
}

// TestProblemsOfAuth keeps the mapping complete: every error of package auth has
// an answer of its own, and none is a failure of the server.
func TestProblemsOfAuth(t *testing.T) {
	for _, err := range []error{
		auth.ErrNoToken, auth.ErrInvalid, auth.ErrExpired, auth.ErrNotYet, auth.ErrIssuer, auth.ErrAudience,
		auth.ErrAlgorithm, auth.ErrUnknownKey, auth.ErrNoSubject, auth.ErrKeysUnavailable,
	} {
		if p := asProblem(err); p.slug == slugInternal {
			t.Errorf("%v becomes %+v", err, p)
		}
	}
	if p := asProblem(context.Canceled); p.slug != slugInternal {
		t.Errorf("an unknown error becomes %+v", p)
	}
}
