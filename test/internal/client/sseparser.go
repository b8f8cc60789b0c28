package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line of the stream, in bytes.
const maxLine = 16 << 20

// SSEParser reads a native event stream. It is stricter than the standard: it
// refuses what the server has no reason to send, and what one or the other client
// in the field trips over.
type SSEParser struct {
	in *bufio.Reader
}

// NewSSEParser reads from r, in any pieces.
func NewSSEParser(r io.Reader) *SSEParser { return &SSEParser{in: bufio.NewReaderSize(r, 4<<10)} }

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrProtocol}, args...)...)
}

// block is what stands between two empty lines.
type block struct {
	id, name, retry, comment string
	data                     []byte
	hasID, hasName, hasData  bool
	hasRetry, hasComment     bool
}

// Next returns the next message. io.EOF comes only between two messages.
func (p *SSEParser) Next() (Message, error) {
	var b block
	for lines := 0; ; lines++ {
		line, err := p.line()
		if err != nil {
			if errors.Is(err, io.EOF) && lines > 0 {
				err = io.ErrUnexpectedEOF
			}
			return Message{}, err
		}
		if line == "" {
			if lines == 0 {
				return Message{}, bad("empty line where a message should begin")
			}
			return b.message()
		}
		if err := b.add(line); err != nil {
			return Message{}, err
		}
	}
}

// line reads up to a line feed.
func (p *SSEParser) line() (string, error) {
	var line []byte
	for {
		part, err := p.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return "", bad("line of more than %d bytes", maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		break
	}
	line = line[:len(line)-1]
	switch {
	case !utf8.Valid(line):
		return "", bad("line is not UTF-8: %.100q", line)
	case bytes.ContainsAny(line, "\r\x00"):
		return "", bad("line with a carriage return or NUL: %.100q", line)
	}
	return string(line), nil
}

// add reads one field.
func (b *block) add(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return bad("field without a colon: %.100q", line)
	}
	if name == "" {
		if b.hasComment || b.hasData {
			return bad("comment inside a message: %.100q", line)
		}
		b.hasComment, b.comment = true, value
		return nil
	}
	value, ok = strings.CutPrefix(value, " ")
	if !ok {
		return bad("no space behind the colon: %.100q", line)
	}
	once := func(has *bool, to *string) error {
		if *has || b.hasData {
			return bad("field %q comes twice or behind data", name)
		}
		*has, *to = true, value
		return nil
	}
	switch name {
	case "id":
		return once(&b.hasID, &b.id)
	case "event":
		return once(&b.hasName, &b.name)
	case "retry":
		return once(&b.hasRetry, &b.retry)
	case "data":
		if b.hasData {
			b.data = append(b.data, '\n')
		}
		b.hasData = true
		b.data = append(b.data, value...)
		return nil
	}
	return bad("unknown field %q", name)
}

// message makes sense of a block.
func (b *block) message() (Message, error) {
	switch {
	case b.hasComment && (b.hasData || b.hasID || b.hasName || b.hasRetry):
		return Message{}, bad("comment in one block with fields")
	case b.hasComment:
		return Message{Kind: Comment, Text: b.comment}, nil
	case b.hasRetry && (b.hasData || b.hasID || b.hasName):
		return Message{}, bad("retry in one block with other fields")
	case b.hasRetry:
		return Message{Kind: Retry, Text: b.retry}, nil
	case !b.hasData && b.hasName:
		return Message{}, bad("event %q without data never fires", b.name)
	case !b.hasData:
		c, err := ParseCursor(b.id)
		return Message{Kind: Move, Cursor: c, SSEID: b.id}, err
	}
	m, err := parse(b.data)
	if err != nil {
		return m, err
	}
	m.SSEID, m.SSEName = b.id, b.name
	if m.Kind == Event {
		if m.Cursor.String() != b.id {
			return m, bad("id %q stands at an event with cursor %s", b.id, m.Cursor)
		}
		return m, nil
	}
	if b.name != string(m.Kind) {
		return m, bad("control message %s is named %q", m.Kind, b.name)
	}
	if b.hasID && b.id != "" {
		said := m.Cursor
		m.Cursor, err = ParseCursor(b.id)
		if m.Kind == Ready && m.Cursor != said {
			return m, bad("ready says %s and carries %s", said, m.Cursor)
		}
	}
	return m, err
}
