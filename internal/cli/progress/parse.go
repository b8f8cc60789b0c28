package progress

import "bytes"

// kind says what of a line is left to read behind its figures.
type kind int

const (
	nothing kind = iota // it is of a tool's own form and has been read
	measure             // its text, beside a percentage
	words               // its text, which is all it says
)

// parse reads one line of output, of whichever tool it is. For a line in words
// it returns the words.
func parse(line []byte, s *State) string {
	line = bytes.TrimSpace(line)
	return describe(line, figures(line, s), s)
}

// figures reads what a line without the space around it tells in figures, or in
// the form of a tool. It is cheap where there is nothing of that: a command may
// print a whole database.
func figures(line []byte, s *State) kind {
	switch {
	case len(line) == 0:
		return nothing
	case ofTool(line) && (parseRestic(line, s) || parseRclone(line, s)):
		return nothing
	case parsePV(line, s):
		return nothing
	case line[0] == 0x1b && tidy(line) == "": // only colors and the like
		return nothing
	case parsePercent(line, s):
		return measure
	}
	return words
}

// ofTool reports whether a line may be JSON of restic or rclone. Other JSON is not
// worth decoding.
func ofTool(line []byte) bool {
	return len(line) > 0 && line[0] == '{' &&
		(bytes.Contains(line, []byte(`"message_type"`)) || bytes.Contains(line, []byte(`"level"`)))
}

// describe makes the line the detail, and returns its words.
func describe(line []byte, k kind, s *State) string {
	if k == nothing {
		return ""
	}
	text := tidy(line)
	if text == "" {
		return ""
	}
	s.Detail = text
	if k == measure {
		return ""
	}
	return text
}
