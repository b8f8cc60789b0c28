package api

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"hubline/api/auth"
)

func TestCounter(t *testing.T) {
	c := newCounter(2)
	for _, step := range []struct {
		ip   string
		want bool
	}{
		{"192.0.2.1", true},
		{"192.0.2.1", true},
		{"192.0.2.1", false},
		{"192.0.2.2", true},
		{"::ffff:192.0.2.1", false}, // the same address
		{"2001:db8::1", true},
		{"2001:db8::ffff:1", true},
		{"2001:db8:0:0:abcd::", false}, // one /64
		{"2001:db8:0:1::1", true},
		{"fe80::1%eth0", true},
		{"fe80::1%eth1", true},
		{"fe80::2", false},
		{"", true},
		{"", true},
		{"", true},
		{"@", true}, // no address: nothing to count by
	} {
		if got := c.enter(step.ip); got != step.want {
			t.Errorf("enter(%q) = %v", step.ip, got)
		}
	}
	c.leave("192.0.2.1")
	if !c.enter("::ffff:192.0.2.1") || c.enter("192.0.2.1") {
		t.Error("a place that was left")
	}
	for _, ip := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::1", "2001:db8:0:1::1", "fe80::1", "fe80::1", "", "@"} {
		c.leave(ip)
	}
	if len(c.n) != 0 {
		t.Errorf("%v are left", c.n)
	}
	if off := newCounter(0); !off.enter("192.0.2.1") || len(off.n) != 0 {
		t.Error("without a limit something is counted")
	}
}

func TestClientIP(t *testing.T) {
	proxies := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("::ffff:192.168.0.0/112"),
	}
	for name, tt := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                     {"203.0.113.9:1000", nil, "203.0.113.9"},
		"somebody says so":             {"203.0.113.9:1000", []string{"198.51.100.1"}, "203.0.113.9"},
		"loopback is not trusted":      {"127.0.0.1:1000", []string{"198.51.100.1"}, "127.0.0.1"},
		"proxy":                        {"10.1.2.3:1000", []string{"198.51.100.1"}, "198.51.100.1"},
		"proxy says nothing":           {"10.1.2.3:1000", nil, "10.1.2.3"},
		"forged in front":              {"10.1.2.3:1000", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":                  {"10.1.2.3:1000", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"two headers":                  {"10.1.2.3:1000", []string{"1.1.1.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		"the client is behind proxies": {"10.1.2.3:1000", []string{"10.7.7.7, 10.9.9.9"}, "10.7.7.7"},
		"not an address":               {"10.1.2.3:1000", []string{"198.51.100.1, unknown"}, "10.1.2.3"},
		"empty entry":                  {"10.1.2.3:1000", []string{"198.51.100.1,"}, "10.1.2.3"},
		"with port":                    {"10.1.2.3:1000", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6":                         {"[2001:db8:1::5]:1000", []string{"2001:db8:ffff::1"}, "2001:db8:ffff::1"},
		"IPv6 in brackets":             {"[2001:db8:1::5]:1000", []string{"[2001:db8:ffff::1]"}, "2001:db8:ffff::1"},
		"IPv6 with port":               {"[2001:db8:1::5]:1000", []string{"[2001:db8:ffff::1]:4711"}, "2001:db8:ffff::1"},
		"mapped peer":                  {"[::ffff:10.1.2.3]:1000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"mapped prefix":                {"192.168.7.7:1000", []string{"198.51.100.1"}, "198.51.100.1"},
		"zone":                         {"[fe80::1%eth0]:1000", nil, "fe80::1"},
		"Unix socket":                  {"@", []string{"198.51.100.1"}, ""},
		"nothing":                      {"", nil, ""},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := addrText(clientAddr(proxies, "")(r)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	r := &http.Request{RemoteAddr: "10.1.2.3:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
	if got := addrText(clientAddr(nil, "")(r)); got != "10.1.2.3" {
		t.Errorf("nobody is trusted: %q", got)
	}
}

func TestConnectionsPerAddressAreBounded(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.MaxPerIP = 2
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	token := f.token(auth.Claims{})
	from := func(ip string) []string { return []string{"X-Forwarded-For", ip} }
	dial := func(path, ip string) (int, func()) {
		c, resp, err := f.dialSocket(path, token, from(ip)...)
		if err != nil {
			return resp.StatusCode, nil
		}
		return resp.StatusCode, func() { _ = c.Close(1000, "") }
	}
	_, one := dial("/ws", "2001:db8::1")
	if status, _ := dial("/hubs/events", "2001:db8::2"); status != http.StatusSwitchingProtocols {
		t.Fatalf("at the bound: %d", status)
	}
	for _, path := range []string{"/ws", "/hubs/events", "/notifications/hub"} {
		if status, _ := dial(path, "2001:db8::3"); status != http.StatusTooManyRequests {
			t.Errorf("%s above the bound: %d", path, status)
		}
	}
	for _, path := range []string{"/events", "/events?wait=0"} {
		a := f.send(http.MethodGet, path, token, "", from("2001:db8::4")...)
		f.wantProblem(a, http.StatusTooManyRequests, "too-many-connections")
		if !strings.Contains(a.body, "max-connections-per-ip") {
			t.Errorf("the detail does not name the limit: %s", a.body)
		}
	}
	if a := f.send(http.MethodGet, "/events?wait=0", token, "", from("2001:db8:0:1::1")...); a.status != http.StatusOK {
		t.Errorf("another network: %d", a.status)
	}
	if a := f.send(http.MethodGet, "/events?wait=0", token, ""); a.status != http.StatusOK {
		t.Errorf("the proxy itself: %d", a.status)
	}
	if got := f.metric("hubline_ip_connections_rejected_total"); got != "5" {
		t.Errorf("rejected = %s", got)
	}
	// A place that is left can be taken, in a moment.
	one()
	for {
		if a := f.send(http.MethodGet, "/events?wait=0", token, "", from("2001:db8::5")...); a.status == http.StatusOK {
			break
		} else if a.status != http.StatusTooManyRequests {
			t.Fatalf("afterwards: %d", a.status)
		}
	}
}
