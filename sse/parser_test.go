package sse

import (
	"fmt"
	"strings"
)

// event is what an EventSource hands out.
type event struct{ id, name, data string }

// parse reads a stream by the letter of the HTML standard, section 9.2.6. It
// returns the events, the last event id and the retry time.
func parse(stream string) (events []event, lastID, retry string) {
	var data, name string
	for _, line := range cutLines(stream) {
		if line == "" {
			if data != "" {
				events = append(events, event{lastID, name, strings.TrimSuffix(data, "\n")})
			}
			data, name = "", ""
			continue
		}
		field, value, found := strings.Cut(line, ":")
		if found {
			value = strings.TrimPrefix(value, " ")
		}
		switch field {
		case "data":
			data += value + "\n"
		case "event":
			name = value
		case "id":
			if !strings.Contains(value, "\x00") {
				lastID = value
			}
		case "retry":
			retry = value
		}
	}
	return events, lastID, retry
}

// cutLines cuts at the three line ends of the standard; what has no end is no line.
func cutLines(s string) []string {
	var lines []string
	for {
		i := strings.IndexAny(s, "\r\n")
		if i < 0 {
			return lines
		}
		lines = append(lines, s[:i])
		n := 1
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		s = s[i+n:]
	}
}

// parseHub reads a stream as the .NET client of SignalR does: it takes lines that
// end in CRLF, comments, and data fields with their space, and nothing else.
func parseHub(stream string) (payloads []string, err error) {
	var data []string
	for stream != "" {
		line, rest, found := strings.Cut(stream, "\r\n")
		if !found {
			return payloads, fmt.Errorf("%q has no line end", stream)
		}
		stream = rest
		switch text, isData := strings.CutPrefix(line, "data: "); {
		case strings.ContainsAny(line, "\r\n"):
			return payloads, fmt.Errorf("line %q has an end in it", line)
		case line == "" && data != nil:
			payloads = append(payloads, strings.Join(data, "\n"))
			data = nil
		case line == "", strings.HasPrefix(line, ":"):
		case isData:
			data = append(data, text)
		default:
			return payloads, fmt.Errorf("line %q", line)
		}
	}
	return payloads, nil
}
