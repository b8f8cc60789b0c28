package jsonscan

// The functions here take an index into b, or its length, and return the index
// behind what they have read, or the negative number of a problem.

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
func (m Mode) skipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return problem(len(b), unexpectedEnd)
	}
	switch c := b[i]; c {
	case '"':
		return m.skipString(b, i)
	case '{':
		return m.skipObject(b, i, depth)
	case '[':
		return m.skipArray(b, i, depth)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	default:
		if c == '-' || isDigit(c) {
			return skipNumber(b, i)
		}
		return problem(i, notAValue)
	}
}

func skipWord(b []byte, i int, word string) int {
	for k := range len(word) {
		switch {
		case i+k >= len(b):
			return problem(len(b), unexpectedEnd)
		case b[i+k] != word[k]:
			return problem(i+k, notAValue)
		}
	}
	return i + len(word)
}

func (m Mode) skipArray(b []byte, i, depth int) int {
	if depth <= 0 {
		return problem(i, tooDeep)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for done := false; !done; {
		if i = m.skipValue(b, i, depth-1); i < 0 {
			return i
		}
		i, done = skipComma(b, i, ']')
	}
	return i
}

func (m Mode) skipObject(b []byte, i, depth int) int {
	if depth <= 0 {
		return problem(i, tooDeep)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for done := false; !done; {
		if _, i = m.skipName(b, i); i < 0 {
			return i
		}
		if i = m.skipValue(b, i, depth-1); i < 0 {
			return i
		}
		i, done = skipComma(b, i, '}')
	}
	return i
}

// skipComma reads what stands behind a value: a comma, or the closing bracket,
// which ends the container, as a problem does.
func skipComma(b []byte, i int, closing byte) (next int, done bool) {
	i = skipSpace(b, i)
	switch {
	case i >= len(b):
		return problem(len(b), unexpectedEnd), true
	case b[i] == closing:
		return i + 1, true
	case b[i] == ',':
		return skipSpace(b, i+1), false
	case closing == ']':
		return problem(i, notInArray), true
	}
	return problem(i, notInObject), true
}

// skipName reads a member's name, which ends at end, and the colon; the value
// begins at value, or that is the problem.
func (m Mode) skipName(b []byte, i int) (end, value int) {
	switch {
	case i >= len(b):
		return -1, problem(len(b), unexpectedEnd)
	case b[i] != '"':
		return -1, problem(i, notAName)
	}
	if end = m.skipString(b, i); end < 0 {
		return -1, end
	}
	i = skipSpace(b, end)
	switch {
	case i >= len(b):
		return -1, problem(len(b), unexpectedEnd)
	case b[i] != ':':
		return -1, problem(i, notAColon)
	}
	return end, skipSpace(b, i+1)
}
