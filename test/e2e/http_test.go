package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// dialRaw connects without any HTTP library, for requests that none would send.
func dialRaw(t *testing.T, s *harness.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(harness.Patience()))
	return c
}

func TestAnHTTP10ClientGetsServerSentEvents(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := s.Publish("alice", "t", "1")
	for _, version := range []string{"1.0", "1.1"} {
		c := dialRaw(t, s)
		fmt.Fprintf(c, "GET /events?since=0 HTTP/%s\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", version, s.Addr, s.Token("alice"))
		in := bufio.NewReader(c)
		status, err := in.ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "HTTP/1.") || !strings.Contains(status, " 200 ") {
			t.Fatalf("status line %q, %v", status, err)
		}
		header := ""
		for line := "x"; line != "\r\n"; header += line {
			if line, err = in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		header = strings.ToLower(header)
		if version == "1.0" && strings.Contains(header, "chunked") {
			t.Fatalf("an HTTP/1.0 client cannot read chunks: %s", header)
		}
		var body io.Reader = in
		if strings.Contains(header, "chunked") {
			t.Skip("the body is chunked; the SSE client reads it elsewhere")
		}
		p := client.NewSSEParser(body)
		for {
			m, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			if m.Kind == client.Event {
				if m.ID != r.ID {
					t.Errorf("event %s, want %s", m.ID, r.ID)
				}
				break
			}
		}
	}
}

func TestAnHTTP10ClientGetsALongPoll(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Publish("alice", "t", "1")
	for _, path := range []string{"/events?since=0&wait=5", "/events?wait=1"} {
		c := dialRaw(t, s)
		fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, s.Addr, s.Token("alice"))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), `{"events":[`) {
			t.Errorf("%s: %d %s, %v", path, resp.StatusCode, body, err)
		}
	}
}

func TestLongPollBounds(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.PublishMany("alice", "t", 250)
	token := s.Token("alice")
	get := func(q string, header ...string) *harness.Answer {
		return s.Do(http.MethodGet, "/events?"+q, token, "", header...)
	}
	type answer struct {
		Events []struct{ Seq uint64 } `json:"events"`
		Cursor string                 `json:"cursor"`
		Gap    *client.Missing        `json:"gap"`
	}
	for q, want := range map[string]int{
		"since=0&wait=0": 100, "since=0&wait=0&limit=7": 7, "since=0&wait=0&limit=1000": 250, "since=0&wait=0&limit=99999": 250, "since=250&wait=0": 0,
		"wait=0": 0, "since=0&wait=0&limit=1": 1,
	} {
		a := get(q)
		var got answer
		a.JSON(t, &got)
		if a.Status != http.StatusOK || len(got.Events) != want || got.Gap != nil || got.Events == nil {
			t.Errorf("%s: %d with %d events, want %d", q, a.Status, len(got.Events), want)
		}
		if want > 0 && !strings.HasSuffix(got.Cursor, fmt.Sprintf("-%d", want)) {
			t.Errorf("%s: cursor %s after %d events", q, got.Cursor, want)
		}
		if cache := a.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
			t.Errorf("Cache-Control = %q", cache)
		}
	}
	for _, q := range []string{"wait=x", "wait=-1", "wait=0&limit=0", "wait=0&limit=-1", "wait=0&limit=x", "wait=NaN"} {
		a := get(q)
		wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")
	}
	// Accept chooses it too.
	if a := get("since=0", "Accept", "application/json"); a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Accept: application/json gives %s", a.Header.Get("Content-Type"))
	}
}

// The next event answers a poll that waits, whether it waits for long or has just
// begun.
func TestAWaitingPollIsAnsweredByTheNextEvent(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	first := s.Publish("alice", "t", "1")
	poll := client.NewPoller(client.Options{URL: s.URL, Token: s.Token("alice"), Since: first.Cursor, Query: query("wait", "30")})
	watch := connect(t, s, "ws", client.Options{Token: s.Token("alice")})
	for i, pause := range []float64{0, 0.3, 2.2, 4} {
		answered := make(chan *client.Polled, 1)
		go func() { // ends with the answer
			a, err := poll.Poll(t.Context())
			if err != nil {
				t.Error(err)
			}
			answered <- a
		}()
		if pause > 0 {
			await(t, s, pause)
		}
		r := s.Publish("alice", "t", "1")
		watch.wantEvent(r)
		select {
		case a := <-answered:
			if a == nil || len(a.Events) != 1 || a.Events[0].ID != r.ID || a.Cursor.String() != r.Cursor {
				t.Fatalf("poll %d: %+v, want %+v", i, a, r)
			}
		case <-time.After(harness.Patience()):
			t.Fatalf("poll %d was not answered after a pause of %v s", i, pause)
		}
	}
}

