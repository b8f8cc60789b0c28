package loopback

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func request(host, peer string, header map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/demo/key", nil)
	r.Host, r.RemoteAddr = host, peer
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func TestRequestOfTheSameMachine(t *testing.T) {
	for _, tt := range []struct {
		name, host, peer string
		header           map[string]string
		want             bool
	}{
		{"address", "127.0.0.1:8080", "127.0.0.1:4", nil, true},
		{"another loopback address", "127.9.0.1", "127.0.0.1:4", nil, true},
		{"name", "localhost:8080", "[::1]:4", nil, true},
		{"IPv6", "[::1]", "[::1]:4", nil, true},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:4", nil, true},
		{"other machine", "127.0.0.1:8080", "192.0.2.1:4", nil, false},
		{"public name", "hub.example", "127.0.0.1:4", nil, false},
		{"a name that begins like an address", "127.0.0.1.evil.example", "127.0.0.1:4", nil, false},
		{"a name that ends like one", "evil.localhost", "127.0.0.1:4", nil, false},
		{"proxy", "127.0.0.1:8080", "127.0.0.1:4", map[string]string{"X-Forwarded-For": "192.0.2.1"}, false},
		{"proxy, standard header", "127.0.0.1:8080", "127.0.0.1:4", map[string]string{"Forwarded": "for=192.0.2.1"}, false},
		{"proxy, version 1.0", "127.0.0.1:8080", "127.0.0.1:4", map[string]string{"Via": "1.0 p"}, false},
		{"no peer", "localhost", "", nil, false},
		{"no host", "", "127.0.0.1:4", nil, false},
	} {
		if got := Request(request(tt.host, tt.peer, tt.header)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestOwnPage(t *testing.T) {
	const here, peer = "127.0.0.1:8080", "127.0.0.1:4"
	for _, tt := range []struct {
		name, host, origin, site string
		want                     bool
	}{
		{"its page", here, "http://127.0.0.1:8080", "same-origin", true},
		{"its page in an older browser", here, "http://127.0.0.1:8080", "", true},
		{"by name", "localhost:8080", "http://localhost:8080", "same-origin", true},
		{"no browser", here, "", "", false},
		{"another site", here, "https://evil.example", "cross-site", false},
		{"another port", here, "http://127.0.0.1:8081", "same-site", false},
		{"another name of this machine", here, "http://localhost:8080", "cross-site", false},
		{"another scheme", here, "https://127.0.0.1:8080", "", false},
		{"a page without an origin", here, "null", "cross-site", false},
		{"a browser that knows better", here, "http://127.0.0.1:8080", "cross-site", false},
		{"typed into the address bar", here, "http://127.0.0.1:8080", "none", false},
		{"a name made to resolve here", "evil.example:8080", "http://evil.example:8080", "same-origin", false},
	} {
		header := map[string]string{}
		if tt.origin != "" {
			header["Origin"] = tt.origin
		}
		if tt.site != "" {
			header["Sec-Fetch-Site"] = tt.site
		}
		if got := OwnPage(request(tt.host, peer, header)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	twice := request(here, peer, nil)
	twice.Header["Origin"] = []string{"http://127.0.0.1:8080", "https://evil.example"}
	if OwnPage(twice) {
		t.Error("two origins are taken for one")
	}
	away := request(here, "192.0.2.1:4", map[string]string{"Origin": "http://127.0.0.1:8080"})
	if OwnPage(away) {
		t.Error("another machine is taken for this one")
	}
	safe := request(here, peer, map[string]string{"Origin": "https://127.0.0.1:8080"})
	safe.TLS = &tls.ConnectionState{}
	if !OwnPage(safe) {
		t.Error("the page over TLS is not known")
	}
}
