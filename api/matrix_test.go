package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hubline/api/auth"
)

// access is who may make a call.
type access int

const (
	anybody access = iota
	backend        // an API key, or a token, with the scope
	client         // a token with a user
	hub            // a token with a user; refused as SignalR's clients expect
	owner          // hub, for a connection that is anna's
	joiner         // a token with a user; refused as durable-notifier's clients expect
	member         // joiner, for a channel that anna is a member of
)

// matrixCall is a row of the matrix.
type matrixCall struct {
	access access
	scope  auth.Scope
	status int    // for those who may
	path   string // if not the route's with anna for the user
	body   string
	socket bool // by a WebSocket
}

// matrix has a row for every route: one without is an error.
var matrix = map[string]matrixCall{
	"POST /api/v1/tokens:revoke":              {access: backend, scope: auth.ScopeAdmin, status: 200, body: `{"user":"nobody"}`},
	"POST /events/renew":                      {access: client, status: 404, body: `{"connectionId":"x"}`},
	"POST /api/v1/users/{user}/events":        {access: backend, scope: auth.ScopePublish, status: 201, body: `{"type":"a"}`},
	"GET /api/v1/users/{user}/events":         {access: backend, scope: auth.ScopeRead, status: 200},
	"POST /api/v1/users/{user}/replays":       {access: backend, scope: auth.ScopeAdmin, status: 200, body: `{"since":0}`},
	"GET /api/v1/users/{user}/devices":        {access: backend, scope: auth.ScopeRead, status: 200},
	"GET /api/v1/users/{user}/presence":       {access: backend, scope: auth.ScopeRead, status: 200},
	"DELETE /api/v1/users/{user}/connections": {access: backend, scope: auth.ScopeAdmin, status: 200, path: "/api/v1/users/nobody/connections"},
	"GET /api/v1/connections":                 {access: backend, scope: auth.ScopeRead, status: 200},
	"GET /api/v1/stats":                       {access: backend, scope: auth.ScopeRead, status: 200},
	"POST /api/v1/channels/{channel}/events":  {access: backend, scope: auth.ScopePublish, status: 201, body: `{"type":"a"}`},
	"GET /api/v1/channels/{channel}/members":  {access: backend, scope: auth.ScopeRead, status: 200},
	"GET /api/v1/users/{user}/channels":       {access: backend, scope: auth.ScopeRead, status: 200},

	"PUT /api/v1/channels/{channel}/members/{user}":    {access: backend, scope: auth.ScopeAdmin, status: 200},
	"DELETE /api/v1/channels/{channel}/members/{user}": {access: backend, scope: auth.ScopeAdmin, status: 200},

	"POST /api/v1/broadcasts":   {access: backend, scope: auth.ScopePublish, status: 201, body: `{"type":"a"}`},
	"POST /api/v1/events:batch": {access: backend, scope: auth.ScopePublish, status: 200, body: `[{"user":"anna","event":{"type":"a"}}]`},

	"POST /internal/notify": {access: backend, scope: auth.ScopePublish, status: 204, body: `{"userId":"anna"}`},
	"GET /internal/online":  {access: backend, scope: auth.ScopeRead, status: 200, path: "/internal/online?userId=anna"},

	"GET /events":            {access: client, status: 200, path: "/events?wait=0"},
	"GET /ws":                {access: client, status: 101, socket: true},
	"POST /events/negotiate": {access: client, status: 200},

	"POST /channels/subscribe":   {access: joiner, status: 200, body: `{"channel":"news"}`},
	"POST /channels/unsubscribe": {access: joiner, status: 200, body: `{"channel":"news"}`},

	"GET /channels/{channel}/members": {access: member, status: 200, path: "/channels/of-anna/members"},

	"GET /hubs/events":                  {access: owner, status: 200},
	"POST /hubs/events":                 {access: owner, status: 200, body: `{"type":6}` + rs},
	"DELETE /hubs/events":               {access: owner, status: 202},
	"POST /hubs/events/negotiate":       {access: hub, status: 200},
	"GET /notifications/hub":            {access: hub, status: 101, socket: true},
	"POST /notifications/hub":           {access: owner, status: 200, body: `{"type":6}` + rs},
	"DELETE /notifications/hub":         {access: owner, status: 202},
	"POST /notifications/hub/negotiate": {access: hub, status: 200},
	"GET /hub":                          {access: hub, status: 101, socket: true},
	"POST /hub":                         {access: owner, status: 200, body: `{"type":6}` + rs},
	"DELETE /hub":                       {access: owner, status: 202},
	"POST /hub/negotiate":               {access: hub, status: 200},

	"GET /healthz":          {status: 200},
	"GET /readyz":           {status: 200},
	"GET /alive":            {status: 200},
	"GET /metrics":          {status: 200},
	"GET /api/openapi.yaml": {status: 200},
	"GET /problems/{slug}":  {status: 200, path: "/problems/cursor"},
	"GET /demo/session":     {status: 200},
}

