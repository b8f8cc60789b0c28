package protocol

import (
	"errors"
	"strconv"

	"hubline/internal/jsonscan"
)

// Event is an invocation without answer that goes to many receivers.
type Event struct {
	Target string
	// Arguments is a JSON array.
	Arguments []byte
	// Meta, if not nil, is a JSON object. It becomes a last argument, and for
	// each receiver gets seq and cursor in front of its own keys.
	Meta []byte
	// NoStreamIDs leaves the empty list of stream ids out of the MessagePack
	// form, as Vaultwarden does.
	NoStreamIDs bool
	// Timestamps makes MessagePack timestamps of the ISO 8601 strings under
	// Date, RevisionDate, CreationDate, ReadDate and DeletedDate.
	Timestamps bool
}

// Encoded is an event's invocation in one encoding, made once for all
// receivers, with the places where each one's seq and cursor go. It is
// immutable and safe for concurrent use.
type Encoded struct {
	// head ends where the headers go, mid where seq and cursor of the meta
	// argument go (it is empty without one).
	head, mid, tail []byte
	binary, meta    bool
}

// Size is the number of bytes that all receivers share.
func (e *Encoded) Size() int { return len(e.head) + len(e.mid) + len(e.tail) }

var errArguments = errors.New("arguments are no JSON array")

// trimArray returns the inside of a JSON array.
func trimArray(b []byte) ([]byte, error) {
	i := jsonscan.SkipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return nil, errArguments
	}
	end := jsonscan.Lenient.SkipValue(b, i, MaxDepth-1)
	if end < 0 || jsonscan.SkipSpace(b, end) != len(b) {
		return nil, errArguments
	}
	i = jsonscan.SkipSpace(b, i+1)
	return b[i : end-1], nil
}

func (jsonCodec) EncodeInvocation(e Event) (*Encoded, error) {
	args, err := trimArray(e.Arguments)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, len(e.Target)+len(args)+len(e.Meta)+64)
	buf = append(buf, `{"type":1,`...)
	head := len(buf)
	buf = jsonscan.AppendString(append(buf, `"target":`...), e.Target)
	buf = append(append(buf, `,"arguments":[`...), args...)
	mid := head
	if e.Meta != nil {
		i := jsonscan.SkipSpace(e.Meta, 0)
		if end := jsonscan.Lenient.SkipValue(e.Meta, i, MaxDepth-2); end < 0 || e.Meta[i] != '{' || jsonscan.SkipSpace(e.Meta, end) != len(e.Meta) {
			return nil, ErrJSON
		}
		if len(args) > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, '{')
		mid = len(buf)
		if i = jsonscan.SkipSpace(e.Meta, i+1); e.Meta[i] != '}' {
			buf = append(buf, ',')
		}
		buf = append(buf, e.Meta[i:]...)
	}
	buf = append(buf, "]}\x1e"...)
	return &Encoded{head: buf[:head:head], mid: buf[head:mid:mid], tail: buf[mid:], meta: e.Meta != nil}, nil
}

func (messagePackCodec) EncodeInvocation(e Event) (*Encoded, error) {
	if _, err := trimArray(e.Arguments); err != nil {
		return nil, err
	}
	items := byte(0x96)
	if e.NoStreamIDs {
		items = 0x95
	}
	buf := make([]byte, 0, len(e.Target)+len(e.Arguments)+len(e.Meta)+16)
	buf = append(buf, items, byte(TypeInvocation))
	head := len(buf)
	buf = appendPackedString(append(buf, codeNil), e.Target)
	args := len(buf)
	buf, err := appendTranscoded(buf, e.Arguments, e.Timestamps)
	if err != nil {
		return nil, err
	}
	mid := head
	if e.Meta != nil {
		if buf, err = growArray(buf, args); err != nil {
			return nil, err
		}
		at := len(buf)
		if buf, err = appendTranscoded(buf, e.Meta, false); err != nil {
			return nil, err
		}
		if k := buf[at]; k < 0x80 || k > 0x8d { // a map with room for two more
			return nil, ErrJSON
		}
		buf[at] += 2
		mid = at + 1
	}
	if !e.NoStreamIDs {
		buf = append(buf, 0x90)
	}
	return &Encoded{head: buf[:head:head], mid: buf[head:mid:mid], tail: buf[mid:], meta: e.Meta != nil, binary: true}, nil
}

