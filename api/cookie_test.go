package api

import (
	"net/http"
	"strings"
	"testing"

	"hubline/api/auth"
)

func withCookie(list ...string) func(*setup) {
	return func(s *setup) {
		origins(list...)(s)
		s.TokenCookie = "session"
	}
}

// cookieCalls are requests to every path of clients, with what they are answered when
// the cookie counts. Those that name no origin are plain GETs.
var cookieCalls = []struct {
	call, body string
	status     int
}{
	{"GET /events?wait=0", "", 200},
	{"POST /events/negotiate", "", 200},
	{"POST /events/renew", `{"connectionId":"unknown"}`, 404},
	{"POST /channels/subscribe", `{"channel":"news"}`, 200},
	{"POST /channels/unsubscribe", `{"channel":"news"}`, 200},
	{"GET /channels/no%20news/members", "", 400},
	{"POST /hubs/events/negotiate", "", 200},
	{"POST /notifications/hub/negotiate", "", 200},
	{"GET /hub?id=unknown", "", 404},
	{"POST /hub?id=unknown", "", 404},
	{"DELETE /hub?id=unknown", "", 404},
}

var cookieSockets = []string{"/ws", "/events", "/hubs/events", "/hub"}

func TestTheCookieCountsForPagesThatMayUseIt(t *testing.T) {
	f := newFixture(t, withCookie("https://app.example", "null"))
	cookie := "other=1; session=" + f.token(auth.Claims{})
	for _, from := range []struct {
		origin, site string
		may          string // GET: only where the request can be one without an origin
	}{
		{f.url, "", "yes"},
		{f.url, "same-origin", "yes"},
		{f.url, "same-site", "no"}, // http behind a proxy's https
		{"https://app.example", "", "yes"},
		{"https://app.example", "cross-site", "yes"},
		{"https://evil.example", "", "no"},
		{"https://evil.example", "cross-site", "no"},
		{"null", "cross-site", "no"}, // allowed, but a frame of any site has it
		{"", "", "GET"},
		{"", "same-origin", "GET"},
		{"", "none", "GET"},
		{"", "same-site", "no"},
		{"", "cross-site", "no"},
	} {
		header := []string{"Cookie", cookie}
		if from.origin != "" {
			header = append(header, "Origin", from.origin)
		}
		if from.site != "" {
			header = append(header, "Sec-Fetch-Site", from.site)
		}
		for _, c := range cookieCalls {
			method, path, _ := strings.Cut(c.call, " ")
			want := c.status
			if from.may == "no" || from.may == "GET" && method != http.MethodGet {
				want = http.StatusForbidden
			}
			if a := f.send(method, path, "", c.body, header...); a.status != want {
				t.Errorf("%s from %q, site %q: %d, want %d: %s", c.call, from.origin, from.site, a.status, want, a.body)
			}
		}
		for _, path := range cookieSockets {
			c, resp, err := f.dialSocket(path, "", header...)
			if (err == nil) != (from.may == "yes") || err != nil && resp.StatusCode != http.StatusForbidden {
				t.Errorf("socket %s from %q, site %q: %v", path, from.origin, from.site, err)
			}
			if err == nil {
				_ = c.CloseNow()
			}
		}
	}
	if n := f.broker.Stats().Memberships; n != 0 {
		t.Errorf("%d memberships", n)
	}
	if !strings.Contains(f.logs.String(), "evil.example") {
		t.Error("the refused origin is not in the log")
	}
}

