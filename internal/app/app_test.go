package app

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hubline/internal/config"
)

// running is a server started by start.
type running struct {
	url  string
	dir  string
	stop func() error
}

// start runs a server on a free port and waits for its announcement.
func start(t *testing.T, change func(*config.Config)) running {
	t.Helper()
	cfg := config.Default()
	cfg.Addr = "127.0.0.1:0"
	cfg.Data = filepath.Join(t.TempDir(), "data")
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { // ends with the server, which ends with ctx
		err := Run(ctx, cfg, slog.New(slog.DiscardHandler), w)
		_ = w.CloseWithError(io.EOF)
		done <- err
	}()
	lines := bufio.NewReader(r)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("no announcement: %v, %v", err, <-done)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the pipe
	var once error
	stopped := false
	stop := func() error {
		if !stopped {
			stopped = true
			cancel()
			once = <-done
		}
		return once
	}
	t.Cleanup(func() { _ = stop() })
	url := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(first), "Hubline is at "), "/")
	return running{url: url, dir: cfg.Data, stop: stop}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestRunServesAndStopsInOrder(t *testing.T) {
	before := runtime.NumGoroutine()
	s := start(t, nil)
	if status, body := get(t, s.url+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz = %d %q", status, body)
	}
	for _, name := range []string{config.SigningSecretName, config.APIKeyName} {
		st, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := st.Mode().Perm(), os.FileMode(0o600); got != want {
			t.Errorf("mode of %s = %v, want %v", name, got, want)
		}
	}
	if err := s.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	http.DefaultClient.CloseIdleConnections()
	// Goroutines end after the answers that they were waited for with.
	for range 1000 {
		if runtime.NumGoroutine() <= before+2 {
			return
		}
		runtime.Gosched()
	}
	buf := make([]byte, 1<<16)
	t.Errorf("goroutines left:\n%s", buf[:runtime.Stack(buf, true)])
}

func TestRunRefusesAnAddressInUse(t *testing.T) {
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	cfg := config.Default()
	cfg.Data, cfg.Addr = "", ln.Addr().String()
	if err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler), io.Discard); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("Run = %v, want an error about listening", err)
	}
}

func TestDemoGivesATokenAndPublishes(t *testing.T) {
	s := start(t, func(c *config.Config) { c.Demo = true })
	status, body := get(t, s.url+"/demo/session")
	if status != http.StatusOK {
		t.Fatalf("/demo/session = %d %s", status, body)
	}
	var session struct{ User, Token string }
	if err := json.Unmarshal([]byte(body), &session); err != nil {
		t.Fatal(err)
	}
	status, body = get(t, s.url+"/events?wait=20&limit=1&since=0&access_token="+session.Token)
	if status != http.StatusOK || !strings.Contains(body, `"type":"backup.progress"`) {
		t.Errorf("/events = %d %s", status, body)
	}
}

// The page's token is one that the server accepts.
func TestDemoSignsAsConfigured(t *testing.T) {
	s := start(t, func(c *config.Config) {
		c.Demo, c.JWTIssuer, c.JWTAudience = true, "https://vault.example", "hubline"
	})
	var session struct{ Token string }
	if _, body := get(t, s.url+"/demo/session"); json.Unmarshal([]byte(body), &session) != nil {
		t.Fatal(body)
	}
	if status, body := get(t, s.url+"/events?wait=0&access_token="+session.Token); status != http.StatusOK {
		t.Errorf("/events = %d %s", status, body)
	}
}

func TestDemoNeedsASecret(t *testing.T) {
	cfg := config.Default()
	cfg.Addr, cfg.Data, cfg.Demo = "127.0.0.1:0", "", true
	cfg.JWTPublicKeyFile = []string{"../config/testdata/ed25519.pem"}
	if err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler), io.Discard); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Errorf("Run = %v, want an error about the secret", err)
	}
}

func TestWithoutDemoThereIsNoSession(t *testing.T) {
	s := start(t, nil)
	if status, _ := get(t, s.url+"/demo/session"); status != http.StatusNotFound {
		t.Errorf("/demo/session = %d, want 404", status)
	}
}

func TestBasePathStandsBeforeEverything(t *testing.T) {
	s := start(t, func(c *config.Config) { c.BasePath = "/live" })
	if !strings.HasSuffix(s.url, "/live") {
		t.Fatalf("announced %s, want the base path at its end", s.url)
	}
	for _, path := range []string{"/readyz", "/", "/metrics"} {
		if status, _ := get(t, s.url+path); status != http.StatusOK {
			t.Errorf("GET %s = %d", path, status)
		}
	}
	if status, _ := get(t, strings.TrimSuffix(s.url, "/live")+"/readyz"); status != http.StatusNotFound {
		t.Errorf("/readyz outside the base path = %d, want 404", status)
	}
}

// The page of the demo gets a key that opens the demo's user and no other.
func TestDemoGivesItsPageAKey(t *testing.T) {
	s := start(t, func(c *config.Config) { c.Demo = true })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/demo/key", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", s.url)
	var given struct{ Key string }
	if status, body := do(t, req); status != http.StatusOK || json.Unmarshal([]byte(body), &given) != nil {
		t.Fatalf("/demo/key = %d %s", status, body)
	}
	for user, want := range map[string]int{"demo": http.StatusOK, "alice": http.StatusForbidden} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/users/"+user+"/devices", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+given.Key)
		if status, body := do(t, req); status != want {
			t.Errorf("devices of %s = %d %s, want %d", user, status, body, want)
		}
	}
}
