package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// binaryVariable names a program to test instead of building one, such as a
// release that has been packed already.
const binaryVariable = "HUBLINE_TEST_BINARY"

var (
	build = sync.OnceValues(func() (string, error) { return buildOnce(raceEnabled) })
	// plain is without the race detector, with which a start takes many times as long.
	plain = sync.OnceValues(func() (string, error) { return buildOnce(false) })

	made struct {
		mu   sync.Mutex
		dirs []string
	}
)

// buildOnce builds the program, unless there is one, and returns its path.
func buildOnce(race bool) (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "hubline-e2e-")
	if err != nil {
		return "", err
	}
	made.mu.Lock()
	made.dirs = append(made.dirs, dir)
	made.mu.Unlock()
	path := filepath.Join(dir, "hubline")
	args := []string{"build", "-o", path}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/hubline")...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return path, fmt.Errorf("go build ./cmd/hubline: %w\n%s", err, out)
	}
	return path, nil
}

// Binary returns the program under test, built at the first call: with the race
// detector if the test has it.
func Binary(t testing.TB) string {
	t.Helper()
	return must(t, build)
}

// plainBinary is Binary without the race detector.
func plainBinary(t testing.TB) string {
	t.Helper()
	if !raceEnabled {
		return Binary(t)
	}
	return must(t, plain)
}

func must(t testing.TB, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs the tests of a package and removes what was built for them. It is
// called from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	made.mu.Lock()
	for _, dir := range made.dirs {
		_ = os.RemoveAll(dir)
	}
	made.mu.Unlock()
	os.Exit(code)
}

// Race reports whether test and program run with the race detector, which makes
// figures of time and memory meaningless.
func Race() bool { return raceEnabled }

// Root is the repository's top folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}
