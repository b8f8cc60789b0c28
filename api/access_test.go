package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hubline/api/auth"
)

// TestAuthorization tries every call with every kind of credentials.
func TestAuthorization(t *testing.T) {
	f := newFixture(t)
	other := must(auth.Sign([]byte(strings.Repeat("x", 32)), auth.Claims{User: "anna", Scopes: auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin}))
	expired := f.token(auth.Claims{IssuedAt: time.Now().Add(-2 * time.Hour), Scopes: auth.ScopePublish | auth.ScopeRead})
	scoped := func(s auth.Scope) string { return f.token(auth.Claims{Scopes: s}) }
	credentials := []struct {
		name, value string
		scopes      auth.Scope
		user        bool   // may subscribe
		slug        string // of the 401; empty: the credentials are good
	}{
		{"none", "", 0, false, "no-token"},
		{"key publish", keyPublish, auth.ScopePublish, false, ""},
		{"key read", keyRead, auth.ScopeRead, false, ""},
		{"key admin", keyAdmin, auth.ScopeAdmin, false, ""},
		{"key all", keyAll, auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin, false, ""},
		{"token of a user", scoped(0), 0, true, ""},
		{"token publish", scoped(auth.ScopePublish), auth.ScopePublish, true, ""},
		{"token read", scoped(auth.ScopeRead), auth.ScopeRead, true, ""},
		{"token admin", scoped(auth.ScopeAdmin), auth.ScopeAdmin, true, ""},
		{"unknown key", "hlk_unknown", 0, false, "token-invalid"},
		{"hash of a key", auth.HashKey(keyAll), 0, false, "token-invalid"},
		{"foreign token", other, 0, false, "token-invalid"},
		{"too long a token", "eyJ" + strings.Repeat("x", auth.MaxTokenBytes), 0, false, "token-invalid"},
		{"expired token", expired, 0, false, "token-expired"},
		{"cut token", scoped(auth.ScopePublish)[:60], 0, false, "token-invalid"},
	}
	calls := []struct {
		method, path, body string
		scope              auth.Scope
		status             int
	}{
		{http.MethodPost, "/api/v1/users/anna/events", `{"type":"a"}`, auth.ScopePublish, http.StatusCreated},
		{http.MethodGet, "/api/v1/users/anna/events", "", auth.ScopeRead, http.StatusOK},
		{http.MethodHead, "/api/v1/users/anna/events", "", auth.ScopeRead, http.StatusOK},
		{http.MethodPost, "/api/v1/users/anna/replays", `{"since":0}`, auth.ScopeAdmin, http.StatusOK},
		{http.MethodGet, "/api/v1/users/anna/devices", "", auth.ScopeRead, http.StatusOK},
		{http.MethodHead, "/api/v1/users/anna/devices", "", auth.ScopeRead, http.StatusOK},
		{http.MethodPost, "/api/v1/broadcasts", `{"type":"a"}`, auth.ScopePublish, http.StatusCreated},
		{http.MethodPost, "/api/v1/events:batch", `[{"user":"anna","event":{"type":"a"}}]`, auth.ScopePublish, http.StatusOK},
		{http.MethodGet, "/events?wait=0", "", 0, http.StatusOK},
		{http.MethodPost, "/events/negotiate", "", 0, http.StatusOK},
		{http.MethodPost, "/hubs/events/negotiate", "", 0, http.StatusOK},
		{http.MethodPost, "/notifications/hub/negotiate", "", 0, http.StatusOK},
		{http.MethodPost, "/hub/negotiate", "", 0, http.StatusOK},
	}
	for _, call := range calls {
		for _, cred := range credentials {
			t.Run(call.method+call.path+" "+cred.name, func(t *testing.T) {
				f := *f
				f.TB = t
				a := f.send(call.method, call.path, cred.value, call.body)
				want, slug := call.status, ""
				switch {
				case call.scope == 0 && !cred.user && cred.slug == "": // an API key has no user
					want, slug = http.StatusUnauthorized, "token-invalid"
				case cred.slug != "":
					want, slug = http.StatusUnauthorized, cred.slug
				case call.scope != 0 && !cred.scopes.Has(call.scope):
					want, slug = http.StatusForbidden, "scope"
				}
				switch {
				case slug == "" || call.method == http.MethodHead:
					if a.status != want {
						t.Errorf("status = %d, want %d: %s", a.status, want, a.body)
					}
				case strings.Contains(call.path, "hub"): // refused as SignalR's clients expect
					if a.status != want || a.body != "" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
						t.Errorf("answer = %+v, want an empty %d", a, want)
					}
				default:
					f.wantProblem(a, want, slug)
				}
			})
		}
	}
}

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
