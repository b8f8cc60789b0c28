package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Eight bytes of text in one word: ones times a byte is that byte eight times.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special marks, in the high bit of each byte of x, what ends a plain stretch of
// a string: control characters, the quote, the backslash and, if it matters, all
// that is not ASCII. Above the lowest mark there may be false ones, since
// subtractions borrow; callers look at the lowest alone.
func (m Mode) special(x uint64) uint64 {
	quote := x ^ '"'*ones
	slash := x ^ '\\'*ones
	return ((x-0x20*ones)&^x|(quote-ones)&^quote|(slash-ones)&^slash)&highs | x&uint64(m)
}

// skipString reads a string whose opening quote stands at i.
func (m Mode) skipString(b []byte, i int) int {
	for i++; i < len(b); {
		if left := len(b) - i; left >= 8 {
			marks := m.special(binary.LittleEndian.Uint64(b[i:]))
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) >> 3
		} else if len(b) >= 8 {
			// The end of the text, and behind it zeros, which are marked.
			x := binary.LittleEndian.Uint64(b[len(b)-8:]) >> (64 - 8*left)
			if i += bits.TrailingZeros64(m.special(x)) >> 3; i >= len(b) {
				break
			}
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = skipEscape(b, i); i < 0 {
				return i
			}
		case c < 0x20:
			return problem(i, unescapedByte)
		case c < utf8.RuneSelf || m == Lenient: // the text is less than a word
			i++
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				return problem(i, invalidUTF8)
			}
			i += size
		}
	}
	return problem(len(b), unexpectedEnd)
}

// skipEscape reads an escape whose backslash stands at i.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return problem(len(b), unexpectedEnd)
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(b) {
				return problem(len(b), unexpectedEnd)
			}
			if hexDigit(b[k]) < 0 {
				return problem(k, invalidEscape)
			}
		}
		return i + 6
	}
	return problem(i+1, invalidEscape)
}

// hexDigit returns the value of a hexadecimal digit, or -1.
func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}
