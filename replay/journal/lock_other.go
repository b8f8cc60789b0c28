//go:build !unix

package journal

import (
	"errors"
	"os"
)

// lockName is the file that would be locked.
const lockName = "lock"

// lock refuses: without a lock, two processes could write into one log.
func lock(string) (*os.File, error) {
	return nil, errors.New("journal: directories cannot be locked on this system")
}
