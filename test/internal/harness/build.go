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

var build = sync.OnceValues(func() (built, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return built{path: path}, nil
	}
	dir, err := os.MkdirTemp("", "hubline-e2e-")
	if err != nil {
		return built{}, err
	}
	b := built{path: filepath.Join(dir, "hubline"), dir: dir}
	args := []string{"build", "-o", b.path}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/hubline")...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build ./cmd/hubline: %w\n%s", err, out)
	}
	return b, nil
})

type built struct{ path, dir string }

// Binary returns the program under test, built at the first call: with the race
// detector if the test has it.
func Binary(t testing.TB) string {
	t.Helper()
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return b.path
}

// Main runs the tests of a package and removes what was built for them. It is
// called from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if b, err := build(); err == nil && b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
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
