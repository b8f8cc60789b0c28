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
// a string: control characters, the quote, the backslash and all that is not
// ASCII. Above the lowest mark there may be false ones, since subtractions
// borrow; callers look at the lowest alone.
func special(x uint64) uint64 {
	quote := x ^ '"'*ones
	slash := x ^ '\\'*ones
	return ((x-0x20*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash | x) & highs
}

// plain returns the index of the first special byte at or behind i, or len(b).
func plain(b []byte, i int) int {
	for len(b)-i >= 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// skipString reads a string whose opening quote stands at i.
func (s *Scanner) skipString(i int) int {
	for i++; ; {
		i = plain(s.data, i)
		if i >= len(s.data) {
			return s.fail(len(s.data), UnexpectedEnd)
		}
		switch c := s.data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.skipEscape(i); i < 0 {
				return -1
			}
		case c < 0x20:
			return s.fail(i, UnescapedByte)
		default:
			r, size := utf8.DecodeRune(s.data[i:])
			if r == utf8.RuneError && size == 1 {
				return s.fail(i, InvalidUTF8)
			}
			i += size
		}
	}
}

// skipEscape reads an escape whose backslash stands at i.
func (s *Scanner) skipEscape(i int) int {
	if i+1 >= len(s.data) {
		return s.fail(len(s.data), UnexpectedEnd)
	}
	switch s.data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(s.data) {
				return s.fail(len(s.data), UnexpectedEnd)
			}
			if hexDigit(s.data[k]) < 0 {
				return s.fail(k, InvalidEscape)
			}
		}
		return i + 6
	}
	return s.fail(i+1, InvalidEscape)
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
