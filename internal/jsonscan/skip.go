package jsonscan

// The functions here take an index into the text and return the index behind
// what they have read, or -1 after having noted what is wrong.

// skipSpace is small enough to be inlined: between the parts of most texts there
// is nothing to skip.
func skipSpace(b []byte, i int) int {
	if i < len(b) && b[i] > ' ' {
		return i
	}
	return skipSpaces(b, i)
}

func skipSpaces(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue reads the value that begins at i. depth is how many containers may
// be opened for it.
func (s *Scanner) skipValue(i, depth int) int {
	if i >= len(s.data) {
		return s.fail(len(s.data), UnexpectedEnd)
	}
	switch c := s.data[i]; c {
	case '"':
		return s.skipString(i)
	case '{':
		return s.skipObject(i, depth)
	case '[':
		return s.skipArray(i, depth)
	case 't':
		return s.skipWord(i, "true")
	case 'f':
		return s.skipWord(i, "false")
	case 'n':
		return s.skipWord(i, "null")
	default:
		if c == '-' || isDigit(c) {
			return s.skipNumber(i)
		}
		return s.fail(i, NotAValue)
	}
}

func (s *Scanner) skipWord(i int, word string) int {
	for k := range len(word) {
		switch {
		case i+k >= len(s.data):
			return s.fail(len(s.data), UnexpectedEnd)
		case s.data[i+k] != word[k]:
			return s.fail(i+k, NotAValue)
		}
	}
	return i + len(word)
}

func (s *Scanner) skipArray(i, depth int) int {
	if depth <= 0 {
		return s.fail(i, TooDeep)
	}
	i = skipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1
	}
	for {
		if i = s.skipValue(i, depth-1); i < 0 {
			return -1
		}
		i = skipSpace(s.data, i)
		switch {
		case i >= len(s.data):
			return s.fail(len(s.data), UnexpectedEnd)
		case s.data[i] == ']':
			return i + 1
		case s.data[i] != ',':
			return s.fail(i, NotInArray)
		}
		i = skipSpace(s.data, i+1)
	}
}

func (s *Scanner) skipObject(i, depth int) int {
	if depth <= 0 {
		return s.fail(i, TooDeep)
	}
	i = skipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1
	}
	for {
		_, value := s.skipName(i)
		if value < 0 {
			return -1
		}
		if i = s.skipValue(value, depth-1); i < 0 {
			return -1
		}
		i = skipSpace(s.data, i)
		switch {
		case i >= len(s.data):
			return s.fail(len(s.data), UnexpectedEnd)
		case s.data[i] == '}':
			return i + 1
		case s.data[i] != ',':
			return s.fail(i, NotInObject)
		}
		i = skipSpace(s.data, i+1)
	}
}

// skipName reads a member's name, which ends at end, and the colon; the value
// begins at value.
func (s *Scanner) skipName(i int) (end, value int) {
	switch {
	case i >= len(s.data):
		return -1, s.fail(len(s.data), UnexpectedEnd)
	case s.data[i] != '"':
		return -1, s.fail(i, NotAName)
	}
	if end = s.skipString(i); end < 0 {
		return -1, -1
	}
	i = skipSpace(s.data, end)
	switch {
	case i >= len(s.data):
		return -1, s.fail(len(s.data), UnexpectedEnd)
	case s.data[i] != ':':
		return -1, s.fail(i, NotAColon)
	}
	return end, skipSpace(s.data, i+1)
}
