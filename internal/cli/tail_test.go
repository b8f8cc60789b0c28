package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubline/api/auth"
	"hubline/internal/cli/subscribe"
	"hubline/internal/config"
)

func TestWriteLine(t *testing.T) {
	at := time.UnixMilli(1763596800123)
	clock := at.Local().Format("15:04:05.000")
	for _, tt := range []struct {
		event subscribe.Event
		want  string
	}{
		{
			subscribe.Event{Cursor: "k-5", Type: "backup.progress", Time: at, Data: []byte("{\"step\": 3,\n \"of\":4}")},
			clock + `  k-5  backup.progress  {"step":3,"of":4}`,
		},
		{
			subscribe.Event{Cursor: "k-6", Type: "t", Time: at, Channel: "org", Replayed: true, Data: []byte("null")},
			clock + `  k-6  t  #org  (again)  null`,
		},
		{
			subscribe.Event{Cursor: "k-7", Type: "t\u009b31m", Time: at, Data: []byte("\"\u202etxt\u007f\"")},
			clock + `  k-7  t\u009b31m  "\u202etxt\u007f"`,
		},
	} {
		var b bytes.Buffer
		if err := writeLine(&b, tt.event); err != nil || b.String() != tt.want+"\n" {
			t.Errorf("got %q, %v, want %q", b.String(), err, tt.want)
		}
	}
	if err := writeLine(&bytes.Buffer{}, subscribe.Event{Data: []byte("{")}); err == nil {
		t.Error("broken data were written")
	}
}

func TestGapText(t *testing.T) {
	for _, tt := range []struct {
		gap  subscribe.Gap
		want string
	}{
		{subscribe.Gap{From: 1, To: 4, Reason: "evicted"}, "gap: events 1 to 4 can no longer be replayed (evicted); fetch the state anew"},
		{subscribe.Gap{From: 4, To: 4, Reason: "expired"}, "gap: event 4 can no longer be replayed (expired); fetch the state anew"},
		{subscribe.Gap{Reason: "epoch"}, "gap: events can no longer be replayed (epoch); fetch the state anew"},
		{subscribe.Gap{From: 9, To: 3, Reason: "ahead\n"}, "gap: events can no longer be replayed (ahead ); fetch the state anew"},
	} {
		if got := gapText(tt.gap); got != tt.want {
			t.Errorf("gapText(%+v) = %q, want %q", tt.gap, got, tt.want)
		}
	}
}

func TestWriteJSONIsOneLine(t *testing.T) {
	var b bytes.Buffer
	raw := "{\"seq\":1,\n\"data\":{\"a\" : 1.0}}"
	if err := writeJSON(&b, subscribe.Event{Raw: []byte(raw)}); err != nil || b.String() != `{"seq":1,"data":{"a":1.0}}`+"\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

// eventServer answers /events as a stream of one gap and two events for tokens
// that verify, and then waits for the client to go.
func eventServer(t *testing.T, secret []byte) *httptest.Server {
	verifier, err := auth.NewVerifier(t.Context(), auth.Config{Secret: secret, Issuer: "me"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := auth.FromRequest(r, false)
		identity, err := verifier.Verify(r.Context(), token)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"title":"The token is not accepted"}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: hubline.gap\ndata: {\"type\":\"hubline.gap\",\"data\":{\"from\":1,\"to\":4,\"reason\":\"evicted\"}}\n\n")
		for seq := 5; seq < 7; seq++ {
			fmt.Fprintf(w, "id: k-%d\ndata: {\"seq\":%d,\"cursor\":\"k-%d\",\"type\":\"t\",\"data\":%q}\n\n", seq, seq, seq, identity.User+" on "+identity.Device)
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server
}

func TestTailFollowsUntilInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	secrets, err := config.OpenDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := eventServer(t, secrets.SigningSecret)
	env, read := newEnvironment(t)
	stdout, stdoutWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	defer stdoutWriter.Close()
	env.stdout = stdoutWriter
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	command := tailCommand{User: "alice", Device: "phone", Transport: "sse", DataDir: dir, secretFlags: secretFlags{JWTIssuer: "me"}}
	command.Server = server.URL
	done := make(chan error, 1)
	go func() { done <- command.Run(ctx, env) }() // ends with ctx
	lines := bufio.NewReader(stdout)
	for range 2 {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var event struct{ Data string }
		if err := json.Unmarshal(line, &event); err != nil || event.Data != "alice on phone" {
			t.Errorf("line %q: %v", line, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("tail ended with %v, want success", err)
	}
	if got, want := read().stderr, "gap: events 1 to 4 can no longer be replayed (evicted); fetch the state anew\n"; got != want {
		t.Errorf("standard error = %q, want %q", got, want)
	}
}

func TestTailSaysWhatToDoAboutARefusedToken(t *testing.T) {
	secrets := config.NewSecrets()
	server := eventServer(t, secrets.SigningSecret)
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := config.OpenDataDir(dir); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command tailCommand
		want    string
	}{
		{tailCommand{User: "alice", DataDir: dir}, "it does not know the secret in " + dir},
		{tailCommand{Token: "x"}, "get a new --token"},
	} {
		for _, transport := range []string{"ws", "sse", "poll"} {
			tt.command.Transport, tt.command.Server = transport, server.URL
			env, _ := newEnvironment(t)
			err := tt.command.Run(t.Context(), env)
			if err == nil || !strings.Contains(err.Error(), "401 Unauthorized: The token is not accepted") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error = %v, want %q", transport, err, tt.want)
			}
		}
	}
}

func TestTokenCarriesItsClaims(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	secrets, err := config.OpenDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(t.Context(), auth.Config{Secret: secrets.SigningSecret, Issuer: "iss", Audience: "aud"})
	if err != nil {
		t.Fatal(err)
	}
	env, read := newEnvironment(t)
	command := tokenCommand{
		User: "alice", Device: "phone", Scope: []string{"publish", "read"}, Channels: []string{"private-*"}, TTL: time.Hour, DataDir: dir,
		secretFlags: secretFlags{JWTIssuer: "iss", JWTAudience: "aud"},
	}
	if err := command.Run(env); err != nil {
		t.Fatal(err)
	}
	token, ok := strings.CutSuffix(read().stdout, "\n")
	identity, err := verifier.Verify(t.Context(), token)
	if err != nil || !ok {
		t.Fatalf("token %q: %v", token, err)
	}
	if identity.User != "alice" || identity.Device != "phone" || identity.Scopes != auth.ScopePublish|auth.ScopeRead || len(identity.Channels) != 1 {
		t.Errorf("identity = %+v", identity)
	}
	if left := time.Until(identity.Expires); left < 59*time.Minute || left > time.Hour {
		t.Errorf("token expires in %v, want an hour", left)
	}
}
