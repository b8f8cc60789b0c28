package api

import "strings"

// lastForwarded cuts the last element of a Forwarded header (RFC 7239, section 4)
// and returns whom it is for; empty if it does not say, or not in words that make
// sense.
//
// It reads from the right: what the last proxy has appended is well-formed, and
// what stands left of it may be anything, such as a quote that is never closed,
// and must not change what is read.
func lastForwarded(list string) (node, rest string, more bool) {
	k := lastSeparator(list, ',')
	if k >= 0 {
		rest, more = list[:k], true
	}
	return forwardedFor(list[k+1:]), rest, more
}

// lastSeparator finds the last separator that stands in no quoted string, or
// returns -1.
func lastSeparator(s string, separator byte) int {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case '"':
			if !quoted || !escaped(s, i) {
				quoted = !quoted
			}
		case separator:
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	n := 0
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// forwardedFor returns the value of the parameter for of one element. A parameter
// that comes twice is against the RFC, and then nobody is meant.
func forwardedFor(element string) (node string) {
	found := false
	for more := true; more; {
		k := lastSeparator(element, ';')
		pair := element[k+1:]
		if more = k >= 0; more {
			element = element[:k]
		}
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "for") {
			continue
		}
		if found {
			return ""
		}
		node, found = unquote(strings.TrimSpace(value)), true
	}
	return node
}

// unquote takes the quotes off a value. No address has an escape in it, so a value
// with one is left as it is, and is no address.
func unquote(value string) string {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}
