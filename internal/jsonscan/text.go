package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the text of a string that a Scanner has returned: a part of the
// string itself if it has no escapes, which is by far the most frequent case,
// else made in scratch, which grows if it must.
func Text(quoted, scratch []byte) []byte {
	if text := quoted[1 : len(quoted)-1]; bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	return AppendText(scratch[:0], quoted)
}

// AppendText appends the text of a string that a Scanner has returned, which is
// at most len(quoted)-2 bytes. A half of a surrogate pair, which no UTF-8 can
// express, becomes U+FFFD, as with encoding/json.
func AppendText(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, s = unicodeEscape(s)
			dst = utf8.AppendRune(dst, r)
		default: // quote, backslash, slash
			dst = append(dst, c)
		}
	}
}

// AppendValidText is AppendText for a string in which Lenient has let any bytes
// pass, with U+FFFD as in AppendValid.
func AppendValidText(dst, quoted []byte) []byte {
	from := len(dst)
	dst = AppendText(dst, quoted)
	// Escapes stand for whole characters, so that they neither complete nor
	// lengthen what is broken beside them.
	if text := dst[from:]; !utf8.Valid(text) {
		return append(dst[:from], mended(text)...)
	}
	return dst
}

// AppendValid appends s with U+FFFD in the place of each run of bytes that are
// not UTF-8.
func AppendValid(dst, s []byte) []byte {
	if !utf8.Valid(s) {
		s = mended(s)
	}
	return append(dst, s...)
}

// mended returns a copy of s. It allocates: broken text is rare.
func mended(s []byte) []byte { return bytes.ToValidUTF8(s, []byte("\uFFFD")) }

// unicodeEscape reads the digits behind \u, and a second escape if both are the
// halves of a pair.
func unicodeEscape(s []byte) (r rune, rest []byte) {
	r, s = hex4(s), s[4:]
	if !utf16.IsSurrogate(r) {
		return r, s
	}
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(s[2:])); pair != utf8.RuneError {
			return pair, s[6:]
		}
	}
	return utf8.RuneError, s
}

func hex4(s []byte) rune {
	return hexDigit(s[0])<<12 | hexDigit(s[1])<<8 | hexDigit(s[2])<<4 | hexDigit(s[3])
}
