package jsonscan

import "unicode/utf8"

// AppendString appends s as a JSON string. Only what JSON demands is escaped;
// what is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := Plain(s, 0); i < len(s); i = Plain(s, i) {
		if s[i] < utf8.RuneSelf {
			dst = AppendEscape(append(dst, s[from:i]...), s[i])
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[from:i]...), "\uFFFD"...)
			from = i + 1
		}
		i += size
	}
	return append(append(dst, s[from:]...), '"')
}

// Plain returns the index of the first byte of a text, at or behind i, that is
// not ASCII or cannot stand for itself in a string; or len(s). Who writes strings
// in a style of their own goes by it. i must not be negative.
func Plain[S string | []byte](s S, i int) int {
	for i < len(s) && isPlain(s[i]) {
		i++
	}
	return i
}

func isPlain(c byte) bool { return c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' }

// AppendEscape appends the escape of an ASCII character that cannot stand for
// itself in a string.
func AppendEscape(dst []byte, c byte) []byte {
	const hexDigits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