// credential is a column of the matrix.
type credential struct {
	name, value string
	query       bool // sent as access_token
	scopes      auth.Scope
	user        string // whose events these credentials may receive; empty: nobody's
	slug        string // of the 401; empty: the credentials are good
}

func (f *fixture) credentials(audience string) []credential {
	const all = auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin
	sign := func(c auth.Claims) string {
		if c.Audience == "" {
			c.Audience = audience
		}
		return f.token(c)
	}
	scoped := func(s auth.Scope) string { return sign(auth.Claims{Scopes: s}) }
	expired := sign(auth.Claims{IssuedAt: time.Now().Add(-2 * time.Hour), Scopes: all})
	foreignKey := must(auth.Sign([]byte(strings.Repeat("x", 32)), auth.Claims{User: "anna", Scopes: all, Audience: audience}))
	return []credential{
		{name: "none", slug: "no-token"},
		{name: "key publish", value: keyPublish, scopes: auth.ScopePublish},
		{name: "key read", value: keyRead, scopes: auth.ScopeRead},
		{name: "key admin", value: keyAdmin, scopes: auth.ScopeAdmin},
		{name: "key all", value: keyAll, scopes: all},
		{name: "token", value: scoped(0), user: "anna"},
		{name: "token publish", value: scoped(auth.ScopePublish), scopes: auth.ScopePublish, user: "anna"},
		{name: "token read", value: scoped(auth.ScopeRead), scopes: auth.ScopeRead, user: "anna"},
		{name: "token admin", value: scoped(auth.ScopeAdmin), scopes: auth.ScopeAdmin, user: "anna"},
		{name: "token of a foreign user", value: sign(auth.Claims{User: "berta"}), user: "berta"},
		{name: "token of a foreign user with all scopes", value: sign(auth.Claims{User: "berta", Scopes: all}), scopes: all, user: "berta"},
		{name: "expired token", value: expired, slug: "token-expired"},
		{name: "token for another audience", value: sign(auth.Claims{Scopes: all, Audience: "elsewhere"}), slug: "token-invalid"},
		{name: "token of another key", value: foreignKey, slug: "token-invalid"},
		{name: "cut token", value: scoped(all)[:60], slug: "token-invalid"},
		{name: "too long a token", value: "eyJ" + strings.Repeat("x", auth.MaxTokenBytes), slug: "token-invalid"},
		{name: "unknown key", value: "hlk_unknown", slug: "token-invalid"},
		{name: "hash of a key", value: auth.HashKey(keyAll), slug: "token-invalid"},
		{name: "key in the query", value: keyAll, query: true, scopes: all},
		{name: "token in the query", value: scoped(all), query: true, scopes: all, user: "anna"},
		{name: "expired token in the query", value: expired, query: true, slug: "token-expired"},
	}
}

// want is the answer to the call with the credentials: a status, and the type of the
// problem if it is refused.
func (c *matrixCall) want(cred *credential) (status int, slug string) {
	switch {
	case c.access == anybody:
		return c.status, ""
	case c.access == backend && cred.query:
		return http.StatusBadRequest, "bad-request" // good or bad: it stands in logs now
	case cred.slug != "":
		return http.StatusUnauthorized, cred.slug
	case c.access == backend && !cred.scopes.Has(c.scope):
		return http.StatusForbidden, "scope"
	case c.access == backend:
		return c.status, ""
	case cred.user == "": // an API key has no user
		return http.StatusUnauthorized, "token-invalid"
	case (c.access == owner || c.access == member) && cred.user != "anna":
		return http.StatusForbidden, ""
	}
	return c.status, ""
}

