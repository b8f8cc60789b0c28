package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/api/notify"
	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m, http.DefaultClient.CloseIdleConnections)
}

// start runs a server until the test ends.
func start(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func token(t testing.TB, s *Server, user string) string {
	t.Helper()
	text, err := s.Token(auth.Claims{User: user})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func get(t *testing.T, client *http.Client, url, bearer string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// With a listener of its own it is the server of the command: clients connect, with
// tokens that it has signed, and get what is published in the process and over the
// network.
func TestServe(t *testing.T) {
	s := start(t, Config{BasePath: "/realtime/", Settings: map[string]string{"jwt-issuer": "me", "jwt-audience": "you"}})
	ln := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }() // ends with Shutdown
	base := "http://" + ln.Addr().String() + "/realtime"

	if status, body := get(t, http.DefaultClient, base+"/readyz", ""); status != http.StatusOK {
		t.Fatalf("/readyz = %d %s", status, body)
	}
	second := listen(t)
	if err := s.Serve(second); !errors.Is(err, ErrServing) {
		t.Errorf("a second listener: %v", err)
	}
	if _, err := second.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it is not closed: %v", err)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token(t, s, "ann"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && lines.Text() != "event: hubline.ready" {
	}
	if r, err := s.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "inside"}); err != nil || r.Delivered != 1 || r.Durability != notify.Memory {
		t.Errorf("%+v, %v", r, err)
	}
	remote, err := notify.New(notify.Config{URL: base, APIKey: s.APIKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	if r, err := remote.SendToUser(t.Context(), "ann", notify.Event{Type: "outside"}); err != nil || r.Delivered != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	var types []string
	for len(types) < 2 && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e struct{ Type string }
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(e.Type, "hubline.") && e.Type != "" {
				types = append(types, e.Type)
			}
		}
	}
	if strings.Join(types, " ") != "inside outside" {
		t.Errorf("received %q", types)
	}

	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if err := s.Serve(listen(t)); err != nil {
		t.Errorf("Serve after Shutdown = %v", err)
	}
	began := time.Now()
	if _, err := s.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "late"}); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("publishing after Shutdown: %v", err)
	} else if e, ok := errors.AsType[*notify.Error](err); !ok || e.Attempts != 1 {
		t.Errorf("it was tried for %v: %v", time.Since(began), err)
	}
}

// A listener that is closed by somebody else ends Serve, and the handler goes on.
func TestAListenerThatFails(t *testing.T) {
	s := start(t, Config{})
	ln := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }() // ends with the listener
	if status, _ := get(t, http.DefaultClient, "http://"+ln.Addr().String()+"/healthz", ""); status != http.StatusOK {
		t.Fatal(status)
	}
	_ = ln.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
	if _, err := s.Notifier().Presence(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
}

// Among the routes of another server, sockets stay that server's: what comes on one
// behind a poll is answered by the other routes too. WebSockets are taken over.
func TestHandlerAmongOtherRoutes(t *testing.T) {
	s := start(t, Config{BasePath: "/realtime", Settings: map[string]string{"drain-timeout": "2s"}})
	mux := http.NewServeMux()
	mux.Handle("/realtime/", s.Handler())
	mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") })
	var sockets atomic.Int64
	web := httptest.NewUnstartedServer(mux)
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			sockets.Add(1)
		}
	}
	web.Start()
	defer web.Close()
	one := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer one.CloseIdleConnections()
	bearer := token(t, s, "ann")

	// It waits for a second: long enough to be parked, where that is done.
	status, body := get(t, one, web.URL+"/realtime/events?wait=1&since=latest", bearer)
	if status != http.StatusOK || !strings.Contains(body, `"events":[]`) {
		t.Fatalf("poll = %d %s", status, body)
	}
	if status, body := get(t, one, web.URL+"/other", ""); status != http.StatusOK || body != "other" {
		t.Errorf("behind a poll: %d %s", status, body)
	}
	if n := sockets.Load(); n != 1 {
		t.Errorf("%d sockets", n)
	}

	ws, resp, err := websocket.Dial(t.Context(), web.URL+"/realtime/ws?since=0&control=0", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + bearer}}})
	if err != nil {
		t.Fatal(err, resp)
	}
	if _, err := s.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "t", Data: json.RawMessage(`{ "n":1}`)}); err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.Read(t.Context()); err != nil || !strings.Contains(string(text), `"data":{ "n":1}`) {
		t.Errorf("%s, %v", text, err)
	}
	stream, err := one.Do(mustRequest(t, web.URL+"/realtime/events", bearer))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if p, err := s.Notifier().Presence(t.Context(), "ann"); err != nil || p.Connections != 2 {
		t.Errorf("presence %+v, %v", p, err)
	}
	var ends sync.WaitGroup
	ends.Go(func() {
		if text, err := io.ReadAll(stream.Body); err != nil || !strings.Contains(string(text), "hubline.closing") {
			t.Errorf("the stream ends with %v: %q", err, text)
		}
	})
	ends.Go(func() {
		if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) == -1 {
			t.Errorf("the WebSocket ends with %v", err)
		}
	})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	ends.Wait()
	if status, _ := get(t, one, web.URL+"/realtime/readyz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz after Shutdown = %d", status)
	}
}

