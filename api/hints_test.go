package api

import (
	"net/http"
	"strings"
	"testing"

	"hubline/api/auth"
)

// A refusal says what was mixed up, where that can be seen.
func TestRefusalsNameTheMistake(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.BasePath = "/realtime" })
	token := f.token(auth.Claims{})
	for _, tt := range []struct {
		call, credentials string
		status            int
		slug, want        string
	}{
		{"POST /realtime/api/v1/users/anna/events", "hlk_other", 401, "token-invalid", "API key is not known"},
		{"POST /realtime/api/v1/users/anna/events", token[:60], 401, "token-invalid", "lacks exp or sub"},
		{"GET /realtime/events", keyAll, 401, "token-invalid", "Clients need a token"},
		{"POST /realtime/events/negotiate", keyAll, 401, "token-invalid", "Clients need a token"},
		{"POST /realtime/api/v1/channels/no%20news/events", keyPublish, 400, "channel-name", "A-Z"},
		{"POST /realtime/api/v1/channels/news/events", keyRead, 403, "scope", "publish"},
		{"GET /events", token, 404, "not-found", "begins with /realtime."},
		{"GET /realtimes/events", token, 404, "not-found", "begins with /realtime."},
		{"GET /realtime/nothing", token, 404, "not-found", "openapi.yaml"},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		base := f.url
		f := *f
		f.url = strings.TrimSuffix(base, "/realtime")
		a := f.send(method, path, tt.credentials, `{"type":"a"}`)
		if method == http.MethodGet {
			a = f.send(method, path, tt.credentials, "")
		}
		p := decode[Problem](t, a.body)
		if a.status != tt.status || p.Type != "/realtime/problems/"+tt.slug || !strings.Contains(p.Title+" "+p.Detail, tt.want) {
			t.Errorf("%s: %d %s, want %d and %q", tt.call, a.status, a.body, tt.status, tt.want)
		}
	}
}
