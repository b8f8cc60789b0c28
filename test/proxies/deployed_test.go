package proxies

import (
	"fmt"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// Everything that a user of the files in deploy/ needs gets through, with each of the
// proxies that is here.
func TestDeployedConfigurations(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			e := startEdge(t, p)
			for name, test := range map[string]func(*testing.T, *edge){
				"events":         testEvents,
				"change":         testChangeOfTransport,
				"tickets":        testTickets,
				"hubs":           testHubs,
				"publish":        testPublish,
				"origin":         testOrigin,
				"the other site": testTheOtherSite,
				"http 2":         testHTTP2,
			} {
				t.Run(name, func(t *testing.T) { test(t, e) })
			}
		})
	}
}

// carry checks that events published past the proxy come through it, live and while
// nothing else is sent.
func carry(t *testing.T, s *harness.Server, transport, user string, o client.Options) {
	t.Helper()
	o.Since = "latest"
	r := newReader(t, transport, o)
	r.welcome()
	for n := range 3 {
		r.want(s.Publish(user, "t", fmt.Sprint(n)).Seq)
	}
	big := s.Publish(user, "t", `"`+strings.Repeat("x", 200_000)+`"`)
	r.want(big.Seq)
	r.want(s.Publish(user, "t", "0").Seq)
}

// eachTransport runs a test for every native transport.
func eachTransport(t *testing.T, test func(t *testing.T, transport string)) {
	t.Helper()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) { test(t, transport) })
	}
}

// eachSite runs a test for both sites that have the native endpoint.
func eachSite(t *testing.T, test func(t *testing.T, s site)) {
	t.Helper()
	for _, s := range []site{siteRoot, siteSubpath} {
		t.Run(s.host(), func(t *testing.T) { test(t, s) })
	}
}

func testEvents(t *testing.T, e *edge) {
	eachSite(t, func(t *testing.T, s site) {
		eachTransport(t, func(t *testing.T, transport string) {
			carry(t, e.server(s), transport, transport, e.options(s, transport))
		})
	})
}

// The same client goes from transport to transport.
func testChangeOfTransport(t *testing.T, e *edge) {
	eachSite(t, func(t *testing.T, s site) {
		r := newReader(t, "", e.options(s, "wanderer"))
		for n := range 9 {
			r.transport = transports[n%len(transports)]
			r.want(e.server(s).PublishMany("wanderer", "t", 5).Seq)
			if n%2 == 0 {
				r.tear()
			} else {
				r.leave()
			}
		}
	})
}

// The addresses in the answer of negotiate are good as they are.
func testTickets(t *testing.T, e *edge) {
	names := map[string]string{"sse": "ServerSentEvents", "ws": "WebSockets", "poll": "LongPolling"}
	eachSite(t, func(t *testing.T, s site) {
		eachTransport(t, func(t *testing.T, transport string) {
			user := "ticket-" + transport
			want := e.server(s).Publish(user, "t", "1")
			offer, err := client.Negotiate(limited(t), e.options(s, user))
			if err != nil {
				t.Fatal(err)
			}
			e.server(s).Hide(offer.ConnectionToken)
			r := newReader(t, transport, client.Options{
				URL: "https://" + s.host(), Address: e.addr, Path: offer.URL(names[transport]),
			})
			r.want(want.Seq)
		})
	})
}

// SignalR's three transports, at the generic hub, and at that of the Bitwarden family
// with and without the prefix.
func testHubs(t *testing.T, e *edge) {
	for _, tt := range []struct {
		s            site
		path         string
		kind, target string
	}{
		{siteRoot, "/hubs/events", "order.paid", "order.paid"},
		{siteRoot, "/notifications/hub", "5", "ReceiveMessage"},
		{siteRoot, "/hub", "5", "ReceiveMessage"}, // what is left when the prefix is stripped
		{siteSubpath, "/hubs/events", "order.paid", "order.paid"},
		{siteVault, "/notifications/hub", "5", "ReceiveMessage"},
	} {
		for _, transport := range []string{"ServerSentEvents", "LongPolling", "WebSockets"} {
			t.Run(tt.s.host()+tt.path+" "+transport, func(t *testing.T) {
				server := e.server(tt.s)
				user := strings.ReplaceAll(t.Name(), "/", "-")
				h := openHub(t, e.addr, string(tt.s)+tt.path, server.Token(user), transport)
				for n := range 3 {
					text := fmt.Sprintf(`{"n":%d}`, n)
					server.Publish(user, tt.kind, text)
					h.wantInvocation(tt.target, text)
				}
			})
		}
	}
}
