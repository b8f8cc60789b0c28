package proxies

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hubline/test/internal/client"
)

// Tokens and tickets stand in URLs where browsers leave no other place. They must
// not get into the proxy's logs, not even when something goes wrong.
func TestNoTokensInTheProxysLogs(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			e := startEdge(t, p)
			var secrets []string
			for _, transport := range transports {
				o := e.options(siteRoot, transport)
				o.InQuery = true
				newReader(t, transport, o).want(e.root.Publish(transport, "t", "1").Seq)
				secrets = append(secrets, o.Token)

				// And one with a ticket, used twice: the second time in vain.
				offer, err := client.Negotiate(limited(t), o)
				if err != nil {
					t.Fatal(err)
				}
				secrets = append(secrets, offer.ConnectionToken)
				for _, want := range []int{http.StatusOK, http.StatusUnauthorized} {
					if a := e.fetch(t, siteRoot, http.MethodGet, strings.ReplaceAll(offer.URL("LongPolling"), "wait=25", "wait=0"), ""); a.Status != want {
						t.Errorf("ticket: %d %s, want %d", a.Status, a.Body, want)
					}
				}
				h := openHub(t, e.addr, string(siteVault)+"/notifications/hub", e.root.Token("hub"),
					map[string]string{"sse": "ServerSentEvents", "ws": "WebSockets", "poll": "LongPolling"}[transport])
				h.closed = true // the server is gone before the test ends
				secrets = append(secrets, strings.TrimPrefix(h.id, "id="))
			}
			// A server that dies under its streams, and is not there for the next ones.
			e.root.Kill()
			token := e.root.Token("late")
			for _, path := range []string{"/events", "/ws", "/hubs/events", "/api/v1/broadcasts"} {
				a := e.fetch(t, siteRoot, http.MethodGet, path+"?access_token="+url.QueryEscape(token), "")
				if a.Status < http.StatusInternalServerError {
					t.Errorf("%s without a server: %d %s", path, a.Status, a.Body)
				}
			}
			e.prog.stop(t)
			logs := e.logs(t)
			for _, path := range []string{"/events", "/ws", "/hub"} {
				if !strings.Contains(logs, path) {
					t.Errorf("nothing is logged about %s: this test shows nothing", path)
				}
			}
			for _, secret := range append(secrets, token) {
				if i := strings.Index(logs, secret); i >= 0 {
					t.Errorf("a secret is in the logs: …%s…", logs[max(0, i-200):i+20])
				}
			}
		})
	}
}