// TestAuthorizationMatrix makes every call with every kind of credentials.
func TestAuthorizationMatrix(t *testing.T) {
	const audience = "hubline"
	f := newFixture(t, func(s *setup) {
		s.auth.Audience = audience
		s.Demo = func() (string, string, error) { return "demo", "a token", nil }
		s.conns.MaxNegotiated, s.conns.MaxNegotiatedPerUser = 10_000, 10_000
		s.broker.MaxConnectionsPerUser = 10_000
	})
	must(f.broker.AddMember("of-anna", "anna"))
	columns := f.credentials(audience)
	anna := columns[5].value
	for _, route := range slices.Sorted(maps.Keys(f.routes())) {
		call, ok := matrix[route]
		if !ok {
			t.Errorf("%s is not in the matrix", route)
			continue
		}
		t.Run(route, func(t *testing.T) {
			for i := range columns {
				f := *f
				f.TB = t
				f.try(route, &call, &columns[i], anna)
			}
		})
	}
	for route := range matrix {
		if !f.routes()[route] {
			t.Errorf("%s is in the matrix, and no route", route)
		}
	}
}

// try makes one call.
func (f *fixture) try(route string, call *matrixCall, cred *credential, anna string) {
	f.Helper()
	method, path, _ := strings.Cut(route, " ")
	if call.path != "" {
		path = call.path
	}
	path = strings.NewReplacer("{user}", "anna", "{channel}", "news").Replace(path)
	q := url.Values{}
	if call.access == owner { // a connection that waits
		q.Set("id", decode[offer](f, f.send(http.MethodPost, path+"/negotiate?negotiateVersion=1", anna, "").body).ConnectionToken)
		if a := f.send(http.MethodGet, path+"?"+q.Encode(), anna, ""); a.status != http.StatusOK {
			f.Fatalf("%+v", a)
		}
		if method == http.MethodGet { // something to answer the poll with
			f.send(http.MethodPost, path+"?"+q.Encode(), anna, jsonShake+rs, "Content-Type", "text/plain")
		}
		defer f.send(http.MethodDelete, path+"?"+q.Encode(), anna, "")
	}
	value := cred.value
	if cred.query {
		q.Set("access_token", value)
		value = ""
	}
	if len(q) > 0 {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + q.Encode()
	}
	want, slug := call.want(cred)
	if call.socket {
		c, resp, err := f.dialSocket(path, value)
		if resp == nil {
			f.Fatalf("%s: %v", cred.name, err)
		}
		if resp.StatusCode != want {
			f.Errorf("%s: %d, want %d", cred.name, resp.StatusCode, want)
		}
		if err == nil {
			_ = c.CloseNow()
		}
		return
	}
	var header []string
	if strings.HasSuffix(call.body, rs) {
		header = []string{"Content-Type", "text/plain"}
	}
	a := f.send(method, path, value, call.body, header...)
	switch {
	case slug != "" && call.access <= client:
		f.wantProblem(a, want, slug)
	case a.status != want:
		f.Errorf("%s: status %d, want %d: %s", cred.name, a.status, want, a.body)
	case want == http.StatusUnauthorized && call.access >= joiner:
		if a.body != `{"error":"Unauthorized"}` || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			f.Errorf("%s: %+v, want an error with a challenge", cred.name, a)
		}
	case want == http.StatusUnauthorized && (a.body != "" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer")):
		f.Errorf("%s: %+v, want an empty 401 with a challenge", cred.name, a)
	}
	if call.access == backend && method == http.MethodGet {
		if a := f.send(http.MethodHead, path, value, ""); a.status != want {
			f.Errorf("%s: HEAD %d, want %d", cred.name, a.status, want)
		}
	}
	if cred.value != "" && strings.Contains(a.body, cred.value) {
		f.Errorf("%s: the answer repeats the secret", cred.name)
	}
}
