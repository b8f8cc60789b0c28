package jsonscan

// Mode says what bytes strings may hold besides what JSON demands of them.
//
// Its methods, like SkipValid, SkipSpace, SkipComma and SkipNumber, return a
// negative number for what is not there. They take any index: outside the text
// nothing is there.
type Mode uint64

// A Mode is what in a word of text ends a plain stretch of a string besides what
// always does.
const (
	// Strict demands UTF-8.
	Strict Mode = highs
	// Lenient takes any bytes. Who passes the text on to where UTF-8 is demanded
	// mends it with AppendValid or AppendValidText.
	Lenient Mode = 0
)

// SkipValue reads the value that begins at i. Containers may be nested up to
// maxDepth: with 0 or less only scalars are accepted.
func (m Mode) SkipValue(b []byte, i, maxDepth int) int {
	if i < 0 {
		return i
	}
	return m.skipValue(b, i, maxDepth)
}

// SkipValid is SkipValue for a text that is known to be valid and may be nested
// as deeply as a stranger likes: it looks for ends alone and needs no stack. In
// other texts it may end anywhere behind i.
func SkipValid(b []byte, i int) int {
	if i < 0 {
		return i
	}
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i = Lenient.skipString(b, i); i < 0 {
				return i
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r': // only inside a container
			i++
			continue
		default: // a number or a word
			for i++; i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != ']' && b[i] != '}'; {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return problem(len(b), unexpectedEnd)
}

// SkipString reads the string whose opening quote stands at i.
func (m Mode) SkipString(b []byte, i int) int {
	if i < 0 || i >= len(b) || b[i] != '"' {
		return -1
	}
	return m.skipString(b, i)
}

// SkipName reads the member's name that begins at i, and the colon. The name
// with its quotes ends at end, and value is the index of what follows the colon
// and white space, which may be nothing. Both are negative if either is missing.
func (m Mode) SkipName(b []byte, i int) (end, value int) {
	if i < 0 {
		return i, i
	}
	return m.skipName(b, i)
}

// SkipSpace returns the index of the first byte at or behind i that is not white
// space, or len(b).
func SkipSpace(b []byte, i int) int {
	if i < 0 || i > len(b) {
		return -1
	}
	return skipSpace(b, i)
}

// SkipComma reads what stands behind a value in a container: a comma and white
// space, behind which the next value or name is to come, or the closing bracket,
// with which the container is done. It is done with an error too.
func SkipComma(b []byte, i int, closing byte) (next int, done bool) {
	if i < 0 {
		return i, true
	}
	return skipComma(b, i, closing)
}

// SkipNumber reads the number that begins at i. What follows it may well be a
// digit, behind a zero in front.
func SkipNumber(b []byte, i int) int {
	if i < 0 || i >= len(b) || b[i] != '-' && !isDigit(b[i]) {
		return -1
	}
	return skipNumber(b, i)
}
