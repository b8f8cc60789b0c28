package protocol

import "strings"

// MaxDepth bounds the nesting of a message, its own object or array included,
// and of values that are transcoded. Deeper input exhausted the stack of other
// servers (CVE-2026-45591).
const MaxDepth = 64

// Codec is one encoding of the hub protocol.
type Codec interface {
	// Name is the protocol's name in the handshake.
	Name() string
	// Binary tells that the transport must carry arbitrary bytes.
	Binary() bool

	// Next finds the first message in buf. body is its content without the
	// framing and n the number of bytes that it takes with it; n == 0 means
	// that more bytes are needed. A message that takes, or would take, more
	// than limit bytes with its framing is a *TooLargeError; limit 0 means no
	// limit. Broken framing is a *ParseError.
	Next(buf []byte, limit int) (body []byte, n int, err error)

	// Decode reads one message. A *ParseError tells why it is not one. A
	// message of a type that is not Known is read no further than its type.
	// The Raw values in m alias body; strings do not. m's memory is reused.
	Decode(body []byte, m *Message) error

	// Append appends m with its framing.
	Append(dst []byte, m *Message) ([]byte, error)

	// AppendJSON appends a JSON value in this encoding. The value must be
	// valid JSON; the JSON codec appends it as it stands.
	AppendJSON(dst, value []byte) ([]byte, error)

	// Marshal encodes v as a value of this encoding, by the rules in the
	// package comment. Cycles, and values that are nested deeper than MaxDepth,
	// are errors. Fields without a name in a tag are named by n.
	Marshal(v any, n Naming) (Raw, error)

	// Unmarshal decodes raw into what v points to, by the same rules. raw may
	// hold anything and is not kept. Numbers that do not fit are errors, at any
	// depth; on an error the target may be half filled.
	Unmarshal(raw Raw, v any, n Naming) error

	// EncodeInvocation encodes what all receivers of an event share.
	EncodeInvocation(e Event) (*Encoded, error)

	// Ping returns the bytes of a Ping message; they must not be changed.
	Ping() []byte
}

// The codecs.
var (
	JSON        Codec = jsonCodec{}
	MessagePack Codec = messagePackCodec{}
)

// Lookup finds a codec by its name, ignoring case.
func Lookup(name string) (Codec, bool) {
	for _, c := range [...]Codec{JSON, MessagePack} {
		if strings.EqualFold(c.Name(), name) {
			return c, true
		}
	}
	return nil, false
}

// recordSeparator ends every JSON message. It cannot occur inside JSON text,
// where control characters are escaped.
const recordSeparator = 0x1e
