package journal

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// memFS is a file system in memory that knows what is on disk and what only in
// the machine's memory, and that can be told to fail.
type memFS struct {
	mu    sync.Mutex
	files map[string]*memFile
	// dirs are the states of the directory since the last SyncDir, the last one
	// current: a power loss goes back to any of them.
	dirs []map[string]*memFile
	ops  int
	// fault, if set, is asked before each change. It returns how many bytes of a
	// write to do, and the error.
	fault func(op, name string, bytes int) (int, error)
}

var errPower = errors.New("power is lost")

func newMemFS() *memFS {
	m := &memFS{files: map[string]*memFile{}}
	m.dirs = []map[string]*memFile{{}}
	return m
}

type memFile struct {
	fs           *memFS
	name         string
	data, synced []byte
	from, to     int // what was written since the last sync
}

func (m *memFS) check(op, name string, n int) (int, error) {
	m.ops++
	if m.fault == nil {
		return n, nil
	}
	return m.fault(op, name, n)
}

// on sets the fault; nil takes it away.
func (m *memFS) on(fault func(op, name string, n int) (int, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault, m.ops = fault, 0
}

func (m *memFS) snapshot() { m.dirs = append(m.dirs, maps.Clone(m.files)) }

func (m *memFS) OpenFile(name string, flag int, _ os.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Base(name)
	f := m.files[name]
	if flag&os.O_CREATE == 0 {
		if f == nil {
			return nil, os.ErrNotExist
		}
		return f, nil
	}
	if _, err := m.check("create", name, 0); err != nil {
		return nil, err
	}
	f = &memFile{fs: m, name: name}
	m.files[name] = f
	m.snapshot()
	return f, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = filepath.Base(from), filepath.Base(to)
	if _, err := m.check("rename", to, 0); err != nil {
		return err
	}
	if m.files[to] != nil {
		panic("a segment is overwritten: " + to)
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	m.snapshot()
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Base(name)
	if _, err := m.check("remove", name, 0); err != nil {
		return err
	}
	delete(m.files, name)
	m.snapshot()
	return nil
}

func (m *memFS) ReadDir(string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.files {
		names = append(names, name)
	}
	return names, nil
}

func (m *memFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check("syncdir", dir, 0); err != nil {
		return err
	}
	m.dirs = []map[string]*memFile{maps.Clone(m.files)}
	return nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return bytes.NewReader(f.data).ReadAt(b, off)
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n, err := f.fs.check("write", f.name, len(b))
	if end := int(off) + n; n > 0 && end > len(f.data) {
		f.data = append(f.data, make([]byte, end-len(f.data))...)
	}
	if n > 0 {
		copy(f.data[off:], b[:n])
		f.from, f.to = min(f.from, int(off)), max(f.to, int(off)+n)
	}
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if _, err := f.fs.check("truncate", f.name, 0); err != nil {
		return err
	}
	f.data = f.data[:min(int(size), len(f.data))]
	f.from = min(f.from, int(size)) // what is written there again is new
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if _, err := f.fs.check("sync", f.name, 0); err != nil {
		return err
	}
	f.from = min(f.from, len(f.synced), len(f.data))
	f.synced = append(f.synced[:min(len(f.synced), len(f.data))], f.data[min(len(f.synced), len(f.data)):]...)
	if to := min(f.to, len(f.data)); to > f.from {
		copy(f.synced[f.from:to], f.data[f.from:to])
	}
	f.from, f.to = len(f.data), 0
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memFile) Close() error { return nil }

var _ io.Closer = (*memFile)(nil)

const sector = 16 // smaller than any disk's, so that commits tear in the middle

// powerLoss forgets what was not synced, or not: sector by sector, as it comes.
func (m *memFS) powerLoss(r *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files = maps.Clone(m.dirs[r.IntN(len(m.dirs))])
	m.dirs = []map[string]*memFile{maps.Clone(m.files)}
	m.fault = nil
	for name, old := range m.files {
		f := &memFile{fs: m, name: name, data: bytes.Clone(old.synced)}
		if r.IntN(2) == 0 { // the size is on disk before the content, or the other way round
			size := len(old.data)
			f.data = append(f.data, make([]byte, max(0, size-len(f.data)))...)[:size]
		}
		for off := 0; off < len(f.data); off += sector {
			if end := min(off+sector, len(f.data), len(old.data)); end > off && r.IntN(2) == 0 {
				copy(f.data[off:end], old.data[off:end])
			}
		}
		f.synced = bytes.Clone(f.data)
		m.files[name] = f
	}
}

// names are the segments, in order.
func (m *memFS) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files))
}

// clone is the same disk, apart.
func (m *memFS) clone() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemFS()
	for name, f := range m.files {
		c.files[name] = &memFile{fs: c, name: name, data: bytes.Clone(f.data), synced: bytes.Clone(f.data)}
	}
	c.dirs = []map[string]*memFile{maps.Clone(c.files)}
	return c
}

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
