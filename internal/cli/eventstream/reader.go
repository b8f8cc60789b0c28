// Package eventstream reads the text/event-stream format (WHATWG HTML, section
// 9.2.6 "Interpreting an event stream") for the command line's client.
package eventstream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// ErrTooLong means that an event, or one line of it, is larger than the limit.
var ErrTooLong = errors.New("event is too long")

// maxRetry keeps a nonsensical retry field from becoming a pause of years.
const maxRetry = time.Hour

// Block is what stands between two empty lines of a stream. Unlike a browser,
// Reader also returns blocks without data: an id line alone moves a client's
// position without being an event.
type Block struct {
	// Event is the event field, "" if there was none.
	Event string
	// ID is the id field. It is meaningful only if HasID is true, since an
	// empty id is one, too.
	ID    string
	HasID bool
	// Data are the data lines, joined by line feeds; nil if there were none.
	Data []byte
	// Retry is the reconnection time the server asks for, 0 if it did not.
	Retry time.Duration
}

// Reader reads blocks from a stream. It is not safe for concurrent use.
type Reader struct {
	r      *bufio.Reader
	limit  int
	skipLF bool // the last line ended with CR, so that a LF belongs to it
	begun  bool // the byte order mark has been looked for
	line   []byte
}

// NewReader returns a Reader that refuses blocks of more than limit bytes.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{r: bufio.NewReader(r), limit: limit}
}

// Next returns the next block that has at least one field. It returns io.EOF at
// the end of the stream, where a block that no empty line ended is dropped as
// the standard says: it may be cut short. It returns ErrTooLong for a block
// over the limit; the stream cannot be read on after that.
func (r *Reader) Next() (Block, error) {
	var (
		block Block
		found bool
		size  int
	)
	for {
		line, err := r.readLine(r.limit - size)
		if err != nil {
			return Block{}, err
		}
		switch {
		case len(line) == 0 && found:
			return block, nil
		case block.add(line):
			found = true
			size += len(line)
		}
	}
}

// add takes one line into the block and reports whether it was a field that
// counts.
func (b *Block) add(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		b.Event = string(value)
	case "data":
		if b.Data == nil {
			b.Data = append([]byte{}, value...)
		} else {
			b.Data = append(append(b.Data, '\n'), value...)
		}
	case "id":
		if bytes.IndexByte(value, 0) >= 0 {
			return false
		}
		b.ID, b.HasID = string(value), true
	case "retry":
		ms, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || value[0] == '+' {
			return false
		}
		b.Retry = time.Duration(min(ms, uint64(maxRetry/time.Millisecond))) * time.Millisecond // #nosec G115 -- at most an hour
	default: // an empty line, a comment, or a field of a later standard
		return false
	}
	return true
}

// readLine returns the next line without its end (LF, CR or CR LF), valid until
// the next call. It does not look at the byte after a CR, which may not have
// been sent yet.
func (r *Reader) readLine(limit int) ([]byte, error) {
	r.line = r.line[:0]
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return nil, err
		}
		wasCR := r.skipLF
		r.skipLF = false
		switch {
		case c == '\n' && wasCR:
			continue
		case c == '\n' || c == '\r':
			r.skipLF = c == '\r'
			return r.withoutMark(), nil
		case len(r.line) >= limit:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, r.limit)
		}
		r.line = append(r.line, c)
	}
}

// withoutMark drops the byte order mark from the first line of the stream.
func (r *Reader) withoutMark() []byte {
	if r.begun {
		return r.line
	}
	r.begun = true
	return bytes.TrimPrefix(r.line, []byte("\xef\xbb\xbf"))
}
