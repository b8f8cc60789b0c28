package auth

import "crypto/sha256"

// digest is the SHA-256 of a token or key.
type digest [sha256.Size]byte

// digestOf hashes s in pieces on the stack: converting it to bytes would
// allocate a copy on each request.
func digestOf(s string) (d digest) {
	h := sha256.New()
	var piece [512]byte
	for s != "" {
		n := copy(piece[:], s)
		h.Write(piece[:n])
		s = s[n:]
	}
	h.Sum(d[:0])
	return d
}
