package api

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"hubline/api/auth"
)

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

var testProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}

func TestForwarded(t *testing.T) {
	client := clientAddr(testProxies, headerForwarded)
	for name, tt := range map[string]struct {
		headers []string
		want    string
	}{
		"nothing":                     {nil, "10.1.2.3"},
		"plain":                       {[]string{"for=198.51.100.1"}, "198.51.100.1"},
		"with more":                   {[]string{"for=198.51.100.1;proto=https;by=203.0.113.43"}, "198.51.100.1"},
		"at the end":                  {[]string{"proto=https; For=198.51.100.1"}, "198.51.100.1"},
		"port":                        {[]string{`for="198.51.100.1:4711"`}, "198.51.100.1"},
		"IPv6":                        {[]string{`for="[2001:db8:ffff::1]"`}, "2001:db8:ffff::1"},
		"IPv6 with port":              {[]string{`for="[2001:db8:ffff::1]:4711";proto=http`}, "2001:db8:ffff::1"},
		"forged in front":             {[]string{"for=1.1.1.1, for=198.51.100.1"}, "198.51.100.1"},
		"two proxies":                 {[]string{`for=198.51.100.1, for="[2001:db8:1::5]"`}, "198.51.100.1"},
		"two headers":                 {[]string{"for=1.1.1.1", "for=198.51.100.1,for=10.9.9.9"}, "198.51.100.1"},
		"an open quote in front":      {[]string{`for="1.1.1.1, for=198.51.100.1`}, "198.51.100.1"},
		"an open quote, and quoted":   {[]string{`for="1.1.1.1, for="198.51.100.1:80"`}, "198.51.100.1"},
		"a backslash in front":        {[]string{`for=1.1.1.1\, for="198.51.100.1:80"`}, "198.51.100.1"},
		"separators in quotes":        {[]string{`for=198.51.100.1;host="a,b;for=1.1.1.1"`}, "198.51.100.1"},
		"an escaped quote":            {[]string{`for=198.51.100.1;host="a\",for=1.1.1.1"`}, "198.51.100.1"},
		"unknown":                     {[]string{"for=unknown"}, "10.1.2.3"},
		"an obfuscated name":          {[]string{"for=1.1.1.1, for=_gazonk"}, "10.1.2.3"},
		"no for":                      {[]string{"for=1.1.1.1, proto=https"}, "10.1.2.3"},
		"for twice":                   {[]string{"for=1.1.1.1;for=198.51.100.1"}, "10.1.2.3"},
		"half a quote":                {[]string{`for="198.51.100.1`}, "10.1.2.3"},
		"empty":                       {[]string{""}, "10.1.2.3"},
		"a comma at the end":          {[]string{"for=1.1.1.1,"}, "10.1.2.3"},
		"another header's syntax":     {[]string{"198.51.100.1"}, "10.1.2.3"},
		"as IPv6":                     {[]string{`for="[::ffff:198.51.100.1]"`}, "198.51.100.1"},
		"a zone":                      {[]string{`for="[fe80::1%25eth0]"`}, "fe80::1"},
		"all are proxies, says it":    {[]string{"for=10.7.7.7, for=10.9.9.9"}, "10.7.7.7"},
		"what stands behind is blank": {[]string{"for=198.51.100.1 "}, "198.51.100.1"},
	} {
		r := &http.Request{RemoteAddr: "10.1.2.3:1000", Header: http.Header{"Forwarded": tt.headers, "X-Forwarded-For": {"1.2.3.4"}, "X-Real-Ip": {"1.2.3.5"}}}
		if got := addrText(client(r)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		r.RemoteAddr = "203.0.113.9:1000"
		if got := addrText(client(r)); got != "203.0.113.9" {
			t.Errorf("%s, from somebody: %q", name, got)
		}
	}
}

// Only the header that was asked for counts: the others a proxy lets through as the
// client sent them.
func TestOneHeaderIsBelieved(t *testing.T) {
	all := http.Header{"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=198.51.100.2"}, "X-Real-Ip": {"198.51.100.3"}}
	for header, want := range map[string]string{"": "198.51.100.1", "x-forwarded-for": "198.51.100.1", headerForwarded: "198.51.100.2", headerRealIP: "198.51.100.3"} {
		if got := addrText(clientAddr(testProxies, header)(&http.Request{RemoteAddr: "10.1.2.3:1", Header: all})); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
		if got := addrText(clientAddr(testProxies, header)(&http.Request{RemoteAddr: "10.1.2.3:1", Header: http.Header{}})); got != "10.1.2.3" {
			t.Errorf("%q, and no header: %q", header, got)
		}
		if got := addrText(clientAddr(nil, header)(&http.Request{RemoteAddr: "10.1.2.3:1", Header: all})); got != "10.1.2.3" {
			t.Errorf("%q, and nobody is trusted: %q", header, got)
		}
	}
	real := clientAddr(testProxies, headerRealIP)
	for value, want := range map[string]string{"198.51.100.3:80": "198.51.100.3", "1.1.1.1, 198.51.100.3": "10.1.2.3", "x": "10.1.2.3", "": "10.1.2.3", "[2001:db8::1]": "2001:db8::1"} {
		if got := addrText(real(&http.Request{RemoteAddr: "10.1.2.3:1", Header: http.Header{"X-Real-Ip": {value}}})); got != want {
			t.Errorf("X-Real-IP: %q is %q, want %q", value, got, want)
		}
	}
}

