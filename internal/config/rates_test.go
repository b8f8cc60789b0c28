package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/internal/ratelimit"
)

func TestRatesFromEverySource(t *testing.T) {
	t.Setenv("HUBLINE_CONNECT_RATE_PER_IP", "7/s")
	p, err := parse(t, "api-rate: 500/m\nmessage-rate: 0\nforwarded-header: x-real-ip\n", "serve", "--request-rate-per-user", "3/2s")
	if err != nil {
		t.Fatal(err)
	}
	got := p.Serve.Config
	want := Default().Rates
	want.APIRate = ratelimit.Rate{Count: 500, Per: time.Minute}
	want.MessageRate = ratelimit.Rate{}
	want.ConnectRatePerIP = ratelimit.Rate{Count: 7, Per: time.Second}
	want.RequestRatePerUser = ratelimit.Rate{Count: 3, Per: 2 * time.Second}
	if diff := cmp.Diff(want, got.Rates); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.ForwardedHeader != "x-real-ip" {
		t.Errorf("forwarded-header = %q", got.ForwardedHeader)
	}
}

func TestBadRates(t *testing.T) {
	if _, err := parse(t, "", "serve", "--api-rate", "100"); err == nil || !strings.Contains(err.Error(), `"100" is not a rate such as 100/s, 600/m or 1000/10s, or 0 for no limit`) {
		t.Errorf("%v", err)
	}
	active, known := flagsOf(t, "serve")
	_, problems := parseFile("f.yaml", []byte("api-rate: 1.5\nmessage-rate: true\nforwarded-header: via\n"), active, known)
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	if diff := cmp.Diff([]string{
		`f.yaml:1: key "api-rate": expected a rate such as 100/s, got a fraction`,
		`f.yaml:2: key "message-rate": expected a rate such as 100/s, got true or false`,
		`f.yaml:3: key "forwarded-header": "via" is not one of x-forwarded-for, forwarded, x-real-ip`,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRatesAreValidated(t *testing.T) {
	c := Default()
	c.Data = ""
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.RateSubjects, c.MaxSocketsPerIP, c.MaxAnonymousConnections, c.MaxAnonymousConnectionsPerIP = 15, -1, -1, -1
	err := c.Validate()
	for _, flag := range []string{"rate-subjects", "max-sockets-per-ip", "max-anonymous-connections", "max-anonymous-connections-per-ip"} {
		if err == nil || !strings.Contains(err.Error(), "--"+flag+": ") {
			t.Errorf("%s is not complained of: %v", flag, err)
		}
	}
}
