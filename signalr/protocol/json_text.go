package protocol

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendText appends s as a JSON string like encoding/json does without its
// escapes for HTML: values look the same whoever encodes them.
func appendText[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		var r rune
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if r == 0 {
				r = rune(c)
			}
			dst = append(dst, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		from = i
	}
	return append(append(dst, s[from:]...), '"')
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
			end := skipString(src, i)
			dst = appendValid(dst, src[i:end])
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
