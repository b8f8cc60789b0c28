package proxies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// startNginx runs nginx with a file of testdata/ in front of the server and returns
// where it listens.
func startNginx(t *testing.T, file string, s *harness.Server) string {
	t.Helper()
	path := needNginx(t)
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	_, addr := retry(t, func(addr string) (*program, bool) {
		dir := t.TempDir()
		http := strings.NewReplacer("LISTEN", addr, "UPSTREAM", s.Addr).Replace(string(b))
		conf := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(conf, []byte(nginxConf(t, dir, http)), 0o600); err != nil {
			t.Fatal(err)
		}
		return launch(t, products[0].ready, path, nginxArgs(dir, conf)...)
	})
	return addr
}

// Where nothing but a good configuration would let WebSocket through, the other
// transports do their work, and whoever tries is told what is missing.
func TestBadlyConfiguredNginx(t *testing.T) {
	for _, tt := range []struct {
		file    string
		through []string
	}{
		{"no-upgrade.conf", []string{"sse", "poll"}},
		{"http10.conf", []string{"sse", "poll"}},
		{"buffering.conf", []string{"sse", "ws", "poll"}},
		{"deaf.conf", []string{"ws", "poll"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			s := harness.Start(t, "--drain-timeout", "2s")
			addr := startNginx(t, tt.file, s)
			eachTransport(t, func(t *testing.T, transport string) {
				o := client.Options{URL: "http://" + addr, Token: s.Token(transport)}
				if transport == "sse" {
					o.Header = http.Header{"Accept-Encoding": {"gzip"}} // as browsers do
				}
				switch {
				case slices.Contains(tt.through, transport):
					carry(t, s, transport, transport, o)
				case transport == "ws":
					wantNoUpgrade(t, o, "Upgrade: websocket")
				}
			})
			for name, transport := range map[string]string{"ServerSentEvents": "sse", "LongPolling": "poll", "WebSockets": "ws"} {
				if !slices.Contains(tt.through, transport) {
					continue
				}
				t.Run("hub "+name, func(t *testing.T) {
					h := openHub(t, addr, "http://"+addr+"/hubs/events", s.Token(name), name)
					for n := range 3 {
						s.Publish(name, "t", fmt.Sprint(n))
						h.wantInvocation("t", fmt.Sprint(n))
					}
				})
			}
		})
	}
}

// wantNoUpgrade checks what a client learns that asks for a WebSocket where none can
// be: /ws says what is missing, /events is a stream of events.
func wantNoUpgrade(t *testing.T, o client.Options, missing string) {
	t.Helper()
	o.Path = "/ws"
	_, err := client.DialWS(limited(t), o)
	r, ok := errors.AsType[*client.Refused](err)
	if !ok {
		t.Fatalf("/ws: %v, want 426", err)
	}
	text := string(r.Body)
	if r.Status != http.StatusUpgradeRequired || !strings.HasPrefix(text, "Expected WebSocket upgrade\n") ||
		!strings.Contains(text, missing) || !strings.Contains(text, "nginx") {
		t.Errorf("/ws: %d %s, want 426 that names %q", r.Status, r.Body, missing)
	}

	ask, err := http.NewRequestWithContext(limited(t), http.MethodGet, o.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header = http.Header{
		"Authorization": {"Bearer " + o.Token}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("/events: %s %s, want an event stream", resp.Status, resp.Header.Get("Content-Type"))
	}
}

// A long poll's answer may be compressed on its way: it has an end.
func TestCompressedPoll(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s")
	addr := startNginx(t, "buffering.conf", s)
	s.PublishSized("alice", "t", 20, strings.Repeat("x", 1000))
	r, err := http.NewRequestWithContext(limited(t), http.MethodGet, "http://"+addr+"/events?wait=5&since=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token("alice"))
	tr := &http.Transport{} // asks for gzip and undoes it
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Events []json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Events) != 20 {
		t.Errorf("%d events: %v", len(answer.Events), err)
	}
	if !resp.Uncompressed {
		t.Error("the proxy did not compress: this test shows nothing")
	}
}

// A stream that carries nothing is still not silent for longer than the proxy is
// patient.
func TestQuietStreamsSurviveAnImpatientProxy(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--ping-interval", "1s", "--poll-timeout", "1s", "--drain-timeout", "2s")
	addr := startNginx(t, "impatient.conf", s)
	// More than twice the proxy's patience, in which the client reads, as one must
	// that is to answer pings.
	const quiet = "9"
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			o := client.Options{URL: "http://" + addr, Token: s.Token(transport), Since: "latest"}
			if transport == "poll" {
				o.Query = map[string][]string{"wait": {"1"}}
			}
			r := newReader(t, transport, o)
			r.welcome()
			before := r.connections
			publishLater(t, s, quiet, transport)
			if err := r.read(r.last+1, harness.Patience()); err != nil {
				t.Fatal(err)
			}
			if transport != "poll" && r.connections != before {
				t.Errorf("connected again")
			}
		})
	}
	for _, name := range []string{"ServerSentEvents", "LongPolling", "WebSockets"} {
		t.Run("hub "+name, func(t *testing.T) {
			t.Parallel()
			h := openHub(t, addr, "http://"+addr+"/hubs/events", s.Token(name), name)
			publishLater(t, s, quiet, name)
			h.wantInvocation("t", "1")
		})
	}
}

// publishLater publishes an event to the user after some seconds.
func publishLater(t *testing.T, s *harness.Server, seconds, user string) {
	t.Helper()
	token := s.Token("clock")
	done := make(chan error, 1)
	go func() { // ends with the test's context at the latest
		p := client.NewPoller(client.Options{URL: s.URL, Token: token, Query: map[string][]string{"wait": {seconds}}})
		defer p.Close()
		_, err := p.Poll(t.Context())
		if err == nil {
			// The event may arrive, and end the test, before the answer does.
			_, err = s.TryPublish(context.WithoutCancel(t.Context()), user, harness.Event{Type: "t", Data: json.RawMessage("1")})
		}
		done <- err
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil && !t.Failed() {
			t.Error(err)
		}
	})
}

// Where the proxy is less patient than the server is talkative, it cuts. Nothing is
// lost by that.
func TestCutByAnImpatientProxy(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--drain-timeout", "2s")
	addr := startNginx(t, "impatient.conf", s)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			r := newReader(t, transport, client.Options{URL: "http://" + addr, Token: s.Token(transport)})
			r.want(s.Publish(transport, "t", "1").Seq)
			if err := r.read(r.last+1, harness.Patience()); err == nil || t.Context().Err() != nil {
				t.Fatalf("the proxy did not cut: %v", err)
			}
			r.tear()
			last := s.PublishMany(transport, "t", 10)
			r.insist(last.Seq)
		})
	}
}
