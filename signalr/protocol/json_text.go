package protocol

import (
	"math"
	"strconv"
	"unicode/utf8"

	"hubline/internal/jsonscan"
)

// appendText appends s as a JSON string like encoding/json does without its
// escapes for HTML: values look the same whoever encodes them.
func appendText[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := jsonscan.Plain(s, 0); i < len(s); i = jsonscan.Plain(s, i) {
		if s[i] < utf8.RuneSelf {
			dst = appendEscape(append(dst, s[from:i]...), s[i])
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if escape := wideEscape(r, size); escape != "" {
			dst = append(append(dst, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(append(dst, s[from:]...), '"')
}

// appendEscape knows two short escapes that jsonscan does without.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return jsonscan.AppendEscape(dst, c)
}

// wideEscape returns the escape of a character of size bytes beyond ASCII, if it
// is a line separator, which ends a line of JavaScript, or no character at all.
func wideEscape(r rune, size int) string {
	switch {
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	case r == utf8.RuneError && size == 1:
		return `\ufffd`
	}
	return ""
}

// appendJSONFloat appends a finite number as encoding/json and JavaScript do:
// with an exponent only if it is very small or very large.
func appendJSONFloat(dst []byte, f float64, bits int) []byte {
	format, a := byte('f'), math.Abs(f)
	if bits == 32 {
		if s := float32(a); s != 0 && (s < 1e-6 || s >= 1e21) {
			format = 'e'
		}
	} else if a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && dst[n-2] == '0' && dst[n-3] == '-' {
		dst[n-2] = dst[n-1] // e-09 becomes e-9
		dst = dst[:n-1]
	}
	return dst
}

// appendCompact appends a valid JSON text without white space. What is not
// UTF-8 in its strings becomes U+FFFD: one such byte would end a WebSocket.
func appendCompact(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		switch c := src[i]; c {
		case '"':
			end := jsonscan.Lenient.SkipString(src, i)
			dst = jsonscan.AppendValid(dst, src[i:end])
			i = end
		case ' ', '\t', '\n', '\r':
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
