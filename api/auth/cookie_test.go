package auth

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFromCookie(t *testing.T) {
	for _, tt := range []struct {
		name, header, cookie, want string
	}{
		{"none", "", "session", ""},
		{"its own", "session=a.b.c", "session", "a.b.c"},
		{"among others", "x=1; session=a.b.c; y=2", "session", "a.b.c"},
		{"no name is configured", "session=a.b.c; =d", "", ""},
		{"another case", "Session=a.b.c", "session", ""},
		{"empty first", "session=; session=b", "session", "b"},
		{"first of two", "session=a; session=b", "session", "a"},
		{"quoted", `session="a.b.c"`, "session", "a.b.c"},
		{"a name that ends so", "xsession=a", "session", ""},
		{"a prefix", "__Host-hubline=a.b.c", "__Host-hubline", "a.b.c"},
		{"no value", "session", "session", ""},
		{"too long", "session=" + strings.Repeat("t", MaxTokenBytes+1), "session", strings.Repeat("t", MaxTokenBytes+1)},
	} {
		r := httptest.NewRequest(http.MethodGet, "/ws", nil)
		if tt.header != "" {
			r.Header.Set("Cookie", tt.header)
		}
		if got, ok := FromCookie(r, tt.cookie); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: FromCookie = %.40q, %v; want %.40q", tt.name, got, ok, tt.want)
		}
	}
}

func TestValidCookieName(t *testing.T) {
	for name, want := range map[string]bool{
		"session": true, "__Host-hubline": true, "a.b!#$%&'*+^_`|~": true, strings.Repeat("n", MaxCookieName): true,
		"": false, "a b": false, "a=b": false, "a;b": false, "ä": false, "a\x00": false, `"a"`: false, strings.Repeat("n", MaxCookieName+1): false,
	} {
		if got := ValidCookieName(name); got != want {
			t.Errorf("ValidCookieName(%q) = %v", name, got)
		}
	}
}

// Every combination of who may have made a request. The server is found at app.example.
func TestVouchesFor(t *testing.T) {
	list := must(ParseOrigins([]string{"https://shop.example", "null"}))
	everybody := must(ParseOrigins([]string{"*"}))
	type variant struct {
		name     string
		upgrade  bool
		method   string
		bodyless bool // a GET that is no upgrade
	}
	variants := []variant{
		{name: "GET", method: http.MethodGet, bodyless: true},
		{name: "HEAD", method: http.MethodHead, bodyless: true},
		{name: "WebSocket", method: http.MethodGet, upgrade: true},
		{name: "POST", method: http.MethodPost},
		{name: "DELETE", method: http.MethodDelete},
		{name: "CONNECT", method: http.MethodConnect},
	}
	sites := []string{"", "same-origin", "same-site", "cross-site", "none", "nonsense"}
	for _, tt := range []struct {
		origin string // a space between two headers
		tls    bool
		// whether it counts, by Sec-Fetch-Site, in the order of sites
		want, wantAny string
	}{
		{origin: "https://shop.example", want: "yyyyyy", wantAny: "......"},
		{origin: "https://SHOP.example:443", want: "yyyyyy", wantAny: "......"},
		{origin: "https://app.example", want: "yy....", wantAny: "yy...."},
		{origin: "http://app.example", want: "yy....", wantAny: "yy...."}, // a proxy may end TLS, or there is none
		{origin: "https://app.example", tls: true, want: "yy....", wantAny: "yy...."},
		{origin: "http://app.example", tls: true, want: "......", wantAny: "......"},
		{origin: "https://app.example:8443", want: "......", wantAny: "......"},
		{origin: "https://evil.example", want: "......", wantAny: "......"},
		{origin: "https://app.example.evil.example", want: "......", wantAny: "......"},
		{origin: "http://shop.example", want: "......", wantAny: "......"},
		{origin: "capacitor://app.example", want: "......", wantAny: "......"},
		{origin: "null", want: "......", wantAny: "......"}, // a sandboxed frame of anybody's
		{origin: "garbage", want: "......", wantAny: "......"},
		{origin: "https://shop.example https://shop.example", want: "......", wantAny: "......"},
		{origin: "", want: "yy..y.", wantAny: "yy..y."}, // but a plain GET alone
	} {
		for _, v := range variants {
			for i, site := range sites {
				r := httptest.NewRequest(v.method, "http://app.example/ws", nil)
				if r.Host, r.TLS = "app.example", nil; tt.tls {
					r.TLS = &tls.ConnectionState{}
				}
				for origin := range strings.FieldsSeq(tt.origin) {
					r.Header.Add("Origin", origin)
				}
				if v.upgrade {
					r.Header.Set("Upgrade", "websocket")
				}
				if site != "" {
					r.Header.Set("Sec-Fetch-Site", site)
				}
				for o, marks := range map[*Origins]string{&list: tt.want, &everybody: tt.wantAny} {
					want := marks[i] == 'y' && (tt.origin != "" || v.bodyless)
					if got := o.VouchesFor(r); got != want {
						t.Errorf("%s of %q, TLS %v, Sec-Fetch-Site %q, allowed %v: %v, want %v", v.name, tt.origin, tt.tls, site, o.Strings(), got, want)
					}
				}
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "http://app.example/events", nil)
	r.Header["Sec-Fetch-Site"] = []string{"same-origin", "cross-site"}
	if list.VouchesFor(r) {
		t.Error("two answers to one question")
	}
}

// FuzzFromCookie: what counts comes from the header, and an origin that is refused for
// its token is never vouched for, however odd the request.
func FuzzFromCookie(f *testing.F) {
	f.Add("session=a.b.c", "https://shop.example", "same-origin", "app.example", http.MethodGet)
	f.Add(`x="; session=" a`, "null", "", "[::1]:80", http.MethodPost)
	f.Add(";;session==;session", "", "none", "", http.MethodHead)
	f.Fuzz(func(t *testing.T, cookie, origin, site, host, method string) {
		o := must(ParseOrigins([]string{"https://shop.example"}))
		r := &http.Request{Method: method, Host: host, Header: http.Header{"Cookie": {cookie}, "Sec-Fetch-Site": {site}}}
		if origin != "" {
			r.Header["Origin"] = []string{origin}
		}
		token, ok := FromCookie(r, "session")
		if ok != (token != "") || !strings.Contains(cookie, token) || strings.TrimSpace(token) != token {
			t.Errorf("FromCookie = %q, %v", token, ok)
		}
		if o.VouchesFor(r) && !o.Allowed(r) {
			t.Errorf("%q counts for a cookie, and is not allowed", origin)
		}
	})
}
