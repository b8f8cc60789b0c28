package auth

import (
	"crypto/sha256"
	"unsafe"
)

// digest is the SHA-256 of a token or key.
type digest [sha256.Size]byte

// digestOf hashes s where it is: converting it to bytes would allocate a copy on
// each request.
func digestOf(s string) digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(s), len(s))) //nolint:gosec // only read, and not kept
}
