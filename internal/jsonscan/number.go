package jsonscan

func isDigit(c byte) bool { return c-'0' <= 9 }

// skipNumber reads a number (RFC 8259, section 6) that begins at i with a minus
// sign or a digit.
func (s *Scanner) skipNumber(i int) int {
	b := s.data
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' { // no digit may follow: that is for whoever looks next
		i++
	} else if i = s.skipDigits(i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = s.skipDigits(i + 1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return s.skipDigits(i)
	}
	return i
}

// skipDigits reads one digit or more.
func (s *Scanner) skipDigits(i int) int {
	from := i
	for i < len(s.data) && isDigit(s.data[i]) {
		i++
	}
	switch {
	case i > from:
		return i
	case i >= len(s.data):
		return s.fail(len(s.data), UnexpectedEnd)
	}
	return s.fail(i, MalformedNumber)
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
