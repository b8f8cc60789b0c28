package jsonscan

// Scanner walks through one text from the front to the back. Its methods report
// false or nil once something is wrong; Err then tells what, and every further
// call fails too. It is a value to be kept on the stack, for one goroutine.
//
//	s := jsonscan.New(body, 64)
//	for ok := s.Object(); ok && s.Member(); {
//		switch name, value := s.Name(), s.Value(); … {
//		}
//	}
//	if !s.End() {
//		return s.Err()
//	}
type Scanner struct {
	data  []byte
	pos   int
	depth int  // containers that may still be opened
	first bool // the container that was entered last has shown nothing yet
	name  []byte
	err   Error
}

// New returns a scanner of data that stands before its value. Containers may be
// nested up to maxDepth: with 0 only scalars are accepted.
func New(data []byte, maxDepth int) Scanner {
	return Scanner{data: data, depth: maxDepth}
}

// Valid reports whether data is one value and white space around it.
func Valid(data []byte, maxDepth int) bool {
	s := New(data, maxDepth)
	return s.Value() != nil && s.End()
}

// Err returns the first error as an *Error, or nil.
func (s *Scanner) Err() error {
	if s.err.Reason == "" {
		return nil
	}
	e := s.err // a copy: the scanner itself stays on the caller's stack
	return &e
}

// Object enters the object that comes next.
func (s *Scanner) Object() bool { return s.enter('{', NotAnObject) }

// Array enters the array that comes next.
func (s *Scanner) Array() bool { return s.enter('[', NotAnArray) }

func (s *Scanner) enter(bracket byte, reason Reason) bool {
	if s.err.Reason != "" {
		return false
	}
	i := skipSpace(s.data, s.pos)
	switch {
	case i >= len(s.data):
		s.fail(len(s.data), UnexpectedEnd)
	case s.data[i] != bracket:
		s.fail(i, reason)
	case s.depth <= 0:
		s.fail(i, TooDeep)
	default:
		s.pos, s.first = i+1, true
		s.depth--
		return true
	}
	return false
}

// Member moves to the next member of the object that was entered last: Name is
// its name, and its value comes next. It reports false at the object's end,
// behind which the scanner then stands, and on an error.
func (s *Scanner) Member() bool {
	i, ok := s.next('}', NotInObject)
	if !ok {
		return false
	}
	end, value := Strict.skipName(s.data, i)
	if value < 0 {
		s.err = errorOf(value)
		return false
	}
	s.name, s.pos = s.data[i:end], value
	return true
}

// Name is the name of the present member as it stands in the text, with its
// quotes. It is valid until the next call of Member.
func (s *Scanner) Name() []byte { return s.name }

// Element moves to the next element of the array that was entered last, which
// then comes next. It reports false at the array's end, behind which the
// scanner then stands, and on an error.
func (s *Scanner) Element() bool {
	i, ok := s.next(']', NotInArray)
	if ok {
		s.pos = i
	}
	return ok
}

// next finds the next thing in the present container.
func (s *Scanner) next(closing byte, reason Reason) (i int, ok bool) {
	if s.err.Reason != "" {
		return 0, false
	}
	i = skipSpace(s.data, s.pos)
	switch {
	case i >= len(s.data):
		s.fail(len(s.data), UnexpectedEnd)
		return 0, false
	case s.data[i] == closing:
		s.pos, s.first = i+1, false
		s.depth++
		return 0, false
	case s.first:
		s.first = false
		return i, true
	case s.data[i] != ',':
		s.fail(i, reason)
		return 0, false
	}
	return skipSpace(s.data, i+1), true
}

// Peek returns the kind that the next value has if it is one, by its first byte.
func (s *Scanner) Peek() Kind {
	i := skipSpace(s.data, s.pos)
	if s.err.Reason != "" || i >= len(s.data) {
		return None
	}
	return KindOf(s.data[i:])
}

// Value reads the value that comes next and returns it as it stands in the
// text, without white space around it. It returns nil on an error.
func (s *Scanner) Value() []byte {
	if s.err.Reason != "" {
		return nil
	}
	from := skipSpace(s.data, s.pos)
	to := Strict.skipValue(s.data, from, s.depth)
	if to < 0 {
		s.err = errorOf(to)
		return nil
	}
	s.pos = to
	return s.data[from:to:to]
}

// End reports whether only white space is left, and nothing was wrong before.
func (s *Scanner) End() bool {
	if s.err.Reason != "" {
		return false
	}
	i := skipSpace(s.data, s.pos)
	if i < len(s.data) {
		s.fail(i, TrailingBytes)
		return false
	}
	return true
}

// Offset is where the scanner stands: behind what was read last, and behind
// Member and Element at the first byte of the value.
func (s *Scanner) Offset() int { return s.pos }

// fail notes an error, of which there has been none.
func (s *Scanner) fail(at int, reason Reason) { s.err = Error{Offset: at, Reason: reason} }
