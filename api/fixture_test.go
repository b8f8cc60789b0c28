package api

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/logtest"
	"hubline/internal/spectest"
	"hubline/longpoll"
	"hubline/replay"
	"hubline/transports"
)

var testSecret = []byte("0123456789abcdef0123456789abcdef")

// The API keys of a fixture, by scope.
const (
	keyPublish = "hlk_publish"
	keyRead    = "hlk_read"
	keyAdmin   = "hlk_admin"
	keyAll     = "hlk_all"
)

// setup is what a test may change before the server is made.
type setup struct {
	Config
	auth   auth.Config
	broker broker.Config
	replay replay.Config
	conns  transports.Config
	page   http.Handler
	listen func() net.Listener
}

// fixture is a running server, wired as the real one is.
type fixture struct {
	testing.TB
	api    *API
	broker *broker.Broker
	conns  *transports.Server
	reg    *prometheus.Registry
	url    string
	client *http.Client // checks everything against openapi.yaml
	logs   *logtest.Lines
	ln     net.Listener
}

// keyName is the name of an API key, which unlike the key may be logged.
func keyName(key string) string { return "backend-" + strings.TrimPrefix(key, "hlk_") }

// newFixture starts a server that ends with the test.
func newFixture(t testing.TB, change ...func(*setup)) *fixture {
	t.Helper()
	s := setup{
		Config: Config{
			MaxPublishBytes: 4 << 10, MaxBatchItems: 8, MaxBatchBytes: 16 << 10, MaxMessageBytes: 32 << 10,
			BodyTimeout: 30 * time.Second, TicketTTL: time.Minute, NegotiateTTL: 15 * time.Second, PingInterval: 15 * time.Second,
			MaxKeptOut: 4, RevocationTTL: time.Hour, ClientTimeout: 30 * time.Second, HandshakeTime: 15 * time.Second, PollTimeout: 90 * time.Second,
		},
		auth:   auth.Config{Secret: testSecret},
		listen: func() net.Listener { return must(net.Listen("tcp", "127.0.0.1:0")) },
	}
	for _, c := range change {
		c(&s)
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &fixture{
		TB: t, reg: prometheus.NewRegistry(), logs: &logtest.Lines{}, ln: s.listen(),
		broker: broker.New(s.broker, replay.NewStore(s.replay)), conns: transports.NewServer(s.conns),
	}
	var keys auth.Keys
	for key, scopes := range map[string]auth.Scope{
		keyPublish: auth.ScopePublish, keyRead: auth.ScopeRead, keyAdmin: auth.ScopeAdmin,
		keyAll: auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin,
	} {
		if err := keys.Add(keyName(key), scopes, auth.HashKey(key)); err != nil {
			t.Fatal(err)
		}
	}
	logger := slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.auth.Logger = logger
	parker := longpoll.NewParker(f.ln.Addr(), longpoll.Config{})
	f.api = New(s.Config, Deps{
		Broker: f.broker, Server: f.conns, Parker: parker, Verifier: must(auth.NewVerifier(ctx, s.auth)),
		Keys: []*auth.Keys{nil, &keys}, Registry: f.reg, Logger: logger, Page: s.page,
	})
	server := &http.Server{
		Handler: f.api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	var serving sync.WaitGroup
	for _, ln := range []net.Listener{f.ln, parker} {
		serving.Go(func() { _ = server.Serve(ln) })
	}
	f.url = "http://" + f.ln.Addr().String() + s.BasePath
	tr := transportTo(f.ln)
	f.client = &http.Client{
		Transport:     checked(t, tr, s.BasePath),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		f.conns.Shutdown(end, 0)
		_ = server.Close()
		_ = parker.Close()
		serving.Wait()
		stop()
		f.noteReached()
		if n := f.broker.Stats().Connections; n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
		if n := len(f.api.perIP.n); n != 0 {
			t.Errorf("%d addresses are still counted", n)
		}
		for secret := range strings.FieldsSeq(strings.Join([]string{keyPublish, keyRead, keyAdmin, keyAll, "eyJ"}, " ")) {
			if strings.Contains(f.logs.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, f.logs)
			}
		}
	})
	return f
}

// bulk is the same server without the look at openapi.yaml, for many requests.
func (f *fixture) bulk() *fixture {
	b := *f
	c := *f.client
	c.Transport = c.Transport.(*spectest.Transport).Next
	b.client = &c
	return &b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// token signs a token; with scopes it may also be used by a backend.
func (f *fixture) token(c auth.Claims) string {
	f.Helper()
	if c.User == "" {
		c.User = "anna"
	}
	return must(auth.Sign(testSecret, c))
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request; header is in pairs.
func (f *fixture) send(method, path, credentials, body string, header ...string) answer {
	f.Helper()
	return f.do(f.request(method, path, credentials, body, header...))
}

func (f *fixture) request(method, path, credentials, body string, header ...string) *http.Request {
	f.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(f.Context(), method, f.url+path, in)
	if err != nil {
		f.Fatal(err)
	}
	if credentials != "" {
		req.Header.Set("Authorization", "Bearer "+credentials)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// publish publishes and wants 201.
func (f *fixture) publish(user, body string) receipt {
	f.Helper()
	a := f.send(http.MethodPost, "/api/v1/users/"+user+"/events", keyPublish, body)
	if a.status != http.StatusCreated {
		f.Fatalf("publish: %d %s", a.status, a.body)
	}
	return decode[receipt](f, a.body)
}

// do sends a request that is not quite ordinary.
func (f *fixture) do(req *http.Request) answer {
	f.Helper()
	resp, err := f.client.Do(req)
	if err != nil {
		f.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// log reads a user's log.
func (f *fixture) log(user, query string) events {
	f.Helper()
	a := f.send(http.MethodGet, "/api/v1/users/"+user+"/events"+query, keyRead, "")
	if a.status != http.StatusOK {
		f.Fatalf("log: %d %s", a.status, a.body)
	}
	return decode[events](f, a.body)
}
