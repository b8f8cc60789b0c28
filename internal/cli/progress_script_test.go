package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// progressBackend plays POST /api/v1/users/{user}/events for scripts.
type progressBackend struct {
	mu    sync.Mutex
	turns []string // of the next requests; the last one stays
	seen  map[string]bool
	log   strings.Builder // an event a line: path, data
}

func (b *progressBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.turns[0]
	if len(b.turns) > 1 {
		b.turns = b.turns[1:]
	}
	status, after, _ := strings.Cut(now, "/") // such as 503/0: with Retry-After: 0
	if code, err := strconv.Atoi(status); err == nil {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"title":"Refused","detail":"do better"}`)
		return
	}
	var event struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil || r.Header.Get("Authorization") != "Bearer hlk_TEST" {
		http.Error(w, `{"title":"Wrong"}`, http.StatusBadRequest)
		return
	}
	duplicate := b.seen[event.ID]
	if b.seen[event.ID] = true; !duplicate {
		fmt.Fprintf(&b.log, "%s %s %s\n", r.URL.EscapedPath(), event.Type, event.Data)
	}
	if now == "lost" {
		panic(http.ErrAbortHandler) // the answer is
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":%q,"duplicate":%v}`, event.ID, duplicate)
}

// scriptBackends are those of the scripts that run, by their folders.
var scriptBackends sync.Map

// scriptBackend is the command `backend TURN…` of scripts: a server that treats
// the requests as the turns say (ok, lost, or a status to refuse with), the last
// of them for ever. HUBLINE_SERVER is its address.
func scriptBackend(ts *testscript.TestScript, _ bool, turns []string) {
	b := &progressBackend{turns: turns, seen: map[string]bool{}}
	s := httptest.NewServer(b)
	ts.Defer(s.Close)
	scriptBackends.Store(ts.Getenv("WORK"), b)
	ts.Setenv("HUBLINE_SERVER", s.URL)
	ts.Setenv("HUBLINE_API_KEY", "hlk_TEST")
}

// scriptPublished is the command `published FILE`: what the backend has.
func scriptPublished(ts *testscript.TestScript, _ bool, args []string) {
	b, ok := scriptBackends.Load(ts.Getenv("WORK"))
	if !ok || len(args) != 1 {
		ts.Fatalf("usage, behind backend: published FILE")
	}
	backend, ok := b.(*progressBackend)
	if !ok {
		ts.Fatalf("%T", b)
	}
	backend.mu.Lock()
	defer backend.mu.Unlock()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(backend.log.String()), 0o600))
}

// detached runs a command away from the terminal that the tests may run at:
// there, the keys' signals reach a command without our doing.
func detached() {
	if _, err := syscall.Setsid(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		// Relative to the folder of the binaries that testscript makes.
		path, err = filepath.Abs(path)
	}
	if err == nil {
		err = syscall.Exec(path, os.Args[1:], os.Environ()) // #nosec G204 -- as the script says
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
