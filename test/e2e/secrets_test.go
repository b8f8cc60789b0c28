package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// Tokens and tickets appear neither in logs, nor in metrics, nor in errors. Every
// test searches its server's output for the secrets that it used; this one uses
// them where they could slip through.
func TestSecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	bad := s.Token("alice", harness.Claims{"exp": 1}) // refused
	offer := negotiate(t, s, token)
	connect(t, s, "sse", client.Options{Path: offer.URL("ServerSentEvents")})
	requests := []string{
		"/events?wait=0&access_token=" + token, "/events?wait=0&access_token=" + bad, "/ws?access_token=" + token, "/ws?access_token=" + bad,
		"/events?since=x&access_token=" + token, "/events?wait=0&id=" + offer.ConnectionToken, "/nothing?access_token=" + token,
		"/nothing/" + token, "/?access_token=" + token, "/hubs/events?access_token=" + token, "/hubs/events?id=" + offer.ConnectionToken,
		"/notifications/hub?access_token=" + token, "/healthz?access_token=" + token, "/metrics?access_token=" + token,
		"/events?ACCESS_TOKEN=" + bad, "/events?wait=0&access%5Ftoken=" + bad,
		"/api/v1/users/alice/events?access_token=" + s.APIKey, "/problems/" + token,
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodOptions} {
		for _, path := range requests {
			a := s.Do(method, path, "", "", "Origin", "https://evil.example", "Referer", s.URL+path)
			text := fmt.Sprint(a.Header) + string(a.Body)
			for _, secret := range []string{token, bad, offer.ConnectionToken, s.APIKey} {
				if strings.Contains(text, secret) {
					t.Errorf("%s %.40s… answers with a secret: %d %.200s", method, path, a.Status, text)
				}
			}
		}
	}
	// Broken requests, of which the HTTP server itself may complain.
	for _, text := range []string{
		"GET /events?access_token=" + token + " HTTP/9.9\r\n\r\n",
		"GET /events?access_token=" + token + "\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\x01\r\n\r\n",
		"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization Bearer " + token + "\r\n\r\n",
	} {
		c := dialRaw(t, s)
		_, _ = c.Write([]byte(text))
		_, _ = c.Read(make([]byte, 1<<10))
		c.Close()
	}
	a := s.Do(http.MethodGet, "/metrics", "", "")
	for _, secret := range []string{token, bad, offer.ConnectionToken, s.APIKey, string(s.Secret), "alice"} {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the metrics contain %.12s…", secret)
		}
	}
}
