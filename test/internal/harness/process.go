package harness

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that was started, with all that it writes.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu      sync.Mutex
	text    strings.Builder
	written chan struct{} // closed and renewed at each write
}

// run starts a program. Its environment is the test's without HUBLINE_…, and env.
func run(t testing.TB, path string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{}), written: make(chan struct{})}
	p.cmd.Env = append(Environ(), env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// A group of its own: what it starts can be stopped with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the program, which the test's cleanup stops.
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// Environ is the environment without variables that configure the program.
func Environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HUBLINE_") {
			env = append(env, v)
		}
	}
	// A data race ends the program with a status of its own.
	return append(env, "GORACE=halt_on_error=0 exitcode=66")
}

// Write implements io.Writer for the program's output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	close(p.written)
	p.written = make(chan struct{})
	return len(b), nil
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// waitFor returns what matches in the output, once something does and the line
// it stands in is complete.
func (p *process) waitFor(re *regexp.Regexp, limit time.Duration) (string, bool) {
	timeout := time.After(limit)
	for {
		p.mu.Lock()
		text, written := p.text.String(), p.written
		p.mu.Unlock()
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			if m := re.FindString(text[:i]); m != "" {
				return m, true
			}
		}
		select {
		case <-written:
		case <-p.done:
			return "", false
		case <-timeout:
			return "", false
		}
	}
}
