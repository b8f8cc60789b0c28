package protocol

import (
	"unicode"
	"unicode/utf8"
)

// Naming says how struct fields that have no name in a tag are written.
type Naming uint8

const (
	// NamesExact writes fields as Go declares them.
	NamesExact Naming = iota
	// NamesCamelCase writes them as .NET's JsonNamingPolicy.CamelCase does:
	// URLValue becomes urlValue, ID becomes id. Names in tags and the keys of
	// maps stay as they are.
	NamesCamelCase
)

// of returns the written form of a Go field's name.
func (n Naming) of(name string) string {
	if n == NamesCamelCase {
		return camelCase(name)
	}
	return name
}

// camelCase lowers the capitals that name begins with, the last one excepted if
// it begins a word. It is .NET's rule with its oddities (IDs becomes iDs), so
// that clients written against .NET find the names they expect.
func camelCase(name string) string {
	r := []rune(name)
	for i, c := range r {
		if !unicode.IsUpper(c) && i <= 1 {
			break
		}
		if i > 0 && i+1 < len(r) && !unicode.IsUpper(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(c)
	}
	return string(r)
}

// appendFolded appends name in a form that is the same for names that differ
// in case only. It is encoding/json's: the smallest rune of those that fold
// together, capitals for ASCII.
func appendFolded(dst, name []byte) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				r = next
				break
			}
			r = next
		}
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}
