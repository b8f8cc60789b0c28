package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOrigins(t *testing.T) {
	listed := []string{"https://app.example", " HTTPS://Web.Example:443 ", "http://localhost:5173", "chrome-extension://abcdef", "http://[::1]:80"}
	tests := []struct {
		name   string
		list   []string
		origin []string
		host   string
		want   bool
	}{
		{"no header", nil, nil, "hub.example", true},
		{"same origin", nil, []string{"https://hub.example"}, "hub.example", true},
		{"same origin behind a proxy", nil, []string{"https://hub.example"}, "hub.example:443", true},
		{"same origin with port", nil, []string{"http://127.0.0.1:8080"}, "127.0.0.1:8080", true},
		{"same origin in another case", nil, []string{"https://HUB.example"}, "hub.Example", true},
		{"same host, other port", nil, []string{"http://127.0.0.1:8081"}, "127.0.0.1:8080", false},
		{"port 80 is not the default of https", nil, []string{"https://hub.example:80"}, "hub.example", false},
		{"other site", nil, []string{"https://evil.example"}, "hub.example", false},
		{"site that ends alike", nil, []string{"https://evilhub.example"}, "hub.example", false},
		{"site that begins alike", nil, []string{"https://hub.example.evil"}, "hub.example", false},
		{"login in front", nil, []string{"https://hub.example@evil.example"}, "hub.example", false},
		{"null", nil, []string{"null"}, "hub.example", false},
		{"empty", nil, []string{""}, "hub.example", false},
		{"empty host", nil, []string{"https://"}, "", false},
		{"two headers", nil, []string{"https://hub.example", "https://hub.example"}, "hub.example", false},
		{"listed", listed, []string{"https://app.example"}, "hub.example", true},
		{"listed with default port", listed, []string{"https://web.example"}, "hub.example", true},
		{"listed with port", listed, []string{"http://localhost:5173"}, "hub.example", true},
		{"listed extension", listed, []string{"chrome-extension://abcdef"}, "hub.example", true},
		{"listed IPv6", listed, []string{"http://[::1]"}, "hub.example", true},
		{"listed, other scheme", listed, []string{"http://app.example"}, "hub.example", false},
		{"listed, other port", listed, []string{"https://app.example:8443"}, "hub.example", false},
		{"below a listed one", listed, []string{"https://x.app.example"}, "hub.example", false},
		{"with path", listed, []string{"https://app.example/x"}, "hub.example", false},
		{"null, not listed", listed, []string{"null"}, "hub.example", false},
		{"null, listed", []string{"null"}, []string{"null"}, "hub.example", true},
		{"star", []string{"*"}, []string{"https://anything.example"}, "hub.example", true},
		{"star and null", []string{"*"}, []string{"null"}, "hub.example", true},
		{"too long", listed, []string{"https://" + strings.Repeat("a", maxOriginBytes)}, "hub.example", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := ParseOrigins(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/events", nil)
			r.Host = tt.host
			for _, origin := range tt.origin {
				r.Header.Add("Origin", origin)
			}
			if got := o.Allowed(r); got != tt.want {
				t.Errorf("Allowed = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseOriginsReportsEveryProblem(t *testing.T) {
	_, err := ParseOrigins([]string{
		"*", "https://app.example/", "app.example", "https://*.example", "https://müller.example", "https://a.example?x", "//b.example", "https://u@c.example", "https://d.example:", "",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`"*" allows every origin`, `"https://app.example/": has more than`, `"app.example": is not`, "has a wildcard", "xn--", `a.example?x": has more`, `"//b.example": is not`, `c.example": has more`, `"https://d.example:": is not`, `"": is not`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestOriginsBound(t *testing.T) {
	list := make([]string, maxOrigins+1)
	for i := range list {
		list[i] = fmt.Sprintf("https://h%d.example", i)
	}
	if _, err := ParseOrigins(list[:maxOrigins]); err != nil {
		t.Error(err)
	}
	if _, err := ParseOrigins(list); err == nil {
		t.Error("a longer list was accepted")
	}
}

func TestOriginsForCORS(t *testing.T) {
	o, err := ParseOrigins([]string{"https://b.example", "https://A.example:443"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://a.example", "https://b.example"}, o.Strings()); diff != "" {
		t.Errorf("Strings (-want +got):\n%s", diff)
	}
	if o.Any() || !o.Contains("https://a.example") || o.Contains("https://c.example") || o.Contains("") {
		t.Error("Contains")
	}
	star, err := ParseOrigins([]string{"*"})
	if err != nil || !star.Any() || star.Strings()[0] != "*" {
		t.Errorf("star: %v, %v", star, err)
	}
	var zero Origins
	if zero.Any() || zero.Contains("https://a.example") || len(zero.Strings()) != 0 {
		t.Error("the zero value allows something")
	}
}
