package config

import (
	"bytes"
	"strings"
)

// explainSyntax says in the words of somebody who writes "key: value" lines what
// the YAML parser found, and where to look: for a line that is set in too far
// the parser names the one before.
func explainSyntax(text []byte, line int, message string) (int, string) {
	switch {
	case strings.Contains(message, "tab character"), strings.Contains(message, "'\t'"):
		return line, "has a tab: YAML is indented with spaces only"
	case strings.Contains(message, "not allowed in this context"):
		if n := indentedAfter(text, line); n > 0 {
			return n, "is indented, but the line before it has a value: keys begin in the first column"
		}
		return line, "is not of the form \"key: value\": check the indentation and the quotes"
	}
	return line, message
}

// indentedAfter returns the number of the first line from the given one on that
// begins with a space; 0: neither it nor the next does.
func indentedAfter(text []byte, line int) int {
	n := 0
	for l := range bytes.Lines(text) {
		n++
		if n >= line && n <= line+1 && len(bytes.TrimSpace(l)) > 0 && l[0] == ' ' {
			return n
		}
	}
	return 0
}
