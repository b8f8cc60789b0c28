package api

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hubline/api/auth"
)

// TestHTTP2: where the socket cannot be had, requests are served in place.
func TestHTTP2(t *testing.T) {
	f := newFixture(t, origins("https://app.example"), func(s *setup) { s.BodyTimeout = time.Minute })
	server := httptest.NewUnstartedServer(f.api)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	g := *f
	g.url = server.URL
	g.client = server.Client()
	g.client.Transport = checked(t, g.client.Transport, "")
	defer g.client.CloseIdleConnections()

	token := f.token(auth.Claims{})
	g.publish("anna", `{"type":"a"}`)
	for _, path := range []string{"/events?wait=0&since=0", "/events?wait=0.2&since=1"} {
		a := g.send(http.MethodGet, path, token, "", "Origin", "https://app.example")
		if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" || decode[events](t, a.body).Cursor == "" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	g.wantProblem(g.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, "{"), http.StatusBadRequest, "bad-request")
	g.wantProblem(g.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"`+strings.Repeat("x", 5000)), http.StatusRequestEntityTooLarge, "too-large")

	resp, err := g.client.Do(g.request(http.MethodGet, "/events?since=0", token, "", "Origin", "https://app.example"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%s %v", resp.Proto, resp.Header)
	}
	g.publish("anna", `{"type":"b"}`)
	in := bufio.NewReader(resp.Body)
	for seen := 0; seen < 2; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, `"type":"a"`) || strings.Contains(line, `"type":"b"`) {
			seen++
		}
	}
	resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("a closed stream can be read")
	}
}

// A stream whose peer takes nothing is given up, whatever the socket does.
func TestHTTP2StreamsThatNobodyReadsEnd(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.conns.SendTimeout = 100 * time.Millisecond })
	ended := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.api.ServeHTTP(w, r)
		close(ended)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 1}
	defer client.CloseIdleConnections()

	resp, err := client.Get(server.URL + "/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Fatal(resp.Proto)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the handler waits for a client that does not read")
	}
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the answer of %d bytes came whole", len(b))
	}
}
