package jsonscan

func isDigit(c byte) bool { return c-'0' <= 9 }

// skipNumber reads a number (RFC 8259, section 6) that begins at i with a minus
// sign or a digit.
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' { // no digit may follow: that is for whoever looks next
		i++
	} else if i = skipDigits(b, i); i < 0 {
		return i
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return i
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits reads one digit or more.
func skipDigits(b []byte, i int) int {
	from := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	switch {
	case i > from:
		return i
	case i >= len(b):
		return problem(len(b), unexpectedEnd)
	}
	return problem(i, malformedNumber)
}

// IsWhole reports whether a value that a Scanner returned is a number without
// sign, fraction and exponent.
func IsWhole(value []byte) bool {
	for _, c := range value {
		if !isDigit(c) {
			return false
		}
	}
	return len(value) > 0
}
