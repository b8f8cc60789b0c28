package journal

import (
	"io"
	"os"
)

// FS is what a Journal asks of a file system, so that tests can break one below
// it. Names are paths. Its methods are called concurrently. The lock of the
// directory is not taken through it.
type FS interface {
	// OpenFile is os.OpenFile.
	OpenFile(name string, flag int, perm os.FileMode) (File, error)
	// Rename is os.Rename; there is never a file of the new name.
	Rename(from, to string) error
	// Remove is os.Remove.
	Remove(name string) error
	// ReadDir returns the names of the files in a directory, in any order.
	ReadDir(dir string) ([]string, error)
	// SyncDir returns when the entries of a directory are on disk.
	SyncDir(dir string) error
}

// File is an open file of an FS. WriteAt and Truncate are called by one
// goroutine at a time, ReadAt by any.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Sync returns when the content, and the size if it grew, are on disk.
	Sync() error
	// Size is the length in bytes.
	Size() (int64, error)
}

// osFS is the machine's.
type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm os.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm) //nolint:gosec // the directory is the caller's choice
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error {
	return os.Rename(from, to) //nolint:gosec // the directory is the caller's choice
}

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory is the caller's choice
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync is fdatasync where there is one: the times of a file are worth no wait.
func (f osFile) Sync() error { return dataSync(f.File) }