func TestAnswersToCookiesTellWhatIsWrong(t *testing.T) {
	f := newFixture(t, withCookie("https://app.example"))
	token := f.token(auth.Claims{})
	f.wantProblem(f.send(http.MethodPost, "/events/negotiate", "", "", "Cookie", "session="+token), http.StatusForbidden, "cookie-origin")
	if a := f.send(http.MethodPost, "/channels/subscribe", "", `{"channel":"a"}`, "Cookie", "session="+token); a.body != `{"error":"The cookie does not count here"}` {
		t.Error(a.body)
	}
	for value, slug := range map[string]string{"eyJx": "token-invalid", keyAll: "token-invalid", "": "no-token"} {
		f.wantProblem(f.send(http.MethodGet, "/events?wait=0", "", "", "Cookie", "session="+value), http.StatusUnauthorized, slug)
	}
	// What a cache may not keep for others, with nothing in the request that says so.
	if a := f.send(http.MethodGet, "/events?wait=0", "", "", "Cookie", "session="+token); !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
}

func TestEveryOriginIsNotForCookies(t *testing.T) {
	f := newFixture(t, withCookie("*"))
	cookie := []string{"Cookie", "session=" + f.token(auth.Claims{}), "Origin"}
	f.wantProblem(f.send(http.MethodGet, "/events?wait=0", "", "", append(cookie, "https://evil.example")...), http.StatusForbidden, "cookie-origin")
	if a := f.send(http.MethodGet, "/events?wait=0", "", "", append(cookie, f.url)...); a.status != http.StatusOK {
		t.Errorf("own origin: %d %s", a.status, a.body)
	}
	if a := f.send(http.MethodGet, "/events?wait=0", f.token(auth.Claims{}), "", "Origin", "https://evil.example"); a.status != http.StatusOK {
		t.Errorf("by header: %d %s", a.status, a.body)
	}
}

// The request's own credentials go before the browser's, whether they are good or not,
// and then nobody asks who made the request.
func TestTheCookieComesLast(t *testing.T) {
	f := newFixture(t, withCookie())
	anna, berta := f.token(auth.Claims{}), f.token(auth.Claims{User: "berta"})
	f.publish("berta", `{"type":"hers"}`)
	for name, a := range map[string]answer{
		"header": f.send(http.MethodGet, "/events?wait=0&since=0", berta, "", "Cookie", "session="+anna, "Sec-Fetch-Site", "cross-site"),
		"query":  f.send(http.MethodGet, "/events?wait=0&since=0&access_token="+berta, "", "", "Cookie", "session="+anna, "Sec-Fetch-Site", "cross-site"),
		"cookie": f.send(http.MethodGet, "/events?wait=0&since=0", "", "", "Cookie", "session="+berta),
	} {
		if a.status != http.StatusOK || !strings.Contains(a.body, "hers") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	f.wantProblem(f.send(http.MethodGet, "/events?wait=0", "eyJbad", "", "Cookie", "session="+anna), http.StatusUnauthorized, "token-invalid")
	// A ticket is no contradiction to whose cookie the browser has.
	n := f.negotiate(anna, "")
	if a := f.send(http.MethodGet, "/events?wait=0&id="+n.ConnectionToken, "", "", "Cookie", "session="+berta); a.status != http.StatusOK {
		t.Errorf("ticket: %d %s", a.status, a.body)
	}
}

func TestTheCookieIsNotForBackends(t *testing.T) {
	f := newFixture(t, withCookie())
	for _, value := range []string{keyAll, f.token(auth.Claims{Scopes: auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin})} {
		for call, body := range map[string]string{
			"POST /api/v1/broadcasts": `{"type":"a"}`, "GET /api/v1/stats": "", "POST /api/v1/tokens:revoke": `{"user":"anna"}`,
			"POST /internal/notify": `{}`, "GET /internal/online": "",
		} {
			method, path, _ := strings.Cut(call, " ")
			f.wantProblem(f.send(method, path, "", body, "Cookie", "session="+value, "Origin", f.url), http.StatusUnauthorized, "no-token")
		}
	}
}

func TestWithoutTheFlagNoCookieIsLookedAt(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"session", "token", "access_token", ""} {
		f.wantProblem(f.send(http.MethodGet, "/events?wait=0", "", "", "Cookie", name+"="+f.token(auth.Claims{}), "Origin", f.url), http.StatusUnauthorized, "no-token")
	}
}
