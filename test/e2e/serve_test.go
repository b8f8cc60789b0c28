package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// The three commands that serve prints work as they are, in the order in which they
// stand.
func TestServePrintsCommandsThatWork(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	commands := map[string]string{}
	for line := range strings.Lines(s.Logs()) {
		name, command, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && strings.Contains(command, "curl") {
			commands[name] = strings.TrimSpace(command)
		}
	}
	if len(commands) != 3 {
		t.Fatalf("%d commands in the output:\n%s", len(commands), s.Logs())
	}
	for _, secret := range []string{s.APIKey, string(s.Secret)} {
		if strings.Contains(s.Logs(), secret) {
			t.Error("a secret is printed")
		}
	}
	subscriber := harness.SpawnShell(t, commands["Subscribe"])
	subscriber.Want(t, `event: hubline\.ready`)
	if r := harness.Shell(t, t.TempDir(), commands["Publish"]); r.Status != 0 || !strings.Contains(r.Stdout, `"delivered":1`) {
		t.Fatalf("publish: %+v", r)
	}
	event := subscriber.Want(t, `data: \{"id":[^\n]*"type":[^\n]*`)
	replay := harness.SpawnShell(t, commands["Replay"])
	replay.Want(t, regexp.QuoteMeta(event))
}

func TestTheDataDirectoryIsPrivateAndLasts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	s := harness.StartIn(t, dir)
	for name, want := range map[string]fs.FileMode{"": 0o700, "signing-secret": 0o600, "api-key": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q is %o, want %o", name, got, want)
		}
	}
	token, key := s.Token("alice"), s.APIKey
	s.Restart()
	if s.APIKey != key || !accepted(t, s, token) {
		t.Error("a restart changed the secrets")
	}
	s.Kill()
	s.Restart()
	if s.APIKey != key || !accepted(t, s, token) {
		t.Error("a restart after a kill changed the secrets")
	}
	// A secret that others can read is not used.
	s.Stop()
	if err := os.Chmod(filepath.Join(dir, "api-key"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := harness.Run(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", dir)
	if r.Status == 0 || !strings.Contains(r.Stderr, "chmod 600") || !strings.Contains(r.Stderr, "api-key") {
		t.Errorf("with a readable key: %+v", r)
	}
}

func TestMemoryOnly(t *testing.T) {
	t.Parallel()
	p := harness.Spawn(t, "serve", "--addr", "127.0.0.1:0", "--data", "")
	url := p.Want(t, `http://127\.0\.0\.1:[0-9]+`)
	resp, err := harness.Client.Get(url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("readyz = %d", resp.StatusCode)
	}
	if status := p.Interrupt(t); status != 0 {
		t.Errorf("exit status = %d", status)
	}
}

// Everything that is wrong is reported at once, with its place.
func TestProblemsOfTheConfigurationAreReportedTogether(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hubline.yaml")
	text := "addr: 127.0.0.1:0\n\n# a comment\nlog-eventz: 7\nlog-events: many\nlog-age: 0s\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := harness.Run(t, []string{"HUBLINE_OUTBOX_EVENTS=x"}, "serve", "--config", file, "--data", filepath.Join(t.TempDir(), "d"), "--base-path", "x/")
	if r.Status == 0 {
		t.Error("exit status is 0")
	}
	for _, want := range []string{
		file + ":4: key \"log-eventz\"", file + ":5: key \"log-events\"", "log-age", "base-path", "HUBLINE_OUTBOX_EVENTS",
	} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("nothing about %s in:\n%s", want, r.Stderr)
		}
	}
	if r.Stdout != "" {
		t.Errorf("standard output: %s", r.Stdout)
	}
	for name, text := range map[string]string{"broken": "addr: [\n", "a list": "- addr\n", "twice": "addr: 127.0.0.1:0\naddr: 127.0.0.1:0\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := harness.Run(t, nil, "serve", "--config", file)
		if r.Status == 0 || !strings.Contains(r.Stderr, file+":") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The flag goes before the environment, that before the file.
func TestWhereAValueIsTakenFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hubline.yaml")
	if err := os.WriteFile(file, []byte("base-path: /file\naddr: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		env, args []string
		want      string
	}{
		{nil, nil, "/file"},
		{[]string{"HUBLINE_BASE_PATH=/env"}, nil, "/env"},
		{[]string{"HUBLINE_BASE_PATH=/env"}, []string{"--base-path", "/flag"}, "/flag"},
	} {
		args := append([]string{"serve", "--config", file, "--data", filepath.Join(t.TempDir(), "d")}, tt.args...)
		p := harness.SpawnEnv(t, tt.env, args...)
		if got := p.Want(t, `http://127\.0\.0\.1:[0-9]+/[a-z]*`); !strings.HasSuffix(got, tt.want) {
			t.Errorf("with %v %v the server is at %s", tt.env, tt.args, got)
		}
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := harness.Run(t, nil, "serve", "--addr", s.Addr, "--data", filepath.Join(t.TempDir(), "d"))
	if r.Status == 0 || !strings.Contains(r.Stderr, "in use") || r.Stdout != "" {
		t.Errorf("%+v", r)
	}
}

// SIGTERM: readiness goes first, every stream is told and closed, what was asked is
// answered, and the program ends well within its bound.
func TestTheServerStopsInOrder(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "4s")
	token := s.Token("alice")
	first := s.Publish("alice", "t", "1")
	var streams []*conn
	for range 5 {
		for _, transport := range []string{"sse", "ws"} {
			c := connect(t, s, transport, client.Options{Token: token, Since: "latest"})
			c.wantReady()
			streams = append(streams, c)
		}
	}
	quiet := connect(t, s, "ws", client.Options{Token: token})
	poll := client.NewPoller(client.Options{URL: s.URL, Token: token, Since: first.Cursor, Query: query("wait", "60")})
	polled := make(chan error, 1)
	go func() { // ends with the answer
		_, err := poll.Poll(t.Context())
		polled <- err
	}()
	// The poll is there when an event has passed over the other connections after it.
	await(t, s, 0.5)
	ready := s.Do(http.MethodGet, "/readyz", "", "")
	if ready.Status != http.StatusOK {
		t.Errorf("readyz = %d before the stop", ready.Status)
	}

	began := time.Now()
	s.Terminate()
	waits := map[int64]bool{}
	for i, c := range streams {
		m := c.want(client.Closing)
		if m.Closing.Reason != "drain" || m.Closing.RetryAfterMS < 0 || m.Closing.RetryAfterMS > 60_000 {
			t.Errorf("%s: closing = %s", c.transport, m.Raw)
		}
		waits[m.Closing.RetryAfterMS] = true
		if i == 0 {
			// Others are still being told: who asks now learns that this is the end.
			a, err := s.Request(t.Context(), http.MethodGet, "/readyz", "", nil)
			if err == nil && a.Status != http.StatusServiceUnavailable {
				t.Errorf("readyz while draining = %d, want 503", a.Status)
			}
		}
	}
	for _, c := range streams {
		if code := c.wantEnd(); c.transport == "ws" && code != websocket.StatusServiceRestart && code != websocket.StatusGoingAway {
			t.Errorf("close code = %d, want 1012 or 1001", code)
		}
	}
	if code := quiet.wantEnd(); code != websocket.StatusServiceRestart && code != websocket.StatusGoingAway {
		t.Errorf("close code without control messages = %d, want 1012 or 1001", code)
	}
	if err := <-polled; err != nil {
		t.Errorf("the waiting poll was not answered: %v", err)
	}
	if code := s.Wait(); code != 0 {
		t.Errorf("exit status = %d", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v, bound is 4 s", took)
	}
	if len(waits) < 3 {
		t.Errorf("10 clients are told to come back after %v ms: not spread", waits)
	}
}

// Clients that do not listen do not hold the stop up.
func TestTheStopIsBounded(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s")
	token := s.Token("alice")
	for _, transport := range []string{"ws", "sse", "ws", "sse"} {
		c := connect(t, s, transport, client.Options{Token: token, Since: "latest"})
		c.wantReady() // and nothing more is read
	}
	s.PublishSized("alice", "t", 200, strings.Repeat("x", 30_000))
	half := dialRaw(t, s)
	_, _ = half.Write([]byte("POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"))
	began := time.Now()
	s.Terminate()
	if code := s.Wait(); code != 0 {
		t.Errorf("exit status = %d", code)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the stop took %v, bound is 2 s", took)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for path, word := range map[string]string{
		"/healthz": "", "/readyz": "", "/alive": "", "/metrics": "hubline_", "/api/openapi.yaml": "openapi: 3.1", "/": "<!doctype html",
	} {
		a := s.Do(http.MethodGet, path, "", "")
		if a.Status != http.StatusOK || !strings.Contains(strings.ToLower(string(a.Body)), word) {
			t.Errorf("%s: %d %.100s", path, a.Status, a.Body)
		}
	}
	if a := s.Do(http.MethodGet, "/", "", ""); !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src") {
		t.Errorf("the page has no Content-Security-Policy: %v", a.Header)
	}
}
