package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// maxLineBytes bounds one line of standard input, which is held in memory.
const maxLineBytes = 16 << 20

var errLongLine = fmt.Errorf("longer than %d bytes", maxLineBytes)

// lineReader reads the non-empty lines of a stream.
type lineReader struct {
	r      *bufio.Reader
	number int // of the line last read
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next non-empty line without the space around it. The last
// line may lack its end. It returns errLongLine for a line over the limit,
// after which the next one can be read, and io.EOF at the end.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.read()
		if errors.Is(err, errLongLine) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// read returns the next line, or what there is of it before an error.
func (l *lineReader) read() ([]byte, error) {
	l.number++
	var line []byte
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > maxLineBytes+1 { // the line end does not count
			tooLong, line = true, nil
		}
		if !tooLong {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case tooLong:
			return nil, errLongLine
		default:
			return line, err
		}
	}
}

// target is whom the events of a stream are for, if one target is for all.
type target struct {
	key  string // user, channel or broadcast; "" if each line has its own
	text string
}

var errNotAnItem = errors.New(`not of the form {"user":…,"event":{…}}; with --user, --channel or --broadcast the line is the event itself`)

// batchItem makes the item of /events:batch out of a line. An event without an
// id gets one, so that sending the item again does not publish it twice. Values
// go through byte for byte.
func batchItem(line []byte, to target) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("not a JSON object: %.60s", printable(string(line)))
	}
	if to.key != "" {
		event, err := withID(fields)
		if err != nil {
			return nil, err
		}
		item := append([]byte(`{"`+to.key+`":`), to.text...)
		return append(append(append(item, `,"event":`...), event...), '}'), nil
	}
	var event map[string]json.RawMessage
	if err := json.Unmarshal(fields["event"], &event); err != nil || event == nil {
		return nil, errNotAnItem
	}
	text, err := withID(event)
	if err != nil {
		return nil, err
	}
	fields["event"] = text
	return appendObject(nil, fields), nil
}

// withID writes an event, with a new id if it has none.
func withID(event map[string]json.RawMessage) (json.RawMessage, error) {
	if id := string(event["id"]); id == "" || id == "null" || id == `""` {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		event["id"] = json.RawMessage(`"` + id.String() + `"`)
	}
	return appendObject(nil, event), nil
}

// appendObject appends an object with its fields in order of the alphabet.
func appendObject(b []byte, fields map[string]json.RawMessage) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = append(b, fields[name]...)
	}
	return append(b, '}')
}
