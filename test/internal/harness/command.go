package harness

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// Ran is a command that has ended.
type Ran struct {
	Status         int
	Stdout, Stderr string
}

// Run runs the program with the arguments to its end, in an empty directory and
// with an environment that sets nothing of it but what is given as NAME=VALUE.
func Run(t testing.TB, env []string, args ...string) Ran {
	t.Helper()
	return RunWith(t, "", env, args...)
}

// RunWith is Run with standard input.
func RunWith(t testing.TB, stdin string, env []string, args ...string) Ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(t), args...)
	return finished(t, cmd, stdin, env)
}

// Shell runs a script with bash in dir, where `hubline` is the program under test.
func Shell(t testing.TB, dir, script string) Ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	// What the script started in the background goes with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return finished(t, cmd, "", []string{"PATH=" + Path(t)})
}

func finished(t testing.TB, cmd *exec.Cmd, stdin string, env []string) Ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Env = append(Environ(), env...)
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader([]byte(stdin)), &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, stdout.Bytes(), stderr.Bytes())
	}
	return Ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Path is a PATH on which `hubline` is the program under test.
func Path(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(Binary(t), filepath.Join(dir, "hubline")); err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// Process is a command that runs beside the test and is stopped with it.
type Process struct{ *process }

// Spawn starts the program with the arguments.
func Spawn(t testing.TB, args ...string) *Process {
	t.Helper()
	return spawn(t, run(t, Binary(t), nil, args...))
}

// SpawnShell starts a script with bash; see Shell.
func SpawnShell(t testing.TB, script string) *Process {
	t.Helper()
	return spawn(t, run(t, "bash", []string{"PATH=" + Path(t)}, "-c", script))
}

func spawn(t testing.TB, p *process) *Process {
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	})
	return &Process{p}
}

// Want waits until the output matches.
func (p *Process) Want(t testing.TB, pattern string) string {
	t.Helper()
	m, ok := p.waitFor(regexp.MustCompile(pattern), patience)
	if !ok {
		t.Fatalf("nothing like %q in the output:\n%s", pattern, p.output())
	}
	return m
}

// Interrupt sends SIGINT and returns the exit status.
func (p *Process) Interrupt(t testing.TB) int {
	t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("the program did not stop on SIGINT:\n%s", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Output is what was written so far.
func (p *Process) Output() string { return p.output() }

// SpawnEnv is Spawn with variables of the environment.
func SpawnEnv(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	return spawn(t, run(t, Binary(t), env, args...))
}