// What echo tells handlers is what the server goes by.
func TestEchoBelievesNobodyEither(t *testing.T) {
	f := newFixture(t)
	r := f.request(http.MethodGet, "/", "", "", "X-Forwarded-For", "1.1.1.1", "X-Forwarded-Proto", "https", "X-Real-Ip", "1.1.1.1")
	r.RemoteAddr = "192.0.2.1:80"
	c := f.api.echo.NewContext(r, nil)
	if c.RealIP() != "192.0.2.1" || c.Scheme() != "http" {
		t.Errorf("%s, %s", c.RealIP(), c.Scheme())
	}
}

// Negotiated addresses are paths: nothing that a proxy or a client says about host
// and scheme gets into them.
func TestNegotiatedAddressesHaveNoHost(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	a := f.send(http.MethodPost, "/events/negotiate", f.token(auth.Claims{}), "", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.example;proto=gopher")
	if a.status != http.StatusOK || strings.Contains(a.body, "evil") || strings.Contains(a.body, "gopher") || !strings.Contains(a.body, `"url":"/events?id=`) {
		t.Errorf("%+v", a)
	}
}

// FuzzClientAddress: whatever a client sends, the proxies behind it append to it,
// and what they have written is what counts.
func FuzzClientAddress(f *testing.F) {
	for _, s := range []string{"", "1.1.1.1", "for=1.1.1.1", `for="`, `"`, `\`, `\"`, ",", ";", `for="[::1]`, "10.0.0.1", "for=10.0.0.1", strings.Repeat(`"\,;`, 50)} {
		f.Add(s, false)
		f.Add(s, true)
	}
	plain, forwarded, real := clientAddr(testProxies, ""), clientAddr(testProxies, headerForwarded), clientAddr(testProxies, headerRealIP)
	f.Fuzz(func(t *testing.T, forged string, apart bool) {
		join := func(own string) []string { // as one header, or as two
			if apart {
				return []string{forged, own}
			}
			return []string{forged + ", " + own}
		}
		for want, own := range map[string]string{
			"198.51.100.1": `for=198.51.100.1`, "198.51.100.2": `for="198.51.100.2:80";host="a,\"b";proto=http`,
			"2001:db8:ffff::1": `for="[2001:db8:ffff::1]", for=10.9.9.9`,
		} {
			r := &http.Request{RemoteAddr: "10.1.2.3:1000", Header: http.Header{"Forwarded": join(own), "X-Forwarded-For": {forged}, "X-Real-Ip": {forged}}}
			if got := addrText(forwarded(r)); got != want {
				t.Fatalf("Forwarded: %q is from %q, want %q", r.Header["Forwarded"], got, want)
			}
		}
		for want, own := range map[string]string{"198.51.100.1": "198.51.100.1", "2001:db8:ffff::1": "[2001:db8:ffff::1]:80, 10.9.9.9"} {
			r := &http.Request{RemoteAddr: "10.1.2.3:1000", Header: http.Header{"X-Forwarded-For": join(own), "Forwarded": {forged}, "X-Real-Ip": {forged}}}
			if got := addrText(plain(r)); got != want {
				t.Fatalf("X-Forwarded-For: %q is from %q, want %q", r.Header["X-Forwarded-For"], got, want)
			}
		}
		// A client that comes without a proxy is itself.
		header := http.Header{"X-Forwarded-For": {forged}, "Forwarded": {forged}, "X-Real-Ip": {forged}}
		for _, of := range []func(*http.Request) netip.Addr{plain, forwarded, real} {
			if got := addrText(of(&http.Request{RemoteAddr: "203.0.113.9:1", Header: header})); got != "203.0.113.9" {
				t.Fatalf("%q is believed: %s", forged, got)
			}
		}
	})
}
