// Package progress runs a command and publishes how far it is, read from what it
// prints, as the events of a backup. The command is not held up by it: neither
// its output nor its end waits for the server.
package progress

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// defaultEvery is the least time between two events of a run.
	defaultEvery = 500 * time.Millisecond
	// outputGrace is how long the end waits to be published for output that is
	// still on its way, because somebody takes it slowly, or because another
	// process holds the pipe and may never end.
	outputGrace = 2 * time.Second
	// settle is how long behind the end of the command signals are its own.
	settle = time.Second
)

// Config says what to run, and what to publish of it.
type Config struct {
	// Args is the command and its arguments.
	Args []string
	// Stdin is handed to the command, and so are Stdout and Stderr, through
	// pipes that are read if Streams says so; empty is Both.
	Stdin          io.Reader
	Stdout, Stderr *os.File
	Streams        Streams

	// Labels' Type is backup.progress if empty, Operation backup-export and
	// FileName the command's name.
	Labels Labels
	// Every is the least time between two events of progress; 0 is 500 ms.
	Every time.Duration
	// Linger is how long the last events are tried after the end of the command.
	Linger time.Duration
	Send   Send

	// signals stands for the process's in tests, grace for outputGrace.
	signals <-chan os.Signal
	grace   time.Duration
}

// Run runs the command to its end and returns its outcome, and what became of
// the events. SIGINT, SIGTERM, SIGQUIT and SIGHUP are sent on to the command;
// behind its end they end the waiting. It changes what the process does on
// signals, so that there can be only one at a time.
func Run(cfg Config) (Outcome, Report) {
	cfg.Streams = cmp.Or(cfg.Streams, Both)
	cfg.Labels.Type = cmp.Or(cfg.Labels.Type, "backup.progress")
	cfg.Labels.Operation = cmp.Or(cfg.Labels.Operation, "backup-export")
	cfg.Labels.FileName = cmp.Or(cfg.Labels.FileName, filepath.Base(cfg.Args[0]))
	signals := cfg.signals
	if signals == nil {
		caught, release := catch()
		defer release()
		signals = caught
	}

	p := newPublisher(cfg.Labels, cmp.Or(cfg.Every, defaultEvery), cfg.Linger, cfg.Send)
	t := &tracker{changed: p.update}
	c, err := start(cfg, t)
	if err != nil {
		end := notStarted(cfg.Args[0], err)
		p.finish(end)
		if out := (&patience{signals: signals}); !out.wait(p.done, 0) {
			p.abandon()
		}
		return end, p.wait()
	}
	end := c.follow(signals)
	out := &patience{signals: signals, begins: time.Now().Add(settle)}
	passed := make(chan struct{})
	go func() { // ends with the output, or c.stop, or the process
		c.passed.Wait()
		close(passed)
	}()
	if !out.wait(passed, cmp.Or(cfg.grace, outputGrace)) {
		c.stop()
		p.abandon()
	}
	p.finish(end.because(t.said(), cfg.Labels.NoDetail))
	if !out.wait(p.done, 0) {
		p.abandon()
	}
	if !out.wait(passed, 0) {
		c.stop()
	}
	return end, p.wait()
}

// patience waits for what is left to do behind the end of the command, as long
// as no signal ends that.
type patience struct {
	signals <-chan os.Signal
	// begins is when signals begin to mean this process: one that came to the
	// whole process group may be read after the command has ended from it.
	begins time.Time
}

// wait returns false if a signal came before it was done. It waits no longer
// than a limit, if that is not 0.
func (p *patience) wait(done <-chan struct{}, limit time.Duration) bool {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	for {
		select {
		case <-done:
			return true
		case <-over:
			return true
		case <-p.signals:
			if !time.Now().Before(p.begins) {
				return false
			}
		}
	}
}

// follow waits for the end of the command and sends it the signals.
func (c *command) follow(signals <-chan os.Signal) Outcome {
	ended := make(chan Outcome, 1)
	go func() { ended <- c.wait() }() // ends with the command
	relay := relay{foreground: foreground}
	for {
		select {
		case end := <-ended:
			return end
		case s := <-signals:
			if relay.passes(s) {
				_ = c.cmd.Process.Signal(s) // which may have ended just now
			}
		}
	}
}

// because adds to an outcome what the command said of it.
func (o Outcome) because(said string, secret bool) Outcome {
	if o.Status != 0 && said != "" && !secret {
		o.Reason = cut(o.Reason + ": " + said)
	}
	return o
}
