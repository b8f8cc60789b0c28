package progress

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds, in bytes, each text that is taken from the output.
const maxText = 300

// tidy makes one short line for people out of what a command printed: without
// the sequences that color and move on a terminal, without control characters,
// with single spaces.
func tidy(line []byte) string {
	var b strings.Builder
	space := false
	for len(line) > 0 && b.Len() <= maxText {
		if n := escape(line); n > 0 {
			line = line[n:]
			continue
		}
		r, n := utf8.DecodeRune(line)
		line = line[n:]
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return cut(b.String())
}

// cut shortens a text to maxText bytes, at the end of a character.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	const ellipsis = "…"
	end := maxText - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// escape returns how many bytes at the beginning are a terminal's escape
// sequence (ECMA-48): CSI with its parameters, OSC up to its end, or two bytes.
func escape(b []byte) int {
	if len(b) == 0 || b[0] != 0x1b {
		return 0
	}
	if len(b) == 1 {
		return 1
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return i + 1
			}
			if b[i] < 0x20 || b[i] > 0x7e {
				return i // broken off
			}
		}
		return len(b)
	case ']':
		if i := bytes.IndexByte(b, 0x07); i > 0 {
			return i + 1
		}
		if i := bytes.Index(b, []byte("\x1b\\")); i > 0 {
			return i + 2
		}
		return len(b)
	case '(', ')':
		return min(3, len(b))
	}
	if b[1] < 0x20 || b[1] > 0x7e {
		return 1
	}
	return 2
}
