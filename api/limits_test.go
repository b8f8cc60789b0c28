package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"hubline/api/auth"
	"hubline/internal/ratelimit"
	"hubline/transports"
)

// The rates of these tests hold three and fill up too slowly for the time that a
// test takes.
var three = ratelimit.Rate{Count: 3, Per: 3 * time.Hour}

func limited(change func(*Limits)) func(*setup) {
	return func(s *setup) {
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		change(&s.Callers)
	}
}

// wantLimited checks an answer to who is over a rate of three an hour each.
func (f *fixture) wantLimited(a answer, flag string) {
	f.Helper()
	f.wantProblem(a, http.StatusTooManyRequests, "rate-limited")
	if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 3500 || after > 3600 {
		f.Errorf("Retry-After: %q, want about an hour", a.header.Get("Retry-After"))
	}
	if !strings.Contains(a.body, flag) {
		f.Errorf("%s does not name %s", a.body, flag)
	}
}

func TestCallsOfAKeyAreLimited(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.API = three }))
	publish := func(credentials string) answer {
		return f.send(http.MethodPost, "/api/v1/users/u/events", credentials, `{"type":"a"}`)
	}
	for range 3 {
		if a := publish(keyPublish); a.status != http.StatusCreated {
			t.Fatalf("at the limit: %+v", a)
		}
	}
	f.wantLimited(publish(keyPublish), "api-rate")
	f.wantLimited(f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`), "api-rate")
	f.wantLimited(f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, `[]`), "api-rate")
	if a := f.send(http.MethodGet, "/api/v1/users/u/events", keyRead, ""); a.status != http.StatusOK {
		t.Errorf("another key: %d", a.status)
	}
	// A token counts for its user, whichever it is.
	for i := range 3 {
		if a := publish(f.token(auth.Claims{User: "backend", Scopes: auth.ScopePublish, Device: strconv.Itoa(i)})); a.status != http.StatusCreated {
			t.Fatalf("a token: %+v", a)
		}
	}
	f.wantLimited(publish(f.token(auth.Claims{User: "backend", Scopes: auth.ScopePublish})), "api-rate")
	if n := f.log("u", "").Head; n != 6 {
		t.Errorf("%d events, want the 6 that were accepted", n)
	}
	for name, want := range map[string]string{
		`hubline_rate_rejected_total{limit="api"}`: "4", `hubline_rate_subjects{limit="api"}`: "3", `hubline_rate_shared_total{limit="api"}`: "0",
		`hubline_api_problems_total{type="rate-limited"}`: "4", `hubline_rate_rejected_total{limit="connect"}`: "0",
	} {
		if got := f.metric(name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

// What is refused for its key or scope takes nothing from the key's share.
func TestRefusedCallsAreNotCounted(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.API = three }))
	for range 10 {
		f.send(http.MethodPost, "/api/v1/broadcasts", keyRead, `{"type":"a"}`)
		f.send(http.MethodPost, "/api/v1/broadcasts", "hlk_wrong", `{"type":"a"}`)
	}
	if got := f.metric(`hubline_rate_subjects{limit="api"}`); got != "0" {
		t.Errorf("%s subjects", got)
	}
}

func TestABatchWeighsItsEvents(t *testing.T) {
	item := `{"user":"u","event":{"type":"a"}}`
	for name, tt := range map[string]struct {
		body, kind string
		want       int
		left       int // of five
	}{
		"array at the limit":  {"[" + strings.Repeat(item+",", 4) + item + "]", "application/json", http.StatusOK, 0},
		"array":               {"[" + item + "," + item + "]", "application/json", http.StatusOK, 3},
		"lines at the limit":  {strings.Repeat(item+"\n\n", 5), "application/x-ndjson", http.StatusOK, 0},
		"empty":               {"[]", "application/json", http.StatusOK, 4},
		"several users":       {`[{"users":["a","b","c"],"event":{"type":"a"}}]`, "application/json", http.StatusOK, 2},
		"more users than are": {`[{"users":["a","b","c","d","e","f","g"],"event":{"type":"a"}}]`, "application/json", http.StatusOK, -2},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, limited(func(l *Limits) { l.API = ratelimit.Rate{Count: 5, Per: 5 * time.Hour} }))
			if a := f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, tt.body, "Content-Type", tt.kind); a.status != tt.want {
				t.Fatalf("%+v", a)
			}
			for i := range max(0, tt.left) {
				if a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`); a.status != http.StatusCreated {
					t.Fatalf("call %d after it: %+v", i, a)
				}
			}
			a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`)
			f.wantProblem(a, http.StatusTooManyRequests, "rate-limited")
			after, _ := strconv.Atoi(a.header.Get("Retry-After"))
			if want := 3600 * (1 + max(0, -tt.left)); after < want-60 || after > want {
				t.Errorf("Retry-After: %d, want %d", after, want)
			}
		})
	}
	// One that is too heavy is refused as a whole.
	f := newFixture(t, limited(func(l *Limits) { l.API = ratelimit.Rate{Count: 5, Per: 5 * time.Hour} }))
	f.publish("u", `{"type":"a"}`)
	for _, kind := range []string{"application/json", "application/x-ndjson"} {
		body := "[" + strings.Repeat(item+",", 4) + item + "]"
		if kind != "application/json" {
			body = strings.Repeat(item+"\n", 5)
		}
		f.wantProblem(f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, body, "Content-Type", kind), http.StatusTooManyRequests, "rate-limited")
	}
	if n := f.log("u", "").Head; n != 1 {
		t.Errorf("%d events, want the one from before the batches", n)
	}
}

// opens lists the ways to connect or negotiate, of which each is an attempt.
var opens = []struct{ method, path, accept string }{
	{http.MethodGet, "/events", ""},
	{http.MethodPost, "/events/negotiate", ""},
	{http.MethodPost, "/hubs/events/negotiate", ""},
	{http.MethodPost, "/notifications/hub/negotiate", ""},
	{http.MethodGet, "/hubs/events?id=x", "text/event-stream"},
}

func TestAttemptsOfAnAddressAreLimited(t *testing.T) {
	for _, open := range opens {
		f := newFixture(t, limited(func(l *Limits) { l.Connects = three }))
		try := func(ip string) answer { // without a token: it is not looked at
			return f.send(open.method, open.path, "", "", "X-Forwarded-For", ip, "Accept", open.accept)
		}
		for i := range 3 {
			if a := try("2001:db8::" + strconv.Itoa(i+1)); a.status != http.StatusUnauthorized {
				t.Fatalf("%s at the limit: %+v", open.path, a)
			}
		}
		a := try("2001:db8::ffff") // one /64
		if strings.Contains(open.path, "hub") {
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.body != "" {
				t.Errorf("%s one above: %+v", open.path, a)
			}
		} else {
			f.wantLimited(a, "connect-rate-per-ip")
		}
		if a := try("2001:db8:0:1::1"); a.status != http.StatusUnauthorized {
			t.Errorf("%s from another network: %+v", open.path, a)
		}
		if got := f.metric(`hubline_rate_rejected_total{limit="connect"}`); got != "1" {
			t.Errorf("%s: %s counted", open.path, got)
		}
	}
}

func TestSocketsAreAttempts(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.Connects = three }))
	token := f.token(auth.Claims{})
	for i, path := range []string{"/ws", "/hubs/events", "/notifications/hub", "/ws", "/hubs/events", "/events"} {
		c, resp, err := f.dialSocket(path, token)
		if over := i >= 3; over != (resp.StatusCode == http.StatusTooManyRequests) || over != (err != nil) {
			t.Errorf("%d: %s: %d, %v", i, path, resp.StatusCode, err)
		} else if !over {
			_ = c.Close(1000, "")
		} else if resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	// Whoever polls comes again and again.
	for range 10 {
		if a := f.send(http.MethodGet, "/events?wait=0", token, ""); a.status != http.StatusOK {
			t.Fatalf("a poll: %+v", a)
		}
	}
}

func TestRequestsOfAUserAreLimited(t *testing.T) {
	for _, path := range []string{"/events?wait=0", "/events/negotiate", "/hubs/events/negotiate"} {
		f := newFixture(t, limited(func(l *Limits) { l.Requests = three }))
		try := func(user, ip string) answer {
			method := http.MethodPost
			if strings.Contains(path, "wait") {
				method = http.MethodGet
			}
			return f.send(method, path, f.token(auth.Claims{User: user}), "", "X-Forwarded-For", ip)
		}
		for i := range 3 {
			if a := try("anna", "192.0.2."+strconv.Itoa(i)); a.status != http.StatusOK {
				t.Fatalf("%s at the limit: %+v", path, a)
			}
		}
		if a := try("anna", "192.0.2.9"); strings.HasPrefix(path, "/events") {
			f.wantLimited(a, "request-rate-per-user")
		} else if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("%s one above: %+v", path, a)
		}
		if a := try("bert", "192.0.2.1"); a.status != http.StatusOK {
			t.Errorf("%s, another user: %+v", path, a)
		}
		if got := f.metric(`hubline_rate_rejected_total{limit="request"}`); got != "1" {
			t.Errorf("%s: %s counted", path, got)
		}
	}
}

// Memberships are requests of the user too, and their errors texts.
func TestMembershipsAreRequests(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.Requests = three }))
	token := f.token(auth.Claims{})
	for i, path := range []string{"/channels/subscribe", "/channels/unsubscribe", "/channels/subscribe", "/channels/unsubscribe"} {
		a := f.send(http.MethodPost, path, token, `{"channel":"c"}`)
		switch {
		case i < 3 && a.status != http.StatusOK:
			t.Errorf("at the limit: %+v", a)
		case i == 3 && (a.status != http.StatusTooManyRequests || a.body != `{"error":"Too many requests"}` || a.header.Get("Retry-After") == ""):
			t.Errorf("one above: %+v", a)
		}
	}
}

// A ticket has been counted when it was given out.
func TestTicketsAreNotCountedTwice(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.Requests = three }))
	token := f.token(auth.Claims{})
	var tickets []string
	for range 3 {
		tickets = append(tickets, f.negotiate(token, "").ConnectionToken)
	}
	for _, id := range tickets {
		if a := f.send(http.MethodGet, "/events?wait=0&id="+id, "", ""); a.status != http.StatusOK {
			t.Errorf("%+v", a)
		}
	}
}

func TestRefusedCredentialsOfAnAddressAreLimited(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.AuthFailures = three }))
	seen, fresh := f.token(auth.Claims{User: "seen"}), f.token(auth.Claims{User: "fresh"})
	forged := must(auth.Sign([]byte("another secret of more than 32 bytes"), auth.Claims{User: "anna"}))
	poll := func(token, ip string) answer {
		return f.send(http.MethodGet, "/events?wait=0", token, "", "X-Forwarded-For", ip)
	}
	if a := poll(seen, "192.0.2.1"); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	// Not what has no token at all, nor what lacks a scope.
	for range 5 {
		poll("", "192.0.2.1")
		f.send(http.MethodPost, "/api/v1/broadcasts", keyRead, `{"type":"a"}`, "X-Forwarded-For", "192.0.2.1")
	}
	f.wantProblem(poll(forged, "192.0.2.1"), http.StatusUnauthorized, "token-invalid")
	f.wantProblem(f.send(http.MethodPost, "/api/v1/broadcasts", "hlk_guess", `{"type":"a"}`, "X-Forwarded-For", "192.0.2.1"), http.StatusUnauthorized, "token-invalid")
	if a := f.send(http.MethodPost, "/hubs/events/negotiate", forged, "", "X-Forwarded-For", "::ffff:192.0.2.1"); a.status != http.StatusUnauthorized {
		t.Fatalf("the third: %+v", a)
	}
	f.wantLimited(poll(forged, "192.0.2.1"), "auth-failure-rate-per-ip")
	f.wantLimited(poll(fresh, "192.0.2.1"), "auth-failure-rate-per-ip") // it is not looked at
	f.wantLimited(f.send(http.MethodPost, "/api/v1/broadcasts", "hlk_guess", `{"type":"a"}`, "X-Forwarded-For", "192.0.2.1"), "auth-failure-rate-per-ip")
	if a := poll(seen, "192.0.2.1"); a.status != http.StatusOK {
		t.Errorf("a token that was seen before: %+v", a)
	}
	if a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`, "X-Forwarded-For", "192.0.2.1"); a.status != http.StatusCreated {
		t.Errorf("an API key: %+v", a)
	}
	if a := poll(fresh, "192.0.2.2"); a.status != http.StatusOK {
		t.Errorf("another address: %+v", a)
	}
	if got := f.metric(`hubline_rate_rejected_total{limit="auth_failure"}`); got != "3" {
		t.Errorf("%s counted", got)
	}
}

