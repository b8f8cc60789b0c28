package proxies

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubline/test/internal/harness"
)

// program is another program that runs for a test, with all that it writes.
type program struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu      sync.Mutex
	text    strings.Builder
	written chan struct{} // closed and renewed at each write
}

// Write implements io.Writer for the program's output.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	close(p.written)
	p.written = make(chan struct{})
	return len(b), nil
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// launch starts a program, waits until it writes what ready matches, and stops it
// when the test ends. It reports false if it ended before that.
func launch(t testing.TB, ready *regexp.Regexp, path string, args ...string) (*program, bool) {
	t.Helper()
	p := &program{cmd: exec.Command(path, args...), done: make(chan struct{}), written: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = t.TempDir(), append(harness.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// What it leaves running keeps its output open: that is not waited for.
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the program, which the cleanup stops.
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("output of %s:\n%s", filepath.Base(path), p.output())
		}
	})
	timeout := time.After(harness.Patience())
	for {
		p.mu.Lock()
		text, written := p.text.String(), p.written
		p.mu.Unlock()
		if ready.MatchString(text) {
			return p, true
		}
		select {
		case <-written:
		case <-p.done:
			return p, false
		case <-timeout:
			t.Fatalf("%s did not start:\n%s", path, text)
		}
	}
}

// stop ends the program by SIGTERM.
func (p *program) stop(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.done:
	case <-time.After(harness.Patience()):
		_ = p.cmd.Process.Kill()
		<-p.done
		t.Errorf("%s did not stop", p.cmd.Path)
	}
}

// freeAddr is an address nothing listens on. Something else may take it before it is
// used: see retry.
func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// retry starts a proxy on a free port, on another one if that was taken meanwhile.
func retry(t testing.TB, start func(addr string) (*program, bool)) (*program, string) {
	t.Helper()
	for range 3 {
		addr := freeAddr(t)
		p, ok := start(addr)
		if ok {
			return p, addr
		}
		if !strings.Contains(strings.ToLower(p.output()), "in use") {
			t.Fatalf("%s ended at once:\n%s", p.cmd.Path, p.output())
		}
	}
	t.Fatal("no port could be had")
	return nil, ""
}

// find returns the path of a program, also where only root has it in PATH.
func find(name string) (string, bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	return path, err == nil
}

// needNginx returns nginx's path. Without nginx the test fails, unless
// HUBLINE_TEST_SKIP says that it cannot be had.
func needNginx(t testing.TB) string {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("HUBLINE_TEST_SKIP"), ","), "nginx") {
		t.Skip("HUBLINE_TEST_SKIP names nginx")
	}
	path, ok := find("nginx")
	if !ok {
		t.Fatal("nginx is not installed: run test/setup/install.sh, or set HUBLINE_TEST_SKIP=nginx to go without these tests")
	}
	return path
}

// mayHave returns the path of a proxy that need not be there.
func mayHave(t testing.TB, name string) string {
	t.Helper()
	path, ok := find(name)
	if !ok {
		t.Skipf("%s is not installed: its configuration is not tested", name)
	}
	return path
}
