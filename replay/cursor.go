package replay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// MaxEpochLen bounds the epoch of a cursor in bytes, longer than any we make,
	// so that a cursor from a log kept elsewhere still parses.
	MaxEpochLen = 32
	// MaxCursorLen is the longest cursor in bytes: epoch, dash, 20 digits.
	MaxCursorLen = MaxEpochLen + 1 + 20
)

// ErrCursor is what ParseCursor and ParseSince return, wrapped, for anything that
// is not a cursor. The text tells the rule that was broken and repeats no input.
var ErrCursor = errors.New("malformed cursor")

var (
	errCursorLen   = fmt.Errorf("%w: more than %d bytes", ErrCursor, MaxCursorLen)
	errCursorEpoch = fmt.Errorf("%w: epoch is not 1 to %d of a-z and 0-9", ErrCursor, MaxEpochLen)
	errCursorSeq   = fmt.Errorf("%w: seq is not a decimal number of 64 bits without sign or leading zeros", ErrCursor)
)

// Cursor is a position in a user's log: everything up to and including Seq has
// been seen. An empty Epoch means the current epoch; on the wire it is the bare
// number.
type Cursor struct {
	Epoch string
	Seq   uint64
}

// ParseCursor reads "k7q2-57" or "57". It accepts exactly what String writes and
// keeps no part of s. Every error wraps [ErrCursor].
func ParseCursor(s string) (Cursor, error) {
	if len(s) > MaxCursorLen {
		return Cursor{}, errCursorLen
	}
	epoch, digits, dashed := strings.Cut(s, "-")
	if !dashed {
		epoch, digits = "", s
	} else if !validEpoch(epoch) {
		return Cursor{}, errCursorEpoch
	}
	seq, ok := parseSeq(digits)
	if !ok {
		return Cursor{}, errCursorSeq
	}
	return Cursor{Epoch: strings.Clone(epoch), Seq: seq}, nil
}

// String returns the cursor as it stands on the wire.
func (c Cursor) String() string {
	return string(c.AppendTo(make([]byte, 0, MaxCursorLen)))
}

// AppendTo appends the wire form to dst, at most MaxCursorLen bytes for a cursor
// that came from this package, and returns the extended slice.
func (c Cursor) AppendTo(dst []byte) []byte {
	if c.Epoch != "" {
		dst = append(dst, c.Epoch...)
		dst = append(dst, '-')
	}
	return strconv.AppendUint(dst, c.Seq, 10)
}

func validEpoch(s string) bool {
	if s == "" || len(s) > MaxEpochLen {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// parseSeq is strict where strconv.ParseUint is not: no sign, no leading zero, so
// that one position has one spelling.
func parseSeq(s string) (uint64, bool) {
	if s == "" || (s[0] == '0' && len(s) > 1) {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	seq, err := strconv.ParseUint(s, 10, 64)
	return seq, err == nil
}
