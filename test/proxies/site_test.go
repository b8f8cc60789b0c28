package proxies

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// fetch sends a request to the site through the proxy.
func (e *edge) fetch(t *testing.T, s site, method, path string, body string, header ...string) *harness.Answer {
	t.Helper()
	tr := &http.Transport{DialContext: e.dial}
	defer tr.CloseIdleConnections()
	r, err := http.NewRequestWithContext(limited(t), method, string(s)+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := (&http.Client{Transport: tr, Timeout: harness.Patience()}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &harness.Answer{Status: resp.StatusCode, Header: resp.Header, Body: b}
}

// dial connects to the proxy whatever the address.
func (e *edge) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, e.addr)
}

// A backend may publish through the proxy too, to any user and as much as allowed.
func testPublish(t *testing.T, e *edge) {
	eachSite(t, func(t *testing.T, s site) {
		server := e.server(s)
		auth := "Bearer " + server.APIKey
		// The user's name arrives as it was sent: both reach the same log.
		for _, user := range []string{"alice", "a/b", "a b%", "ä", "..", "a;b=c"} {
			first := server.Publish(user, "t", "1")
			a := e.fetch(t, s, http.MethodPost, harness.EventsPath(user), `{"type":"t"}`, "Authorization", auth)
			var second harness.Receipt
			if a.Status == http.StatusCreated {
				a.JSON(t, &second)
			}
			if second.Seq != first.Seq+1 {
				t.Errorf("publish to %q: %d %s, want seq %d", user, a.Status, a.Body, first.Seq+1)
			}
		}
		line := `{"user":"many","event":{"type":"t","data":"` + strings.Repeat("x", 100_000) + `"}}` + "\n"
		a := e.fetch(t, s, http.MethodPost, "/api/v1/events:batch", strings.Repeat(line, 75),
			"Authorization", auth, "Content-Type", "application/x-ndjson")
		if a.Status != http.StatusOK || strings.Count(string(a.Body), `"seq"`) != 75 {
			t.Errorf("batch of 7.5 MB: %d %.300s", a.Status, a.Body)
		}
	})
}

// The server's own page may connect, without any --allowed-origins; others may not.
func testOrigin(t *testing.T, e *edge) {
	eachSite(t, func(t *testing.T, s site) {
		for _, transport := range []string{"sse", "ws"} {
			o := e.options(s, "page")
			o.Header = http.Header{"Origin": {"https://" + s.host()}}
			newReader(t, transport, o).want(e.server(s).Publish("page", "t", "1").Seq)
			o.Header = http.Header{"Origin": {"https://elsewhere.example.org"}}
			if _, err := dial(limited(t), transport, o); status(err) != http.StatusForbidden {
				t.Errorf("%s: a page from elsewhere is answered %v, want 403", transport, err)
			}
		}
	})
	if e.name == "nginx" { // where $host has no port
		o := e.options(siteRoot, "port")
		o.URL = "https://" + e.addr
		o.Header = http.Header{"Origin": {o.URL}}
		newReader(t, "ws", o).want(e.root.Publish("port", "t", "1").Seq)
	}
}

// status is that of a refusal, else 0.
func status(err error) int {
	if r, ok := err.(*client.Refused); ok { //nolint:errorlint // the clients do not wrap it
		return r.Status
	}
	return 0
}

// What shares a name with Hubline is still reached, and what is not for everybody is
// not.
func testTheOtherSite(t *testing.T, e *edge) {
	for _, s := range []site{"https://" + site(siteSubpath.host()), siteVault} {
		if a := e.fetch(t, s, http.MethodGet, "/index", ""); string(a.Body) != "the app at /index" {
			t.Errorf("%s: %d %s", s, a.Status, a.Body)
		}
	}
	for _, s := range []site{siteRoot, siteSubpath} {
		if a := e.fetch(t, s, http.MethodGet, "/healthz", ""); string(a.Body) != "ok\n" {
			t.Errorf("%s/healthz: %d %s", s, a.Status, a.Body)
		}
		if a := e.fetch(t, s, http.MethodGet, "/metrics", ""); a.Status == http.StatusOK {
			t.Errorf("%s/metrics is there for everybody", s)
		}
	}
	for _, path := range []string{"/notifications/metrics", "/notifications/api/v1/broadcasts", "/notifications/events"} {
		if a := e.fetch(t, siteVault, http.MethodGet, path, ""); a.Status != http.StatusNotFound {
			t.Errorf("%s%s: %d, want 404", siteVault, path, a.Status)
		}
	}
}

// Browsers speak HTTP/2 to the proxy: many streams share a connection.
func testHTTP2(t *testing.T, e *edge) {
	if !e.http2 {
		t.Skip("deploy/ has it without HTTP/2")
	}
	tr := &http.Transport{DialContext: e.dial, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	defer tr.CloseIdleConnections()
	token := e.root.Token("h2")
	var streams []*client.SSEParser
	for range 10 {
		r, err := http.NewRequestWithContext(limited(t), http.MethodGet, string(siteRoot)+"/events?since=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := tr.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK {
			t.Fatalf("answer = %s %s, want HTTP/2 200", resp.Proto, resp.Status)
		}
		streams = append(streams, client.NewSSEParser(resp.Body))
	}
	want := e.root.Publish("h2", "t", "1")
	for _, stream := range streams {
		for {
			m, err := stream.Next()
			if err != nil {
				t.Fatal(err)
			}
			if m.Kind == client.Event {
				if m.ID != want.ID {
					t.Errorf("got event %s, want %s", m.ID, want.ID)
				}
				break
			}
		}
	}
}
