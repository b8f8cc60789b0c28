package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// offerNames are the transports as an offer names them.
var offerNames = map[string]string{"sse": "ServerSentEvents", "ws": "WebSockets", "poll": "LongPolling"}

func negotiate(t *testing.T, s *harness.Server, token string, pairs ...string) *client.Offer {
	t.Helper()
	offer, err := client.Negotiate(t.Context(), client.Options{URL: s.URL, Token: token, Query: query(pairs...)})
	if err != nil {
		t.Fatal(err)
	}
	s.Hide(offer.ConnectionToken)
	return offer
}

func TestNegotiateOffersEveryTransport(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := s.PublishMany("alice", "t", 3)
	offer := negotiate(t, s, s.Token("alice"))
	if offer.NegotiateVersion != 1 || len(offer.ConnectionID) != 22 || len(offer.ConnectionToken) != 22 ||
		offer.ConnectionID == offer.ConnectionToken || offer.Cursor != last.Cursor {
		t.Errorf("offer = %+v", offer)
	}
	var names []string
	for _, o := range offer.AvailableTransports {
		names = append(names, o.Transport)
		if !strings.Contains(o.URL, "id="+offer.ConnectionToken) {
			t.Errorf("%s is to be used at %q, without the ticket", o.Transport, o.URL)
		}
	}
	if got := strings.Join(names, " "); got != "WebSockets ServerSentEvents LongPolling" {
		t.Errorf("transports = %s", got)
	}
	for _, name := range []string{"LongPolling", "ServerSentEvents,LongPolling"} {
		var got []string
		for _, o := range negotiate(t, s, s.Token("alice"), "transports", name).AvailableTransports {
			got = append(got, o.Transport)
		}
		if strings.Join(got, ",") != name {
			t.Errorf("transports=%s offers %v", name, got)
		}
	}
	_, err := client.Negotiate(t.Context(), client.Options{URL: s.URL})
	if r, ok := errors.AsType[*client.Refused](err); !ok || r.Status != http.StatusUnauthorized {
		t.Errorf("negotiate without a token: %v", err)
	}
	if a := s.Do(http.MethodGet, "/events/negotiate", s.Token("alice"), ""); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET negotiate: %d, want 405", a.Status)
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	mine := s.Publish("alice", "t", "1")
	s.Publish("bob", "t", "1")
	eachTransport(t, func(t *testing.T, transport string) {
		offer := negotiate(t, s, s.Token("alice"))
		path := offer.URL(offerNames[transport])
		if path == "" {
			t.Fatalf("no URL for %s in %+v", transport, offer)
		}
		c := connect(t, s, transport, client.Options{Path: path, Since: "0"})
		if transport != "poll" {
			if r := c.wantReady(); r.ConnectionID != offer.ConnectionID {
				t.Errorf("connectionId = %s, negotiated was %s", r.ConnectionID, offer.ConnectionID)
			}
		}
		c.wantEvent(mine)
		for _, again := range transports {
			r := refusal(t, s, again, client.Options{Path: strings.Replace(path, "wait=25", "wait=0", 1), Since: "0"})
			wantProblem(t, r.Status, r.Header, r.Body, http.StatusUnauthorized, "ticket")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		for _, id := range []string{"x", strings.Repeat("A", 22), negotiate(t, s, s.Token("alice")).ConnectionID, "\x00", strings.Repeat("A", 10_000)} {
			for _, transport := range transports {
				r := refusal(t, s, transport, client.Options{Query: query("id", id)})
				wantProblem(t, r.Status, r.Header, r.Body, http.StatusUnauthorized, "ticket")
			}
		}
	})
	t.Run("whose it is", func(t *testing.T) {
		// Another user's token beside it does not make it his: he is refused, or is
		// given the events of the user that it is bound to, never his own.
		offer := negotiate(t, s, s.Token("alice"))
		c, err := tryConnect(t, s, "sse", client.Options{Path: offer.URL("ServerSentEvents"), Since: "0", Token: s.Token("bob")})
		if r, ok := errors.AsType[*client.Refused](err); ok {
			if r.Status != http.StatusUnauthorized && r.Status != http.StatusForbidden {
				t.Errorf("status = %d", r.Status)
			}
			return
		}
		c.wantReady()
		c.wantEvent(mine)
	})
	t.Run("at the same time", func(t *testing.T) {
		path := negotiate(t, s, s.Token("alice")).URL("ServerSentEvents")
		results := make(chan error, 8)
		for range cap(results) {
			go func() { // ends with its answer
				c, err := client.DialSSE(t.Context(), client.Options{URL: s.URL, Path: path})
				if err == nil {
					c.Close()
				}
				results <- err
			}()
		}
		won := 0
		for range cap(results) {
			if <-results == nil {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 8 got in with one ticket", won)
		}
	})
}

func TestATicketExpires(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--ticket-ttl", "1s")
	path := negotiate(t, s, s.Token("alice")).URL("ServerSentEvents")
	await(t, s, 3)
	r := refusal(t, s, "sse", client.Options{Path: path})
	wantProblem(t, r.Status, r.Header, r.Body, http.StatusUnauthorized, "ticket")
}

// Who only negotiates cannot fill the memory, nor take the places of others.
func TestNegotiatedConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-negotiated", "5", "--ticket-ttl", "1s")
	for _, user := range []string{"a", "b", "c", "d", "e"} {
		negotiate(t, s, s.Token(user))
	}
	_, err := client.Negotiate(t.Context(), client.Options{URL: s.URL, Token: s.Token("f")})
	r, ok := errors.AsType[*client.Refused](err)
	if !ok {
		t.Fatalf("a sixth was negotiated: %v", err)
	}
	wantProblem(t, r.Status, r.Header, r.Body, http.StatusServiceUnavailable, "")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	await(t, s, 3)
	negotiate(t, s, s.Token("f"))
}
