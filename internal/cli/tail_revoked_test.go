package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hubline/internal/config"
)

// A token that was revoked is no sign of a wrong secret.
func TestTailOfARevokedTokenDoesNotBlameTheSecret(t *testing.T) {
	dir := t.TempDir() + "/data"
	if _, err := config.OpenDataDir(dir); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"type":"/base/problems/token-revoked","title":"Revoked","detail":"It has been revoked."}`)
	}))
	t.Cleanup(server.Close)
	for _, transport := range []string{"ws", "sse", "poll"} {
		env, _ := newEnvironment(t)
		command := tailCommand{User: "alice", DataDir: dir, Transport: transport}
		command.Server = server.URL
		err := command.Run(t.Context(), env)
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "It has been revoked; start again") {
			t.Errorf("%s: error = %v, want advice to start again", transport, err)
		}
	}
}
