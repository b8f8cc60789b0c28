package auth

import (
	"unicode"
	"unicode/utf8"
)

// Usable reports whether s may be the name of something, here and wherever events
// are published: 1 to limit bytes of UTF-8 without control characters and line
// separators, so that no line format that it stands in can be broken by it.
// U+FFFD is refused as well: decoders put it in the place of broken text, so two
// different names could become the same.
func Usable[T string | []byte](s T, limit int) bool {
	if len(s) == 0 || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return usableWide(string(s))
		}
	}
	return true
}

// usableWide is Usable for what is not plain ASCII.
func usableWide(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r == '\u2028' || r == '\u2029' || unicode.IsControl(r) {
			return false
		}
	}
	return true
}
