package proxies

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"hubline/test/internal/harness"
)

// caller is a client with an address of its own on the loopback network.
type caller struct {
	url, addr, token string
	from             net.IP
	forged           string // X-Forwarded-For that it sends itself
}

// call opens an event stream and returns the status and what closes the stream.
func (c caller) call(t *testing.T) (int, func()) {
	t.Helper()
	local := &net.Dialer{LocalAddr: &net.TCPAddr{IP: c.from}}
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return local.DialContext(ctx, network, c.addr)
	}}
	r, err := http.NewRequestWithContext(limited(t), http.MethodGet, c.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if c.forged != "" {
		r.Header.Set("X-Forwarded-For", c.forged)
	}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	hangUp := func() {
		resp.Body.Close()
		tr.CloseIdleConnections()
	}
	t.Cleanup(hangUp)
	return resp.StatusCode, hangUp
}

// want opens a stream and checks the status.
func (c caller) want(t *testing.T, status int) func() {
	t.Helper()
	got, hangUp := c.call(t)
	if got != status {
		t.Fatalf("from %v forging %q: status %d, want %d", c.from, c.forged, got, status)
	}
	return hangUp
}

func local(n byte) net.IP { return net.IPv4(127, 0, 0, n) }

// What a client says about its own address is never believed, nor what a proxy says
// that is not trusted. With one connection an address, the limit tells which address
// counts.
func TestForwardedForIsBelievedFromTrustedProxiesOnly(t *testing.T) {
	t.Run("nobody is trusted", func(t *testing.T) {
		s := harness.Start(t, "--max-connections-per-ip", "1", "--drain-timeout", "2s")
		c := caller{url: s.URL, addr: s.Addr, token: s.Token("u"), from: local(2)}
		c.want(t, http.StatusOK)
		c.forged = "198.51.100.7"
		c.want(t, http.StatusTooManyRequests)
		c.from = local(3)
		c.want(t, http.StatusOK)
	})
	for _, p := range products {
		t.Run(p.name+" is not trusted", func(t *testing.T) {
			e := startEdge(t, p, "--max-connections-per-ip", "1")
			c := caller{url: string(siteRoot), addr: e.addr, token: e.root.Token("u"), from: local(2)}
			c.want(t, http.StatusOK)
			c.from, c.forged = local(3), "198.51.100.7"
			c.want(t, http.StatusTooManyRequests) // both are the proxy
		})
		t.Run(p.name+" is trusted", func(t *testing.T) {
			e := startEdge(t, p, "--max-connections-per-ip", "1", "--trusted-proxies", "127.0.0.1/32", "--ping-interval", "1s")
			c := caller{url: string(siteRoot), addr: e.addr, token: e.root.Token("u"), from: local(2)}
			hangUp := c.want(t, http.StatusOK)
			c.want(t, http.StatusTooManyRequests)
			c.forged = "198.51.100.7"
			c.want(t, http.StatusTooManyRequests) // the client's own word, in front of the proxy's
			c.forged, c.from = "", local(3)
			c.want(t, http.StatusOK)

			direct := caller{url: e.root.URL, addr: e.root.Addr, token: c.token, from: local(4), forged: "198.51.100.8"}
			direct.want(t, http.StatusOK)
			direct.forged = "198.51.100.9"
			direct.want(t, http.StatusTooManyRequests) // past the proxy: nobody is believed

			// A client that leaves makes room, as soon as the proxy tells.
			hangUp()
			c.from = local(2)
			for deadline := time.Now().Add(harness.Patience()); ; {
				status, drop := c.call(t)
				if status == http.StatusOK {
					break
				}
				drop()
				if time.Now().After(deadline) {
					t.Fatalf("status is still %d after the client has left", status)
				}
				pause(t, e.based)
			}
		})
	}
}
