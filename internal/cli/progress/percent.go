package progress

import (
	"bytes"
	"strconv"
)

// parsePV reads a line of `pv -n`: a number from 0 to 100 and nothing else
// (pv's manual, "--numeric").
func parsePV(line []byte, s *State) bool {
	line = bytes.TrimSpace(line)
	percent, ok := decimal(line)
	if !ok || percent > 100 {
		return false
	}
	s.measure(percent)
	return true
}

// parsePercent finds the first percentage in a line, such as "45%", "45.1 %" or
// "45,1%". A number above 100 is none, nor is what escapes a character in a URL.
func parsePercent(line []byte, s *State) bool {
	for at := 0; ; at++ {
		next := bytes.IndexByte(line[at:], '%')
		if next < 0 {
			return false
		}
		at += next
		if percent, ok := percentBefore(line, at); ok {
			s.measure(percent)
			return true
		}
	}
}

// percentBefore reads the number whose percent sign is at an index.
func percentBefore(line []byte, at int) (float64, bool) {
	if at+1 < len(line) && wordy(line[at+1]) {
		return 0, false
	}
	end := at
	if end > 0 && line[end-1] == ' ' {
		end--
	}
	begin := end
	for begin > 0 && (digit(line[begin-1]) || line[begin-1] == '.' || line[begin-1] == ',') {
		begin--
	}
	if begin > 0 && (wordy(line[begin-1]) || line[begin-1] == '-' || line[begin-1] == '%') {
		return 0, false
	}
	number := bytes.Replace(line[begin:end], []byte{','}, []byte{'.'}, 1)
	percent, ok := decimal(number)
	return percent, ok && percent <= 100
}

// maxDecimal is the most characters of a percentage: there are tools that print
// six digits behind the point, and none that print more.
const maxDecimal = 12

// decimal reads digits, and perhaps a point and more digits.
func decimal(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > maxDecimal || !digit(b[0]) || !digit(b[len(b)-1]) {
		return 0, false
	}
	for _, c := range b {
		if !digit(c) && c != '.' {
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(string(b), 64)
	return n, err == nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordy reports whether a byte is of a word: then the digits beside it are too.
func wordy(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
