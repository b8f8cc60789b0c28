package journal

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// maxOpenFiles is how many segments are kept open for reading.
const maxOpenFiles = 64

// files opens segments when they are read and closes those that have not been
// for the longest time.
type files struct {
	fs  FS
	dir string
	log *slog.Logger

	mu    sync.Mutex
	open  map[*segment]*handle
	clock uint64
}

// handle is an open segment. It is closed when nobody uses it and it is dropped,
// or one too many.
type handle struct {
	File
	users int
	used  uint64
	gone  bool
}

// add takes over the file of a segment, with one user.
func (fs *files) add(s *segment, f File) *handle {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	h := &handle{File: f, users: 1}
	fs.open[s] = h
	return h
}

// acquire returns the file of a segment. A segment that was dropped meanwhile is
// ErrNotFound.
func (fs *files) acquire(s *segment) (*handle, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.clock++
	if h := fs.open[s]; h != nil {
		h.users++
		h.used = fs.clock
		return h, nil
	}
	if fs.open == nil {
		return nil, ErrClosed
	}
	f, err := fs.fs.OpenFile(filepath.Join(fs.dir, s.name), os.O_RDONLY, 0)
	if err != nil {
		if s.dropped.Load() {
			return nil, ErrNotFound
		}
		return nil, err
	}
	h := &handle{File: f, users: 1, used: fs.clock}
	fs.open[s] = h
	fs.shrinkLocked()
	return h, nil
}

func (fs *files) release(h *handle) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	h.users--
	if h.gone && h.users == 0 {
		fs.close(h)
	}
	fs.shrinkLocked()
}

// drop closes the file of a segment when its last reader is done.
func (fs *files) drop(s *segment) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if h := fs.open[s]; h != nil {
		fs.goneLocked(s, h)
	}
}

func (fs *files) goneLocked(s *segment, h *handle) {
	delete(fs.open, s)
	h.gone = true
	if h.users == 0 {
		fs.close(h)
	}
}

func (fs *files) shrinkLocked() {
	if len(fs.open) <= maxOpenFiles {
		return
	}
	var oldest *segment
	for s, h := range fs.open {
		if h.users == 0 && (oldest == nil || h.used < fs.open[oldest].used) {
			oldest = s
		}
	}
	if oldest != nil {
		fs.goneLocked(oldest, fs.open[oldest])
	}
}

// closeAll closes what nobody uses, the rest when its readers are done, and
// opens nothing any more.
func (fs *files) closeAll() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for s, h := range fs.open {
		fs.goneLocked(s, h)
	}
	fs.open = nil
}

// close closes a file whose content is on disk or not ours to write.
func (fs *files) close(h *handle) {
	if err := h.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		fs.log.Warn("segment could not be closed", "err", err)
	}
}
