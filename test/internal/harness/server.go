package harness

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubline/test/internal/document"
)

// patience is how long anything on this machine may take before a test fails. It
// is generous, because the machine may be busy: nothing waits this long when all
// is well.
const patience = 30 * time.Second

// stopBound is how long an ordered stop may take: --drain-timeout is 10 s, or what
// the test made it.
const stopBound = 13 * time.Second

// Server is a running program. Its methods may be called from one goroutine at a
// time, but for those that publish or sign.
type Server struct {
	*shared

	t testing.TB // is failed by the methods
}

// shared is what a server is for the test and its subtests.
type shared struct {
	URL    string // without a slash at the end
	Addr   string // host:port
	Data   string // data directory
	APIKey string // with every scope
	Secret []byte // signs client tokens

	flags   []string
	program func(testing.TB) string // its path

	proc *process

	mu      sync.Mutex
	secrets []string // must never be logged
	logs    strings.Builder
}

// Start runs `hubline serve` with the flags on a free port and a fresh data
// directory, waits until it says where it is, and stops it when the test ends.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	return StartIn(t, filepath.Join(t.TempDir(), "data"), flags...)
}

// StartIn is Start with a data directory that may exist already.
func StartIn(t testing.TB, data string, flags ...string) *Server {
	t.Helper()
	return start(t, &shared{Data: data, Addr: "127.0.0.1:0", flags: flags, program: Binary})
}

func start(t testing.TB, sh *shared) *Server {
	t.Helper()
	s := &Server{sh, t}
	t.Cleanup(s.finish)
	s.launch()
	return s
}

// In returns the server for use in a subtest, which its methods then fail.
func (s *Server) In(t testing.TB) *Server { return &Server{s.shared, t} }

// launch starts the process and reads its secrets.
func (s *Server) launch() {
	s.t.Helper()
	args := s.spawn()
	base, ok := s.proc.waitFor(addressLine, patience)
	if !ok {
		s.t.Fatalf("hubline %s did not say where it is:\n%s", strings.Join(args, " "), s.proc.output())
	}
	s.learn(strings.TrimSuffix(base, "/"))
}

// spawn starts the process and returns its arguments.
func (s *Server) spawn() []string {
	args := append([]string{"serve", "--addr", s.Addr, "--data", s.Data, "--log-level", "debug"}, s.flags...)
	s.proc = run(s.t, s.program(s.t), nil, args...)
	return args
}

// learn notes where the server is and what its secrets are. After a restart nothing
// of it has changed, unless the server is at fault: then nothing is written, because
// others may be reading.
func (s *Server) learn(base string) {
	s.t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		s.t.Fatalf("address %q: %v", base, err)
	}
	key := readLine(s.t, filepath.Join(s.Data, "api-key"))
	secret := []byte(readLine(s.t, filepath.Join(s.Data, "signing-secret")))
	if s.URL == base && s.APIKey == key && bytes.Equal(s.Secret, secret) {
		return
	}
	s.URL, s.Addr, s.APIKey, s.Secret = base, u.Host, key, secret
	document.Mount(u.Host, u.Path)
	s.Hide(key)
	s.Hide(string(secret))
}

// addressLine finds where the server says it is.
var addressLine = regexp.MustCompile(`https?://[0-9A-Za-z.:\[\]-]+:[0-9]+[^\s"']*`)

func readLine(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// Hide notes a secret that must not appear in the server's output.
func (s *shared) Hide(secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, secret)
}

// Logs is all that the program has written so far, also before restarts.
func (s *shared) Logs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs.String() + s.proc.output()
}

// Pid is the process that runs now.
func (s *shared) Pid() int { return s.proc.cmd.Process.Pid }

// Terminate asks the program to stop and returns at once.
func (s *Server) Terminate() {
	s.t.Helper()
	if err := s.proc.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
}

// Wait returns the exit status once the program has ended.
func (s *Server) Wait() int {
	s.t.Helper()
	select {
	case <-s.proc.done:
	case <-time.After(patience):
		s.t.Fatalf("the program did not stop:\n%s", tail(s.Logs()))
	}
	return s.proc.cmd.ProcessState.ExitCode()
}

// Stop stops the program in order. It must exit with status 0.
func (s *Server) Stop() {
	s.t.Helper()
	s.Terminate()
	if code := s.Wait(); code != 0 {
		s.t.Fatalf("exit status after SIGTERM = %d, want 0:\n%s", code, tail(s.Logs()))
	}
}

// Kill ends the program without any warning.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.proc.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	s.Wait()
}

// Restart runs the program again with the same address, data and flags. If it
// still runs it is stopped in order first.
func (s *Server) Restart() {
	s.t.Helper()
	if s.proc.running() {
		Client.CloseIdleConnections()
		s.Stop()
	}
	s.mu.Lock()
	s.logs.WriteString(s.proc.output())
	s.mu.Unlock()
	s.launch()
}

// finish stops the program and looks through its output.
func (s *Server) finish() {
	if s.proc == nil {
		return
	}
	if s.proc.running() {
		// A connection that was dialled and never used would hold the stop up for
		// the five seconds that net/http gives it.
		Client.CloseIdleConnections()
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > stopBound {
				s.t.Errorf("the stop took %v, more than the longest drain timeout allows", took)
			}
		}()
		_ = s.proc.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.proc.done:
			if code := s.proc.cmd.ProcessState.ExitCode(); code != 0 {
				s.t.Errorf("exit status after SIGTERM = %d, want 0", code)
			}
		case <-time.After(patience):
			_ = s.proc.cmd.Process.Kill()
			<-s.proc.done
			s.t.Error("the program did not stop on SIGTERM")
		}
	}
	for _, fault := range document.Faults(s.Addr) {
		s.t.Errorf("not as openapi.yaml has it: %s", fault)
	}
	logs := s.Logs()
	for _, word := range []string{"panic", "WARNING: DATA RACE", "fatal error:"} {
		if strings.Contains(logs, word) {
			s.t.Errorf("the program's output contains %q", word)
		}
	}
	s.mu.Lock()
	for _, secret := range s.secrets {
		if strings.Contains(logs, secret) {
			s.t.Errorf("the program's output contains a secret: %.12s…", secret)
		}
	}
	s.mu.Unlock()
	if s.t.Failed() {
		s.t.Logf("output of the program:\n%s", tail(logs))
	}
}

// tail cuts a long output.
func tail(s string) string {
	const most = 8 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}
