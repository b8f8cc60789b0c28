package progress

import (
	"os"
	"os/signal"
	"syscall"
)

// catch has the signals that are meant for the command sent to a channel, until
// release is called.
func catch() (signals <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 16)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup, which is to stay so
		signal.Notify(c, syscall.SIGHUP)
	}
	// Whoever reads the command's output may go away. That is told to the command,
	// and does not end us before its end is published. The signal is caught, not
	// ignored: the command would inherit that.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	return c, func() {
		signal.Stop(c)
		signal.Stop(broken)
	}
}

// relay decides which signals are sent on to the command.
type relay struct {
	// foreground reports whether the terminal sends its signals to this process,
	// and so to the command, which is in the same process group.
	foreground func() bool
	keys       map[os.Signal]bool // of which one was left to the terminal
}

// passes reports whether a signal is to be sent on. One of the terminal's keys
// has reached the command already, and for many commands a second one means to
// drop everything. If a second one comes, that is meant.
func (r *relay) passes(s os.Signal) bool {
	if s != os.Interrupt && s != syscall.SIGQUIT || r.keys[s] || !r.foreground() {
		return true
	}
	if r.keys == nil {
		r.keys = map[os.Signal]bool{}
	}
	r.keys[s] = true
	return false
}
