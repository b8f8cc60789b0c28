package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/internal/app"
	"hubline/internal/cli/progress"
	"hubline/internal/config"
)

// startServer runs the real server until the test ends and returns its address
// and data directory.
func startServer(t *testing.T) (address, dataDir string) {
	t.Helper()
	cfg := config.Default()
	cfg.Addr, cfg.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { // ends with the server, which ends with ctx
		err := app.Run(ctx, cfg, slog.New(slog.DiscardHandler), w)
		_ = w.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewReader(r)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the pipe
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(first), "Hubline is at "), "/"), cfg.Data
}

// With the real server, a run is in the user's log: once, in order, with the
// data of a backup.
func TestProgressIsInTheLog(t *testing.T) {
	address, dataDir := startServer(t)
	env, read := newEnvironment(t)
	c := progressCommand{
		User: "alice", Operation: "export", Watch: "both", Every: 1, Linger: requestTimeout, DataDir: dataDir,
		Command: []string{"--", "sh", "-c", "echo 50%; exit 3"},
	}
	c.Server = address
	err := c.Run(env)
	if status, ok := errors.AsType[exitRequest](err); !ok || status != 3 {
		t.Fatalf("Run = %v", err)
	}
	if diff := cmp.Diff(outputs{"50%\n", ""}, read(), cmp.AllowUnexported(outputs{})); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}

	key, err := apiKey("", dataDir)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/v1/users/alice/events?since=0&types=backup.progress", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var log struct {
		Events []struct {
			Seq  int
			Data struct {
				Operation, Step, FileName, Error string
				Percent                          float64
				Done, OK                         bool
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
		t.Fatal(err)
	}
	if len(log.Events) < 2 {
		t.Fatalf("log = %+v", log)
	}
	first, last := log.Events[0].Data, log.Events[len(log.Events)-1].Data
	if first.Operation != "export" || first.Step != "export_started" || first.FileName != "sh" || first.Done {
		t.Errorf("first = %+v", first)
	}
	if last.Step != "export_failed" || last.Error != "exit status 3" || last.Percent != 50 || !last.Done || last.OK {
		t.Errorf("last = %+v", last)
	}
}

// What an answer means for the publisher.
func TestAnswersToProgress(t *testing.T) {
	for _, tt := range []struct {
		name      string
		turn      func(*http.Request) (*http.Response, error)
		duplicate bool
		status    int // of the refusal, if it is one; -1 if there is another error
		want      string
	}{
		{"taken", answer(201, `{"id":"x","duplicate":false}`), false, 200, ""},
		{"taken before", answer(201, `{"id":"x","duplicate":true}`), true, 200, ""},
		{"no room", answer(507, `{"title":"Full"}`), false, 507, "Full (status 507)"},
		{"wrong key", answer(401, ``), false, 401, "Unauthorized (status 401); check --api-key"},
		{"the page of something else", answer(200, `<html>`), false, 404, "the answer is not that of the backend API; is --server right?"},
		{"nobody", func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, false, -1, `Post "http://hub.test/api/v1/users/a%2Fb/events": unexpected EOF`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient("http://hub.test", "")
			client.http.Transport = roundTrip(tt.turn)
			duplicate, err := progressCommand{User: "a/b", APIKey: "secret"}.send(client)(t.Context(), []byte(`{}`))
			status := 200
			if refused, ok := errors.AsType[*progress.Refused](err); ok {
				status = refused.Status
			} else if err != nil {
				status = -1
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if duplicate != tt.duplicate || status != tt.status || text != tt.want {
				t.Errorf("duplicate %v, status %d, error %q; want %v, %d, %q", duplicate, status, text, tt.duplicate, tt.status, tt.want)
			}
		})
	}
}

func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
}
