package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hubline/api/auth"
)

// TestSecretsAreNotRepeated sends secrets wherever one may stand, in requests
// that succeed and in ones that do not, and looks for them in every answer and
// in the log, which the fixture keeps at its most talkative.
func TestSecretsAreNotRepeated(t *testing.T) {
	f := newFixture(t, origins("https://app.example"))
	token := f.token(auth.Claims{})
	foreign := must(auth.Sign([]byte(strings.Repeat("x", 32)), auth.Claims{User: "anna"}))
	ticket := f.negotiate(token, "").ConnectionToken
	spent := f.negotiate(token, "").ConnectionToken
	f.send(http.MethodGet, "/events?wait=0&id="+spent, "", "")
	hub := decode[offer](t, f.send(http.MethodPost, "/hub/negotiate?negotiateVersion=1", token, "").body).ConnectionToken
	secrets := []string{token, foreign, ticket, spent, hub, keyAll, "hlk_unknown"}

	for _, secret := range secrets {
		q := url.QueryEscape(secret)
		for _, call := range []string{
			"GET /events?wait=0&access_token=", "GET /events?wait=0&id=", "GET /events?wait=0&since=", "GET /events?wait=0&types=%00", "GET /ws?access_token=", "GET /nothing?access_token=",
			"GET /", "GET /problems/", "POST /events/negotiate?access_token=", "POST /events/negotiate?transports=", "POST /hub/negotiate?access_token=", "POST /hub/negotiate?negotiateVersion=",
			"GET /hub?id=", "POST /hub?id=", "DELETE /hub?id=", "POST /hub?access_token=", "GET /hub?since=", "PUT /events?access_token=",
			"POST /api/v1/broadcasts?access_token=", "GET /api/v1/users/anna/events?token=", "GET /api/v1/users/anna/events?since=", "POST /api/v1/users/anna/events?api_key=",
		} {
			method, path, _ := strings.Cut(call, " ")
			for _, header := range []string{"", secret} {
				a := f.send(method, path+q, header, "")
				if strings.Contains(a.body, secret) {
					t.Errorf("%s…: the answer repeats the secret: %s", call, a.body)
				}
				for name, values := range a.header {
					if strings.Contains(strings.Join(values, " "), secret) {
						t.Errorf("%s…: the header %s repeats the secret", call, name)
					}
				}
			}
		}
		body := `{"type":"a","id":` + secret + `,"` + secret + `":"` + secret
		if a := f.send(http.MethodPost, "/api/v1/broadcasts", keyAll, body); strings.Contains(a.body, secret) {
			t.Errorf("a broken body is repeated: %s", a.body)
		}
		_, _, _ = f.dialSocket("/hub?id="+q+"&access_token="+q, "") // the log is what counts
		if strings.Contains(f.logs.String(), secret) || strings.Contains(f.logs.String(), q) {
			t.Errorf("a secret is in the log:\n%s", f.logs)
		}
	}
}
