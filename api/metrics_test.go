package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"hubline/api/auth"
)

func TestMetricsNameNobody(t *testing.T) {
	f := newFixture(t)
	user, token := "secretary", f.token(auth.Claims{User: "secretary", Device: "phone-4711"})
	f.publish(user, `{"type":"private.kind","data":"private data","id":"private-id"}`)
	c := f.socket("/ws?since=0", token)
	message(t, c)
	ticket := f.negotiate(token, "").ConnectionToken
	f.send(http.MethodGet, "/events?wait=0&since=0", token, "")
	f.send(http.MethodGet, "/nothing/secretary", "", "")
	f.send(http.MethodPost, "/api/v1/broadcasts", "hlk_wrong", "")
	text := f.send(http.MethodGet, "/metrics", "", "").body
	for _, secret := range []string{user, "phone-4711", "private", token, ticket, "nothing", "hlk_", "eyJ"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
	labels := regexp.MustCompile(`[{,]([a-z_]+)="([^"]*)"`)
	for _, m := range labels.FindAllStringSubmatch(text, -1) {
		ok := false
		switch m[1] {
		case "type":
			_, ok = problemsBySlug[m[2]]
		case "transport":
			ok = slices.Contains([]string{"ws", "sse", "poll"}, m[2])
		case "reason":
			ok = slices.Contains([]string{
				"client_closed", "lost", "done", "drain", "expiry", "revoked", "disconnected", "replaced", "slow", "timeout", "handshake",
				"protocol_error", "too_large", "internal",
			}, m[2])
		case "limit":
			ok = slices.Contains([]string{limitAPI, limitConnect, limitRequest, limitAuthFailure}, m[2])
		case "hub":
			ok = m[2] == "events" || m[2] == "bitwarden"
		}
		if !ok {
			t.Errorf("label %s=%q is of no closed set", m[1], m[2])
		}
	}
	for name, want := range map[string]string{
		"hubline_connections": "1", "hubline_users_online": "1", "hubline_negotiated": "1", "hubline_log_users": "1", "hubline_log_events": "1",
		"hubline_events_published_total": "1", "hubline_events_delivered_total": "0", "hubline_events_replayed_total": "2",
		`hubline_connections_opened_total{transport="ws"}`: "1", `hubline_connections_opened_total{transport="poll"}`: "1", `hubline_connections_opened_total{transport="sse"}`: "0",
		`hubline_api_problems_total{type="not-found"}`: "1", `hubline_api_problems_total{type="token-invalid"}`: "1", `hubline_api_problems_total{type="too-large"}`: "0",
		"hubline_panics_total": "0", "hubline_idempotency_keys": "1", // the event's own id
		`hubline_connections_closed_total{reason="done",transport="poll"}`: "1", `hubline_connections_closed_total{reason="slow",transport="ws"}`: "0",
	} {
		if got := f.metric(name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(must(f.reg.Gather())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