// Nothing that a client says about its address gives it another bucket.
func TestForgedAddressesDoNotEscape(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.Callers.Connects = three })
	for i := range 3 {
		f.send(http.MethodGet, "/events", "", "", "X-Forwarded-For", "192.0.2."+strconv.Itoa(i))
	}
	for i, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip", "True-Client-Ip"} {
		f.wantLimited(f.send(http.MethodGet, "/events", "", "", header, "192.0.2.10"+strconv.Itoa(i)), "connect-rate-per-ip")
	}
}

func TestAnonymousConnectionsAreBounded(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.Callers.MaxAnonymous, s.Callers.MaxAnonymousPerIP, s.MaxPerIP = 3, 2, 3 })
	open := func(user, ip string) (*transports.Connection, error) {
		c := f.conns.Open("/test", user, ip, nil, transports.LongPolling, false)
		t.Cleanup(func() { c.End(transports.ReasonDone) })
		return c, f.api.enter(c)
	}
	want := func(err error, status int, flag string) {
		t.Helper()
		if p := asProblem(err); err == nil || p.Status != status || !strings.Contains(p.Detail, flag) || p.retryAfter == 0 {
			t.Errorf("%v, want %d for %s", err, status, flag)
		}
	}
	first, err := open("", "2001:db8::1")
	if _, second := open("", "2001:db8::2"); err != nil || second != nil {
		t.Fatal("at the limit of an address")
	}
	_, err = open("", "2001:db8::3")
	want(err, http.StatusTooManyRequests, "max-anonymous-connections-per-ip")
	if _, err := open("", "192.0.2.1"); err != nil {
		t.Fatal("at the limit in all")
	}
	_, err = open("", "192.0.2.2")
	want(err, http.StatusServiceUnavailable, "max-anonymous-connections")
	if _, err := open("anna", "2001:db8::4"); err != nil {
		t.Error("a user is counted among the anonymous")
	}
	_, err = open("anna", "2001:db8::5") // three of that address, whoever they are
	want(err, http.StatusTooManyRequests, "max-connections-per-ip")
	if got := f.metric("hubline_anonymous_connections_rejected_total"); got != "2" {
		t.Errorf("%s counted", got)
	}
	first.End(transports.ReasonDone)
	if _, err := open("", "2001:db8::6"); err != nil {
		t.Errorf("the place of one that has left: %v", err)
	}
	// Without a place among all of the address the anonymous one is given back.
	_, err = open("", "192.0.2.1")
	want(err, http.StatusServiceUnavailable, "max-anonymous-connections")
	if n := f.api.anonymous.open.Load(); n != 3 {
		t.Errorf("%d are counted, want 3", n)
	}
}

func TestNobodyAnonymousByDefault(t *testing.T) {
	f := newFixture(t)
	c := f.conns.Open("/test", "", "192.0.2.1", nil, transports.LongPolling, false)
	defer c.End(transports.ReasonDone)
	if f.api.enter(c) == nil {
		t.Error("an anonymous connection is let in without a bound")
	}
}

// Every call with a user's token counts for the user, since each costs something.
func TestRenewalsAndMemberListsCountForTheirUser(t *testing.T) {
	f := newFixture(t, limited(func(l *Limits) { l.Requests = three }))
	for user, ask := range map[string]func(token string) answer{
		"anna": func(token string) answer { return f.send(http.MethodGet, "/channels/c/members", token, "") },
		"berta": func(token string) answer {
			return f.send(http.MethodPost, "/events/renew", token, `{"connectionId":"x"}`)
		},
	} {
		token := f.token(auth.Claims{User: user})
		for range 3 {
			if a := ask(token); a.status == http.StatusTooManyRequests {
				t.Errorf("%s: too early", user)
			}
		}
		if a := ask(token); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", user, a.status, a.body)
		}
	}
}