func mustRequest(t *testing.T, url, bearer string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	return req
}

// What was answered is there when the program is started again, under the same key and
// with the same secret.
func TestADataDirectoryOutlivesTheServer(t *testing.T) {
	cfg := Config{Data: filepath.Join(t.TempDir(), "data")}
	first := start(t, cfg)
	r, err := first.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "t", ID: "x"})
	if err != nil || r.Durability != notify.Disk {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server in one directory: %v", err)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	r2, err := again.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "t", ID: "x"})
	if err != nil || !r2.Duplicate || r2.Cursor != r.Cursor || first.APIKey() != again.APIKey() {
		t.Errorf("%+v, %v; it was %+v", r2, err, r)
	}
}

func TestConfigIsReportedAsAWhole(t *testing.T) {
	_, err := New(Config{
		SigningSecret: []byte("short"), BasePath: "no slash",
		Settings: map[string]string{"addr": ":1", "demo": "true"},
	})
	for _, want := range []string{"addr", "demo", "SigningSecret", "base-path"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %s in it", err, want)
		}
	}
	_, err = New(Config{Settings: map[string]string{"log-agee": "1h", "max-connections": "many"}})
	for _, want := range []string{"log-agee", "max-connections"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %s in it", err, want)
		}
	}
	secret := []byte(strings.Repeat("s", 32))
	if _, err := New(Config{SigningSecret: secret, Settings: map[string]string{"jwks-url": "http://127.0.0.1:1/"}}); err == nil || !strings.Contains(err.Error(), "combined") {
		t.Errorf("a secret beside public keys: %v", err)
	}
	// A setting counts, and so does a secret of the program's.
	s := start(t, Config{SigningSecret: secret, Settings: map[string]string{"max-publish-bytes": "1KiB", "stateful-reconnect": "true"}})
	if _, err := s.Notifier().SendToUser(t.Context(), "ann", notify.Event{Type: "t", Data: strings.Repeat("x", 1<<10)}); !errors.Is(err, notify.ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	text, err := auth.Sign(secret, auth.Claims{User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, mustRequest(t, "/events?wait=0", text))
	if w.Code != http.StatusOK {
		t.Errorf("a token of the program's own: %d %s", w.Code, w.Body)
	}
}

// A call in the process ends with its context too, and Shutdown waits for what goes on.
func TestLocalCallsEndWithTheirContext(t *testing.T) {
	hold, entered := make(chan struct{}), make(chan struct{})
	l := &local{handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
		close(entered)
		<-hold
	})}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://h/", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-entered; cancel() }() // ends with the handler's begin
	if _, err := l.RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if err := l.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait = %v", err)
	}
	if _, err := l.RoundTrip(mustRequest(t, "http://h/", "")); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("err = %v", err)
	}
	close(hold)
	if err := l.wait(t.Context()); err != nil {
		t.Error(err)
	}
	p := &local{handler: l.handler}
	if _, err := p.RoundTrip(mustRequest(t, "http://h/panic", "")); err == nil {
		t.Error("a panic is an answer")
	}
}
