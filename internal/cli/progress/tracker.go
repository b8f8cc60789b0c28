package progress

import (
	"bytes"
	"io"
	"sync"
)

// tracker knows how far a command is from what its streams print, which may
// come at the same time.
type tracker struct {
	// changed is told the state when something in it is new. It must not block.
	changed func(State)

	mu        sync.Mutex
	state     State
	oneStream bool   // both streams come as one
	complaint string // the last words on standard error
}

// merged says that what comes from one stream is of both.
func (t *tracker) merged() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.oneStream = true
}

// said returns what the command said of its failure.
func (t *tracker) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Failure != "" {
		return t.state.Failure
	}
	return t.complaint
}

// stream reads one stream. It is not safe for concurrent use.
type stream struct {
	tracker  *tracker
	isStderr bool
	split    splitter

	// last is the line that may become the detail: of many that come at once
	// only the last one is worth the work.
	last []byte
	kind kind
}

func (t *tracker) stream(isStderr bool) *stream {
	s := &stream{tracker: t, isStderr: isStderr}
	s.split.line = s.lineLocked
	return s
}

// write takes the next part of the output.
func (s *stream) write(p []byte) { s.read(func() { s.split.write(p) }) }

// end takes it that there is no more.
func (s *stream) end() { s.read(s.split.flush) }

func (s *stream) read(lines func()) {
	t := s.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.state.shown()
	lines()
	s.describeLocked()
	if now := t.state.shown(); now != before {
		t.changed(now)
	}
}

func (s *stream) lineLocked(line []byte) {
	line = bytes.TrimSpace(line)
	if ofTool(line) {
		s.describeLocked() // this one may have a detail of its own
	}
	if k := figures(line, &s.tracker.state); k != nothing {
		s.last, s.kind = append(s.last[:0], line...), k
	}
}

func (s *stream) describeLocked() {
	t := s.tracker
	if text := describe(s.last, s.kind, &t.state); text != "" && (s.isStderr || t.oneStream) {
		t.complaint = text
	}
	s.last, s.kind = s.last[:0], nothing
}

// pass hands everything on from a command's output, byte for byte, and shows it
// to the stream. It ends with the output, or when nobody takes it any more: then
// the caller closes in, and the command is told so by its next write, as if it
// had written there itself.
func pass(out io.Writer, in io.Reader, s *stream) {
	buf := make([]byte, 64<<10) // what a pipe holds
	for {
		n, err := in.Read(buf)
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return
			}
			s.write(buf[:n])
		}
		if err != nil {
			s.end()
			return
		}
	}
}
