package journal

import (
	"math/rand/v2"
	"os"
	"syscall"

	"hubline/internal/disktest"
)

// memFS is a disk for tests, as an FS.
type memFS struct{ *disktest.FS }

var errPower = disktest.ErrPower

func newMemFS() *memFS { return &memFS{disktest.New()} }

func (m *memFS) OpenFile(name string, flag int, perm os.FileMode) (File, error) {
	f, err := m.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m *memFS) on(fault func(op, name string, n int) (int, error)) { m.On(fault) }
func (m *memFS) names() []string                                    { return m.Names() }
func (m *memFS) clone() *memFS                                      { return &memFS{m.Clone()} }
func (m *memFS) powerLoss(r *rand.Rand)                             { m.PowerLoss(r) }

// failNth makes the nth operation of a kind fail, and counts from one.
func failNth(op string, nth int, err error) func(string, string, int) (int, error) {
	return func(o, _ string, n int) (int, error) {
		if o == op {
			if nth--; nth == 0 {
				return n / 2, err
			}
		}
		return n, nil
	}
}

var errIO = &os.PathError{Op: "io", Path: "disk", Err: syscall.EIO}
