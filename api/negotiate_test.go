package api

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/api/auth"
	"hubline/transports"
)

type offer struct {
	NegotiateVersion    int
	ConnectionID        string
	ConnectionToken     string
	Cursor              string
	AvailableTransports []struct {
		Transport       string
		TransferFormats []string
		URL             string
	}
}

// negotiate asks for a ticket.
func (f *fixture) negotiate(token, query string) offer {
	f.Helper()
	a := f.send(http.MethodPost, "/events/negotiate"+query, token, "")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("negotiate: %+v", a)
	}
	return decode[offer](f, a.body)
}

func TestNegotiate(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.BasePath = "/b" })
	r := f.publish("anna", `{"type":"a"}`)
	token := f.token(auth.Claims{})
	o := f.negotiate(token, "")
	if o.Cursor != r.Cursor || len(o.ConnectionID) != 22 || len(o.ConnectionToken) != 22 || o.ConnectionID == o.ConnectionToken || o.NegotiateVersion != 1 {
		t.Errorf("offer %+v", o)
	}
	for _, tr := range o.AvailableTransports {
		if want := "/b/events?id=" + o.ConnectionToken; !strings.HasPrefix(tr.URL, want) || !slices.Equal(tr.TransferFormats, []string{"Text"}) {
			t.Errorf("%+v, want URL %s", tr, want)
		}
	}
	for query, want := range map[string]string{
		"":                       "WebSockets ServerSentEvents LongPolling",
		"?transports=sse":        "ServerSentEvents",
		"?Transports=POLL,%20ws": "WebSockets LongPolling",
		"?transports=LongPolling,ServerSentEvents,none": "ServerSentEvents LongPolling",
		"?access_token=" + token:                        "WebSockets ServerSentEvents LongPolling",
	} {
		var got []string
		for _, tr := range f.negotiate(map[bool]string{true: "", false: token}[strings.Contains(query, "access")], query).AvailableTransports {
			got = append(got, tr.Transport)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	f.wantProblem(f.send(http.MethodPost, "/events/negotiate?transports=carrier-pigeon", token, ""), http.StatusBadRequest, "bad-request")
	// Body and its type do not matter.
	if a := f.send(http.MethodPost, "/events/negotiate", token, "x", "Content-Type", "text/plain"); a.status != http.StatusOK {
		t.Errorf("with a body: %d", a.status)
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"a"}`)
	token := f.token(auth.Claims{})
	use := func(ticket, credentials string) answer {
		return f.send(http.MethodGet, "/events?wait=0&since=0&id="+ticket, credentials, "")
	}
	ticket := f.negotiate(token, "").ConnectionToken
	if a := use(ticket, ""); a.status != http.StatusOK || len(decode[events](t, a.body).Events) != 1 {
		t.Errorf("first use: %d %s", a.status, a.body)
	}
	f.wantProblem(use(ticket, ""), http.StatusUnauthorized, "ticket")
	f.wantProblem(use(ticket, token), http.StatusUnauthorized, "ticket") // a spent one is not covered by the token
	for _, other := range []string{"x", "%00", strings.Repeat("A", 22), f.negotiate(token, "").ConnectionID, strings.Repeat("A", 9000)} {
		f.wantProblem(use(other, ""), http.StatusUnauthorized, "ticket")
	}
	// The same user's token beside it does no harm, nor one that is no good.
	for _, credentials := range []string{token, f.token(auth.Claims{IssuedAt: time.Now().Add(-2 * time.Hour)}), "x"} {
		if a := use(f.negotiate(token, "").ConnectionToken, credentials); a.status != http.StatusOK {
			t.Errorf("with a token: %d %s", a.status, a.body)
		}
	}
	// Another user's does: it cannot be meant.
	ticket = f.negotiate(token, "").ConnectionToken
	f.wantProblem(use(ticket, f.token(auth.Claims{User: "berta"})), http.StatusUnauthorized, "ticket")
	f.wantProblem(use(ticket, ""), http.StatusUnauthorized, "ticket")
	// A ticket is good for one endpoint.
	hub := decode[offer](t, f.send(http.MethodPost, "/hubs/events/negotiate?negotiateVersion=1", token, "").body)
	f.wantProblem(use(hub.ConnectionToken, ""), http.StatusUnauthorized, "ticket")
	if a := f.send(http.MethodGet, "/hubs/events?id="+f.negotiate(token, "").ConnectionToken, token, ""); a.status != http.StatusNotFound {
		t.Errorf("at a hub: %d", a.status)
	}
	// Wrong questions do not spend it.
	ticket = f.negotiate(token, "").ConnectionToken
	f.wantProblem(f.send(http.MethodGet, "/events?since=x-y&id="+ticket, "", ""), http.StatusBadRequest, "cursor")
	if a := use(ticket, ""); a.status != http.StatusOK {
		t.Errorf("after a wrong question: %d %s", a.status, a.body)
	}
}

func TestOfManyOneGetsIn(t *testing.T) {
	f := newFixture(t)
	ticket := f.negotiate(f.token(auth.Claims{}), "").ConnectionToken
	var wg sync.WaitGroup
	results := make([]int, 8)
	for i := range results {
		wg.Go(func() {
			results[i] = f.send(http.MethodGet, "/events?wait=0&id="+ticket, "", "").status
		})
	}
	wg.Wait()
	slices.Sort(results)
	if results[0] != http.StatusOK || results[1] != http.StatusUnauthorized {
		t.Errorf("statuses %v", results)
	}
}

func TestATicketExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory)
		early, late := f.negotiate(f.token(auth.Claims{}), ""), f.negotiate(f.token(auth.Claims{}), "")
		time.Sleep(f.api.cfg.TicketTTL - 2*time.Second)
		if a := f.send(http.MethodGet, "/events?wait=0&id="+early.ConnectionToken, "", ""); a.status != http.StatusOK {
			t.Errorf("in time: %d", a.status)
		}
		time.Sleep(4 * time.Second)
		f.wantProblem(f.send(http.MethodGet, "/events?wait=0&id="+late.ConnectionToken, "", ""), http.StatusUnauthorized, "ticket")
		if n := f.conns.Negotiated(); n != 0 {
			t.Errorf("%d are still remembered", n)
		}
	})
}

func TestATicketEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, func(s *setup) { s.auth.Leeway = -1 })
		ticket := f.negotiate(f.token(auth.Claims{TTL: 10 * time.Second}), "").ConnectionToken
		time.Sleep(10 * time.Second)
		f.wantProblem(f.send(http.MethodGet, "/events?wait=0&id="+ticket, "", ""), http.StatusUnauthorized, "token-expired")
	})
}

func TestNegotiatedConnectionsAreBounded(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.conns = transports.Config{MaxNegotiated: 2} })
	token := func(user string) string { return f.token(auth.Claims{User: user}) }
	ticket := f.negotiate(token("a"), "").ConnectionToken
	if a := f.send(http.MethodPost, "/hubs/events/negotiate", token("b"), ""); a.status != http.StatusOK {
		t.Fatalf("hub: %d", a.status)
	}
	f.wantProblem(f.send(http.MethodPost, "/events/negotiate", token("c"), ""), http.StatusServiceUnavailable, "too-many-negotiated")
	a := f.send(http.MethodPost, "/hubs/events/negotiate", token("c"), "")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("hub: %+v", a)
	}
	if got := f.metric(`hubline_api_problems_total{type="too-many-negotiated"}`); got != "2" {
		t.Errorf("counted %s", got)
	}
	if got := f.metric("hubline_negotiated"); got != "2" {
		t.Errorf("negotiated = %s", got)
	}
	f.send(http.MethodGet, "/events?wait=0&id="+ticket, "", "")
	f.negotiate(token("c"), "")
}
