//go:build unix

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is the file that is locked. It stays when the journal is closed:
// removing it would let two processes lock two files of the same name.
const lockName = "lock"

// lock takes the directory for this process, until the file is closed or the
// process ends, however it ends. The file names its owner for whoever is refused.
func lock(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the directory is the caller's choice
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) //nolint:gosec // a descriptor is small
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		if err != nil && !isNoSpace(err) { // a full disk can still be read from
			return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close())
		}
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		owner := make([]byte, 20)
		n, _ := f.ReadAt(owner, 0) //nolint:errcheck // whoever it is, it is locked
		err = fmt.Errorf("%w: %s is open in process %s", ErrLocked, dir, strings.TrimSpace(string(owner[:n])))
	} else {
		err = fmt.Errorf("journal: lock %s: %w", name, err)
	}
	return nil, errors.Join(err, f.Close())
}