func TestOriginsOfWebPages(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--allowed-origins", "https://app.example,https://other.example:8443")
	token := s.Token("alice")
	own := s.URL
	for _, tt := range []struct {
		origin string
		want   bool
	}{
		{own, true},
		{"https://app.example", true},
		{"https://other.example:8443", true},
		{"https://APP.example", true},
		{"https://evil.example", false},
		{"http://app.example", false},
		{"https://app.example.evil.example", false},
		{"https://app.example:444", false},
		{"null", false},
		{"garbage", false},
	} {
		for _, transport := range transports {
			o := client.Options{Token: token, Since: "0", Header: http.Header{"Origin": {tt.origin}}, Query: pollOnly(transport, "wait", "0")}
			c, err := tryConnect(t, s, transport, o)
			if err == nil {
				_, err = c.Next(t.Context())
				if transport == "ws" && tt.want {
					c.Close()
				}
			}
			r, refused := errors.AsType[*client.Refused](err)
			switch {
			case tt.want && err != nil:
				t.Errorf("%s over %s: %v", tt.origin, transport, err)
			case !tt.want && (!refused || r.Status != http.StatusForbidden):
				t.Errorf("%s over %s: %v, want 403", tt.origin, transport, err)
			}
		}
		// CORS: the answer names the origin exactly, or not at all.
		a := s.Do(http.MethodOptions, "/events", "", "", "Origin", tt.origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization,last-event-id")
		got := a.Header.Get("Access-Control-Allow-Origin")
		if want := tt.want && tt.origin != own; want && got != tt.origin || !tt.want && got != "" {
			t.Errorf("preflight of %s allows %q", tt.origin, got)
		}
		if got == "*" {
			t.Errorf("preflight of %s allows every origin", tt.origin)
		}
	}
	// Errors can be read by pages too.
	a := s.Do(http.MethodGet, "/events", "", "", "Origin", "https://app.example")
	if a.Status != http.StatusUnauthorized || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("error answer: %d %v", a.Status, a.Header)
	}
}

func TestEverythingLivesBelowTheBasePath(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--base-path", "/vault/realtime")
	if !strings.HasSuffix(s.URL, "/vault/realtime") {
		t.Fatalf("the server says it is at %s", s.URL)
	}
	r := s.Publish("alice", "t", "1")
	eachTransport(t, func(t *testing.T, transport string) {
		c := connect(t, s, transport, client.Options{Token: s.Token("alice"), Since: "0"})
		if m := c.wantReadyless(r); m.ID != r.ID {
			t.Errorf("got %s", m.ID)
		}
	})
	offer := negotiate(t, s, s.Token("alice"))
	if got := offer.URL("WebSockets"); !strings.HasPrefix(got, "/vault/realtime/events?") {
		t.Errorf("the offer's URL is %q", got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/alive", "/metrics", "/api/openapi.yaml", "/"} {
		if a := s.Do(http.MethodGet, path, "", ""); a.Status != http.StatusOK || len(a.Body) == 0 {
			t.Errorf("%s: %d with %d bytes", path, a.Status, len(a.Body))
		}
	}
	resp, err := harness.Client.Get("http://" + s.Addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("outside of the base path: %d", resp.StatusCode)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound},
		{http.MethodPost, "/nothing", http.StatusNotFound},
		{http.MethodGet, "/api/v1/nothing", http.StatusNotFound},
		{http.MethodPut, "/api/v1/broadcasts", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/events", http.StatusMethodNotAllowed},
	} {
		a := s.Do(tt.method, tt.path, s.APIKey, "")
		wantProblem(t, a.Status, a.Header, a.Body, tt.want, "")
	}
}
