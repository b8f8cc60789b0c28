// Package turn lets a goroutine step back behind what the network has brought.
package turn

import (
	"os"
	"runtime"
	"syscall"
)

// Turn is a place to step back at, for one goroutine at a time.
//
// runtime.Gosched lets those go first who are ready to run. But as long as anybody
// is, and be it only the one that steps back, the scheduler does not ask which sockets
// have become readable, and whoever waits for one of them stays where he is. A Turn
// waits for a descriptor that it has made readable itself, and so it comes back with,
// or behind, those whose sockets were readable before.
type Turn struct {
	r, w *os.File // of a pipe; nil: there is none
	raw  syscall.RawConn
	pass func(fd uintptr) bool
	rung bool
	b    [1]byte
}

// New returns a Turn. Without descriptors to be had it is runtime.Gosched.
func New() *Turn {
	t := &Turn{}
	r, w, err := os.Pipe()
	if err != nil {
		return t
	}
	if t.raw, err = r.SyscallConn(); err != nil {
		_, _ = r.Close(), w.Close()
		return t
	}
	t.r, t.w, t.pass = r, w, t.ring
	return t
}

// ring is called twice by RawConn.Read: before the wait, and behind it.
func (t *Turn) ring(fd uintptr) bool {
	if !t.rung {
		t.rung = true
		_, err := t.w.Write(t.b[:])
		return err != nil
	}
	_, _ = syscall.Read(int(fd), t.b[:]) //nolint:gosec // a descriptor is small
	return true
}

// Wait steps back. On an idle machine it returns at once.
func (t *Turn) Wait() {
	if t.r == nil {
		runtime.Gosched()
		return
	}
	t.rung = false
	_ = t.raw.Read(t.pass)
}

// Close gives the descriptors back. The Turn is runtime.Gosched then.
func (t *Turn) Close() {
	if t.r != nil {
		_, _ = t.r.Close(), t.w.Close()
		t.r = nil
	}
}