// growArray adds one to the length of the array whose head is at buf[at].
func growArray(buf []byte, at int) ([]byte, error) {
	k, n, next := head(buf, at)
	if k != kindArray {
		return nil, errArguments
	}
	h := appendArrayHead(make([]byte, 0, 5), n+1)
	if old := next - at; len(h) == old {
		copy(buf[at:], h)
		return buf, nil
	}
	tail := append([]byte(nil), buf[next:]...)
	return append(append(buf[:at], h...), tail...), nil
}

// Append appends the invocation without headers. With a meta argument it has
// neither seq nor cursor and Append must not be used.
func (e *Encoded) Append(dst []byte) []byte {
	if e.binary {
		dst = appendPrefix(dst, e.Size()+1)
		dst = append(append(dst, e.head...), 0x80)
	} else {
		dst = append(dst, e.head...)
	}
	return append(append(dst, e.mid...), e.tail...)
}

// AppendStamped appends the invocation with the receiver's seq and cursor
// (epoch-seq) in the headers and, if there is one, in the meta argument. epoch
// must need no escaping in JSON. It allocates only if dst must grow.
func (e *Encoded) AppendStamped(dst []byte, seq uint64, epoch string) []byte {
	var num [20]byte
	digits := strconv.AppendUint(num[:0], seq, 10)
	if e.binary {
		return e.stampBinary(dst, seq, epoch, digits)
	}
	dst = append(append(dst, e.head...), `"headers":{"seq":"`...)
	dst = append(append(dst, digits...), `","cursor":"`...)
	dst = append(append(append(dst, epoch...), '-'), digits...)
	dst = append(append(dst, `"},`...), e.mid...)
	if e.meta {
		dst = append(append(dst, `"seq":`...), digits...)
		dst = append(append(append(dst, `,"cursor":"`...), epoch...), '-')
		dst = append(append(dst, digits...), '"')
	}
	return append(dst, e.tail...)
}

func (e *Encoded) stampBinary(dst []byte, seq uint64, epoch string, digits []byte) []byte {
	cursor := len(epoch) + 1 + len(digits)
	// map of 2, "seq", digits, "cursor", cursor
	size := e.Size() + 1 + 4 + 1 + len(digits) + 7 + stringHeadSize(cursor) + cursor
	var packed [9]byte
	packedSeq := appendPackedUint(packed[:0], seq)
	if e.meta {
		size += 4 + len(packedSeq) + 7 + stringHeadSize(cursor) + cursor
	}
	dst = append(appendPrefix(dst, size), e.head...)
	dst = append(dst, "\x82\xa3seq"...)
	dst = append(appendStringHead(dst, len(digits)), digits...)
	dst = appendPackedCursor(dst, epoch, digits)
	dst = append(dst, e.mid...)
	if e.meta {
		dst = append(append(dst, "\xa3seq"...), packedSeq...)
		dst = appendPackedCursor(dst, epoch, digits)
	}
	return append(dst, e.tail...)
}

func appendPackedCursor(dst []byte, epoch string, digits []byte) []byte {
	dst = append(dst, "\xa6cursor"...)
	dst = appendStringHead(dst, len(epoch)+1+len(digits))
	return append(append(append(dst, epoch...), '-'), digits...)
}

func stringHeadSize(n int) int {
	switch {
	case n <= 31:
		return 1
	case n <= 255:
		return 2
	case n <= 65535:
		return 3
	}
	return 5
}
