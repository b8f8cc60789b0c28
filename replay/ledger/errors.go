package ledger

import (
	"errors"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"
)

// isNoSpace tells a full disk, or a file that may not become larger, from a broken one.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isClosed tells that Close was called, which is no damage.
func isClosed(err error) bool { return errors.Is(err, bolterrors.ErrDatabaseNotOpen) }
