package progress

import "bytes"

// maxLine bounds, in bytes, a line that is read. Longer ones are passed over.
const maxLine = 64 << 10

// splitter cuts output into lines, which end with LF or, as progress bars do,
// with CR. It is not safe for concurrent use.
type splitter struct {
	// line is called with each line that is not empty; it must not keep it.
	line func([]byte)

	held   []byte // the beginning of a line
	long   bool   // the line is over the limit
	binary bool   // this is no text and is not looked at any more
}

// write takes the next part of the output.
func (s *splitter) write(p []byte) {
	if s.binary {
		return
	}
	// An archive written to standard output shows itself with its first bytes.
	if text, _, binary := bytes.Cut(p, []byte{0}); binary {
		s.lines(text)
		s.binary, s.long, s.held = true, false, nil
		return
	}
	s.lines(p)
}

func (s *splitter) lines(p []byte) {
	for {
		before, after, found := bytes.Cut(p, []byte{'\n'})
		if !found {
			s.hold(s.bars(p))
			return
		}
		s.finish(s.bars(before))
		p = after
	}
}

// bars emits the lines of a part without LF and returns what is left of it.
func (s *splitter) bars(p []byte) (rest []byte) {
	for {
		before, after, found := bytes.Cut(p, []byte{'\r'})
		if !found {
			return p
		}
		s.finish(before)
		p = after
	}
}

// finish ends a line with its last part.
func (s *splitter) finish(p []byte) {
	if len(s.held) == 0 && !s.long {
		s.emit(p) // the usual case: nothing is copied
		return
	}
	s.hold(p)
	s.flush()
}

// flush ends the line that has no end.
func (s *splitter) flush() {
	if !s.long {
		s.emit(s.held)
	}
	s.held, s.long = s.held[:0], false
}

func (s *splitter) hold(p []byte) {
	if s.long || len(s.held)+len(p) > maxLine {
		s.long, s.held = true, s.held[:0]
		return
	}
	s.held = append(s.held, p...)
}

func (s *splitter) emit(line []byte) {
	if len(line) > 0 && len(line) <= maxLine {
		s.line(line)
	}
}
