package progress

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignalsThatTheTerminalHasDelivered(t *testing.T) {
	const term = syscall.SIGTERM
	type step struct {
		signal os.Signal
		passes bool
	}
	for _, tt := range []struct {
		name       string
		foreground bool
		steps      []step
	}{
		{"behind a terminal", false, []step{{os.Interrupt, true}, {syscall.SIGQUIT, true}, {term, true}}},
		{
			"at a terminal", true,
			[]step{{os.Interrupt, false}, {term, true}, {syscall.SIGHUP, true}, {syscall.SIGQUIT, false}, {os.Interrupt, true}, {syscall.SIGQUIT, true}},
		},
	} {
		r := relay{foreground: func() bool { return tt.foreground }}
		for i, step := range tt.steps {
			if got := r.passes(step.signal); got != step.passes {
				t.Errorf("%s: signal %d (%v) is sent on: %v, want %v", tt.name, i, step.signal, got, step.passes)
			}
		}
	}
}

func TestWaitingEndsWithASignalOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, done := make(chan os.Signal, 1), make(chan struct{})
		p := patience{signals: signals, begins: time.Now().Add(settle)}
		began := time.Now()
		go func() {
			signals <- os.Interrupt // of the command
			time.Sleep(settle)
			signals <- os.Interrupt
		}()
		if p.wait(done, 0) || time.Since(began) != settle {
			t.Errorf("waited for %v", time.Since(began))
		}
		began = time.Now()
		if !p.wait(done, second) || time.Since(began) != second {
			t.Errorf("waited for %v, limit %v", time.Since(began), second)
		}
		close(done)
		if !p.wait(done, 0) {
			t.Error("what is done was not waited for")
		}
	})
}
