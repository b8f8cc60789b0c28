package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string // empty: none
	}{
		{"the defaults", func(*Config) {}, ""},
		{"just enough", func(c *Config) { c.ClientTimeout, c.PingInterval = 30*time.Second, 15*time.Second }, ""},
		{"impatient", func(c *Config) { c.ClientTimeout = 29 * time.Second }, "client-timeout is 29s"},
		{"quiet", func(c *Config) { c.PingInterval, c.ClientTimeout = 16*time.Second, time.Minute }, "ping-interval is 16s"},
		{"a network of proxies", func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, ""},
		{"a cookie for everybody", func(c *Config) { c.TokenCookie, c.AllowedOrigins = "s", []string{"*"} }, "token-cookie does not count"},
		{"a cookie for one site", func(c *Config) { c.TokenCookie, c.AllowedOrigins = "s", []string{"https://a.example"} }, ""},
		{"everybody a proxy", func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::/0")} }, "trusted-proxies has ::/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			tt.change(&c)
			got := strings.Join(c.Warnings(), "\n")
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
