// Package disktest is a disk for tests: a file system in memory that can lose power
// and be told to fail. It has the methods of journal.FS, but for the type of a file.
package disktest

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
)

// FS is a file system in memory that knows what is on disk and what only in
// the machine's memory, and that can be told to fail.
type FS struct {
	Mu sync.Mutex // held while a fault is asked; guards what follows

	Files map[string]*File
	// dirs are the states of the directory since the last SyncDir, the last one
	// current: a power loss goes back to any of them.
	dirs []map[string]*File
	Ops  int // since the last On
	// fault, if set, is asked before each change. It returns how many bytes of a
	// write to do, and the error.
	fault func(op, name string, bytes int) (int, error)
}

// ErrPower is for a fault that is the end of all.
var ErrPower = errors.New("power is lost")

// New is an empty disk.
func New() *FS {
	m := &FS{Files: map[string]*File{}}
	m.dirs = []map[string]*File{{}}
	return m
}

// File is a file of an FS.
type File struct {
	fs       *FS
	name     string
	Data     []byte // as the machine sees it
	synced   []byte
	from, to int // what was written since the last sync
}

func (m *FS) check(op, name string, n int) (int, error) {
	m.Ops++
	if m.fault == nil {
		return n, nil
	}
	return m.fault(op, name, n)
}

// On sets the fault; nil takes it away.
func (m *FS) On(fault func(op, name string, n int) (int, error)) {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	m.fault, m.Ops = fault, 0
}

func (m *FS) snapshot() { m.dirs = append(m.dirs, maps.Clone(m.Files)) }

// OpenFile makes a file, or opens the one there is.
func (m *FS) OpenFile(name string, flag int, _ os.FileMode) (*File, error) {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	name = filepath.Base(name)
	f := m.Files[name]
	if flag&os.O_CREATE == 0 {
		if f == nil {
			return nil, os.ErrNotExist
		}
		return f, nil
	}
	if _, err := m.check("create", name, 0); err != nil {
		return nil, err
	}
	f = &File{fs: m, name: name}
	m.Files[name] = f
	m.snapshot()
	return f, nil
}

// Rename is for new names only.
func (m *FS) Rename(from, to string) error {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	from, to = filepath.Base(from), filepath.Base(to)
	if _, err := m.check("rename", to, 0); err != nil {
		return err
	}
	if m.Files[to] != nil {
		panic("a segment is overwritten: " + to)
	}
	m.Files[to] = m.Files[from]
	delete(m.Files, from)
	m.snapshot()
	return nil
}

// Remove removes a file.
func (m *FS) Remove(name string) error {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	name = filepath.Base(name)
	if _, err := m.check("remove", name, 0); err != nil {
		return err
	}
	delete(m.Files, name)
	m.snapshot()
	return nil
}

// ReadDir returns the names of all files.
func (m *FS) ReadDir(string) ([]string, error) {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	var names []string
	for name := range m.Files {
		names = append(names, name)
	}
	return names, nil
}

// SyncDir puts names on disk.
func (m *FS) SyncDir(dir string) error {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	if _, err := m.check("syncdir", dir, 0); err != nil {
		return err
	}
	m.dirs = []map[string]*File{maps.Clone(m.Files)}
	return nil
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	f.fs.Mu.Lock()
	defer f.fs.Mu.Unlock()
	return bytes.NewReader(f.Data).ReadAt(b, off)
}

// WriteAt implements io.WriterAt.
func (f *File) WriteAt(b []byte, off int64) (int, error) {
	f.fs.Mu.Lock()
	defer f.fs.Mu.Unlock()
	n, err := f.fs.check("write", f.name, len(b))
	if end := int(off) + n; n > 0 && end > len(f.Data) {
		f.Data = append(f.Data, make([]byte, end-len(f.Data))...)
	}
	if n > 0 {
		copy(f.Data[off:], b[:n])
		f.from, f.to = min(f.from, int(off)), max(f.to, int(off)+n)
	}
	return n, err
}

// Truncate cuts the file.
func (f *File) Truncate(size int64) error {
	f.fs.Mu.Lock()
	defer f.fs.Mu.Unlock()
	if _, err := f.fs.check("truncate", f.name, 0); err != nil {
		return err
	}
	f.Data = f.Data[:min(int(size), len(f.Data))]
	f.from = min(f.from, int(size)) // what is written there again is new
	return nil
}

// Sync puts the content on disk.
func (f *File) Sync() error {
	f.fs.Mu.Lock()
	defer f.fs.Mu.Unlock()
	if _, err := f.fs.check("sync", f.name, 0); err != nil {
		return err
	}
	f.from = min(f.from, len(f.synced), len(f.Data))
	f.synced = append(f.synced[:min(len(f.synced), len(f.Data))], f.Data[min(len(f.synced), len(f.Data)):]...)
	if to := min(f.to, len(f.Data)); to > f.from {
		copy(f.synced[f.from:to], f.Data[f.from:to])
	}
	f.from, f.to = len(f.Data), 0
	return nil
}

// Size is the length in bytes.
func (f *File) Size() (int64, error) {
	f.fs.Mu.Lock()
	defer f.fs.Mu.Unlock()
	return int64(len(f.Data)), nil
}

// Close implements io.Closer.
func (f *File) Close() error { return nil }

var _ io.Closer = (*File)(nil)

const sector = 16 // smaller than any disk's, so that commits tear in the middle

// PowerLoss forgets what was not synced, or not: sector by sector, as it comes.
func (m *FS) PowerLoss(r *rand.Rand) {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	left := m.Left(r)
	m.fault, m.Files, m.dirs = nil, left.Files, left.dirs
	for _, f := range m.Files {
		f.fs = m
	}
}

// Left is what a loss of power now may leave, on another disk. Mu is held.
func (m *FS) Left(r *rand.Rand) *FS {
	left := New()
	for name, old := range m.dirs[r.IntN(len(m.dirs))] {
		f := &File{fs: left, name: name, Data: bytes.Clone(old.synced)}
		if r.IntN(2) == 0 { // the size is on disk before the content, or the other way round
			size := len(old.Data)
			f.Data = append(f.Data, make([]byte, max(0, size-len(f.Data)))...)[:size]
		}
		for off := 0; off < len(f.Data); off += sector {
			if end := min(off+sector, len(f.Data), len(old.Data)); end > off && r.IntN(2) == 0 {
				copy(f.Data[off:end], old.Data[off:end])
			}
		}
		f.synced = bytes.Clone(f.Data)
		left.Files[name] = f
	}
	left.dirs = []map[string]*File{maps.Clone(left.Files)}
	return left
}

// Names are the segments, in order.
func (m *FS) Names() []string {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	return slices.Sorted(maps.Keys(m.Files))
}

// Clone is the same disk, apart.
func (m *FS) Clone() *FS {
	m.Mu.Lock()
	defer m.Mu.Unlock()
	c := New()
	for name, f := range m.Files {
		c.Files[name] = &File{fs: c, name: name, Data: bytes.Clone(f.Data), synced: bytes.Clone(f.Data)}
	}
	c.dirs = []map[string]*File{maps.Clone(c.Files)}
	return c
}
