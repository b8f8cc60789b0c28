package progress

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Streams says which output of a command is read.
type Streams string

// A stream that is not read is handed to the command as it is, so that it may
// be a terminal to it.
const (
	Both   Streams = "both"
	Stdout Streams = "stdout"
	Stderr Streams = "stderr"
)

// Exit statuses of a shell for a command that did not run.
const (
	statusNotRun   = 126
	statusNotFound = 127
	statusSignal   = 128 // and the number of the signal
)

// command is a running command.
type command struct {
	cmd *exec.Cmd
	// ours are the ends of pipes that its output comes from.
	ours   []*os.File
	passed sync.WaitGroup // for what passes the output on
}

// start starts the command. The streams that are read go through pipes of ours,
// not of os/exec, whose Wait would wait for all that hold their other ends.
func start(cfg Config, t *tracker) (*command, error) {
	c := &command{cmd: exec.Command(cfg.Args[0], cfg.Args[1:]...)} // #nosec G204 -- that is what it is for
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = cfg.Stdin, cfg.Stdout, cfg.Stderr
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	}()
	through := func(out *os.File, isStderr bool) (*os.File, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		theirs, c.ours = append(theirs, w), append(c.ours, r)
		// Ends with the output, or when stop closes r.
		c.passed.Go(func() {
			pass(out, r, t.stream(isStderr))
			_ = r.Close()
		})
		return w, nil
	}
	stdout, err := cfg.Stdout, error(nil)
	if cfg.Streams != Stderr {
		stdout, err = through(cfg.Stdout, false)
	}
	stderr := cfg.Stderr
	switch {
	case err != nil || cfg.Streams == Stdout:
	case cfg.Streams == Both && same(cfg.Stdout, cfg.Stderr):
		// One pipe for both keeps the order of what is printed, as on a terminal.
		stderr = stdout
		t.merged()
	default:
		stderr, err = through(cfg.Stderr, true)
	}
	c.cmd.Stdout, c.cmd.Stderr = stdout, stderr
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// wait returns how the command ended. Its output may still be on its way.
func (c *command) wait() Outcome {
	err := c.cmd.Wait()
	state := c.cmd.ProcessState
	if state == nil {
		return Outcome{Status: statusNotRun, Reason: fmt.Sprintf("wait for the command: %v", err)}
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return Outcome{
			Status: statusSignal + int(ws.Signal()),
			Reason: fmt.Sprintf("ended by signal %d (%v)", int(ws.Signal()), ws.Signal()),
		}
	}
	if code := state.ExitCode(); code != 0 {
		return Outcome{Status: code, Reason: fmt.Sprintf("exit status %d", code)}
	}
	return Outcome{}
}

// stop takes no more output.
func (c *command) stop() {
	for _, f := range c.ours {
		_ = f.Close()
	}
}

// notStarted is the outcome of a command that could not be run.
func notStarted(name string, err error) Outcome {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return Outcome{Status: statusNotFound, Reason: name + ": command not found", notRun: true}
	}
	// The error names the file again.
	if inner, ok := errors.AsType[*exec.Error](err); ok {
		err = inner.Err
	} else if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return Outcome{Status: statusNotRun, Reason: fmt.Sprintf("%s: cannot be run: %v", name, err), notRun: true}
}

// same reports whether two files are one, such as a terminal.
func same(a, b *os.File) bool {
	first, err := a.Stat()
	if err != nil {
		return false
	}
	second, err := b.Stat()
	return err == nil && os.SameFile(first, second)
}
