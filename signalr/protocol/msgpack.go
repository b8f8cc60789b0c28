package protocol

// messagePackCodec is the "messagepack" protocol: each message an array behind
// its length.
type messagePackCodec struct{}

func (messagePackCodec) Name() string { return "messagepack" }
func (messagePackCodec) Binary() bool { return true }

var messagePackPing = []byte{0x02, 0x91, 0x06}

func (messagePackCodec) Ping() []byte { return messagePackPing }

func (messagePackCodec) Marshal(v any, n Naming) (Raw, error) { return marshal(v, true, n) }

func (messagePackCodec) Unmarshal(raw Raw, v any, n Naming) error {
	return unmarshal(raw, v, true, n)
}

// Next refuses a message as soon as its length is known, so that nobody makes
// us collect what will be thrown away.
func (messagePackCodec) Next(buf []byte, limit int) (body []byte, n int, err error) {
	size := 0
	for i, c := range buf {
		if i == maxPrefix-1 && c > 0x07 {
			return nil, 0, &ParseError{Text: "Messages over 2GB in size are not supported."}
		}
		size |= int(c&0x7f) << (7 * i)
		if c&0x80 != 0 {
			continue
		}
		i++
		if limit > 0 && size > limit-i {
			return nil, 0, &TooLargeError{Limit: limit}
		}
		if size > len(buf)-i {
			return nil, 0, nil
		}
		return buf[i : i+size], i + size, nil
	}
	if limit > 0 && len(buf) > limit {
		return nil, 0, &TooLargeError{Limit: limit}
	}
	return nil, 0, nil
}

// unpacker reads the items of a message's array. The first error sticks.
type unpacker struct {
	b    []byte
	i    int
	left int // items not yet read
	err  error
}

func (u *unpacker) fail(format string, args ...any) {
	if u.err == nil {
		u.err = parseErrorf(format, args...)
	}
}

// item counts one item of the message's array as read.
func (u *unpacker) item() bool {
	u.left--
	return u.err == nil && u.left >= 0
}

func (u *unpacker) int(field, typ string, lo, hi int64) int64 {
	if u.item() {
		if v, next, ok := unpackInt(u.b, u.i); ok && v >= lo && v <= hi {
			u.i = next
			return v
		}
	}
	u.fail("Reading '%s' as %s failed.", field, typ)
	return 0
}

func (u *unpacker) string(field string) string {
	if u.item() {
		return u.nextString(field)
	}
	u.fail("Reading '%s' as String failed.", field)
	return ""
}

// nextString reads a string that is not an item of the message's array itself.
func (u *unpacker) nextString(field string) string {
	if u.err == nil {
		if s, next, ok := unpackString(u.b, u.i); ok {
			u.i = next
			return s
		}
	}
	u.fail("Reading '%s' as String failed.", field)
	return ""
}

// id reads an invocation id that must not be empty.
func (u *unpacker) id(message string) string {
	s := u.string("invocationId")
	if s == "" {
		u.fail("Null or empty invocation ID for %s message.", message)
	}
	return s
}

// itemValue reads an item that may be any value.
func (u *unpacker) itemValue(field string) Raw {
	if u.item() {
		return u.value(field, MaxDepth-1)
	}
	u.fail("Deserializing object for '%s' failed.", field)
	return nil
}

// value reads any value, nested at most depth containers deep.
func (u *unpacker) value(field string, depth int) Raw {
	if u.err == nil {
		if end := skipPacked(u.b, u.i, depth); end >= 0 {
			raw := u.b[u.i:end:end]
			u.i = end
			return raw
		}
	}
	u.fail("Deserializing object for '%s' failed.", field)
	return nil
}

func (u *unpacker) headers() map[string]string {
	k, n, next := kindInvalid, 0, 0
	if u.item() {
		k, n, next = head(u.b, u.i)
	}
	if k != kindMap {
		u.fail("Reading map length for 'headers' failed.")
		return nil
	}
	u.i = next
	var headers map[string]string
	for i := range n {
		key := u.nextString("headers")
		if key == "" {
			u.fail("Null or empty key in header.")
		}
		value := u.nextString("headers")
		if value == "" {
			u.fail("Null or empty value in header.")
		}
		if u.err != nil {
			return nil
		}
		if i == 0 {
			headers = make(map[string]string)
		}
		headers[key] = value
	}
	return headers
}

// array reads the head of an array and returns its length.
func (u *unpacker) array(field string) int {
	if u.item() {
		if k, n, next := head(u.b, u.i); k == kindArray {
			u.i = next
			return n
		}
	}
	u.fail("Reading array length for '%s' failed.", field)
	return 0
}

func (messagePackCodec) Decode(body []byte, m *Message) error {
	m.reset()
	u := unpacker{b: body, left: 1}
	u.left = u.array("message")
	m.Type = Type(u.int("messageType", "Int32", -1<<31, 1<<31-1)) //nolint:gosec // in range
	if u.err != nil {
		return u.err
	}
	if m.Type.Counted() {
		m.Headers = u.headers()
	}
	switch m.Type {
	case TypeInvocation, TypeStreamInvocation:
		u.invocation(m)
	case TypeStreamItem:
		m.InvocationID = u.id("StreamItem")
		m.Item = u.itemValue("item")
	case TypeCompletion:
		u.completion(m)
	case TypeCancelInvocation:
		m.InvocationID = u.id("CancelInvocation")
	case TypeClose:
		m.Error = u.string("error")
		if u.left > 0 {
			m.AllowReconnect = u.bool("allowReconnect")
		}
	case TypeAck, TypeSequence:
		m.SequenceID = u.int("sequenceId", "Int64", -1<<63, 1<<63-1)
	}
	return u.err
}

func (u *unpacker) bool(field string) bool {
	if u.item() && u.i < len(u.b) {
		switch c := u.b[u.i]; c {
		case codeTrue, codeFalse:
			u.i++
			return c == codeTrue
		}
	}
	u.fail("Reading '%s' as Boolean failed.", field)
	return false
}

func (u *unpacker) invocation(m *Message) {
	name := "Invocation"
	if m.Type == TypeStreamInvocation {
		name = "StreamInvocation"
		m.InvocationID = u.id(name)
	} else {
		m.InvocationID = u.string("invocationId")
	}
	m.Target = u.string("target")
	if m.Target == "" {
		u.fail("Null or empty target for %s message.", name)
	}
	for range u.array("arguments") {
		m.Arguments = append(m.Arguments, u.value("argument", MaxDepth-2))
		if u.err != nil {
			return
		}
	}
	if u.left <= 0 {
		return // clients leave the stream ids out when there are none
	}
	for range u.array("streamIds") {
		id := u.nextString("streamIds")
		if id == "" {
			u.fail("Null or empty value in streamIds received.")
		}
		if u.err != nil {
			return
		}
		m.StreamIDs = append(m.StreamIDs, id)
	}
}

// Kinds of a Completion in MessagePack.
const (
	resultError   = 1
	resultVoid    = 2
	resultNonVoid = 3
)

func (u *unpacker) completion(m *Message) {
	m.InvocationID = u.id("Completion")
	switch u.int("resultKind", "Int32", -1<<31, 1<<31-1) {
	case resultError:
		m.Error = u.string("error")
	case resultNonVoid:
		m.Result, m.HasResult = u.itemValue("argument"), true
	case resultVoid:
	default:
		u.fail("Invalid invocation result kind.")
	}
}
