package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts talk to a server that answers POST /users/NAME/replays with the file
// answers/NAME, or with answers/STATUS/NAME as a problem, and keeps the request as asked.
func TestReplayScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/replay",
		Setup: func(env *testscript.Env) error {
			s := httptest.NewServer(replayServer(env.WorkDir))
			env.Defer(s.Close)
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("TZ", "UTC")
			env.Setenv("HUBLINE_SERVER", s.URL+"/base")
			env.Setenv("HUBLINE_API_KEY", "hlk_TEST")
			return nil
		},
	})
}

func replayServer(dir string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /base/api/v1/users/{user}/replays", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "asked"), append(body, '\n'), 0o600)
		}
		if err != nil || r.Header.Get("Authorization") != "Bearer hlk_TEST" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		name := strings.ReplaceAll(r.PathValue("user"), "/", "_")
		for _, status := range []int{200, 400, 401, 403, 503} {
			path := filepath.Join(dir, "answers", name)
			if status != http.StatusOK {
				path = filepath.Join(dir, "answers", strconv.Itoa(status), name)
			}
			if text, err := os.ReadFile(path); err == nil {
				w.WriteHeader(status)
				_, _ = w.Write(text)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	})
	return mux
}

func TestReplayTableIsBounded(t *testing.T) {
	r := replayAnswer{Epoch: "k", From: 1, To: 1030, DryRun: true, Matching: 1030}
	r.Events = make([]struct {
		Seq    uint64 `json:"seq"`
		ID     string `json:"id"`
		Type   string `json:"type"`
		TS     int64  `json:"ts"`
		Device string `json:"device"`
		Except string `json:"exceptDevice"`
	}, 1000)
	text := r.text("u")
	if n := strings.Count(text, "\n"); n != shownEvents+4 || !strings.HasSuffix(text, "and 1,010 more; --json lists up to 1,000\n") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
