package protocol

import (
	"bytes"
	"errors"
	"fmt"

	"hubline/internal/jsonscan"
)

// MaxVersion is the newest handshake version; 2 stands for stateful reconnect.
const MaxVersion = 2

// HandshakeOK is the answer to an accepted handshake.
const HandshakeOK = "{}\x1e"

// Texts of handshake answers.
const (
	HandshakeCanceled   = "Handshake was canceled."
	handshakeUnexpected = "An unexpected error occurred during connection handshake."
)

// HandshakeRequest is the first message of every hub connection. It is JSON
// whatever the protocol.
type HandshakeRequest struct {
	Protocol string
	Version  int
	// Bare tells that no record separator ended the request. If one comes
	// late, SkipLateSeparator finds it.
	Bare bool
}

// ParseHandshake reads the request at the start of buf and returns how many
// bytes it takes; 0 means that more are needed. whole tells that buf ends with
// a message of the carrier: some clients leave the separator out, so a whole
// request without one is accepted there. The error is a *TooLargeError or a
// *ParseError.
func ParseHandshake(buf []byte, limit int, whole bool) (h HandshakeRequest, n int, err error) {
	body, n, err := JSON.Next(buf, limit)
	if err != nil {
		return h, 0, err
	}
	if n == 0 {
		if i := jsonscan.SkipSpace(buf, 0); !whole || i == len(buf) || buf[i] != '{' || jsonscan.Lenient.SkipValue(buf, i, MaxDepth) < 0 {
			return h, 0, nil
		}
		body, n, h.Bare = buf, len(buf), true
	}
	err = h.decode(body)
	return h, n, err
}

func (h *HandshakeRequest) decode(body []byte) error {
	var protocol, version []byte
	err := eachProperty(body, func(name, value []byte) {
		switch string(name) {
		case "protocol":
			protocol = value
		case "version":
			version = value
		}
	})
	if err != nil {
		return err
	}
	missing := func(name string) error {
		return parseErrorf("Missing required property '%s'. Message content: %s", name, body)
	}
	if protocol == nil {
		return missing("protocol")
	}
	if h.Protocol, err = jsonString(protocol, "protocol"); err != nil {
		return err
	}
	if version == nil || version[0] == 'n' {
		return missing("version")
	}
	v, err := jsonInt(version, 32)
	if err != nil {
		return errKind("version", "Number")
	}
	h.Version = int(v)
	return nil
}

// SkipLateSeparator tells how many bytes of buf, the first ones after a bare
// handshake, are its separator after all; more tells that the bytes that follow
// decide, and no whole message is there yet.
//
// In JSON no message begins with a separator. In MessagePack the same byte may
// be the length of a message of 30 bytes. Then the head of an array follows, or
// else it is a separator. Such a head taken for a length has more than one byte,
// and behind those a separated message has the head of its array, where one of
// 30 bytes has what is none: the rest of its own head or of its type, or its
// second item, which no type has as an array. What remains are 30 bytes with what
// nobody reads as their second item, of a Ping or of a type that is not Known: if
// that is an array, it is lost.
func SkipLateSeparator(c Codec, buf []byte) (n int, more bool) {
	switch {
	case len(buf) == 0:
		return 0, true
	case buf[0] != recordSeparator:
		return 0, false
	case !c.Binary():
		return 1, false
	case len(buf) == 1:
		return 0, true
	case !beginsArray(buf[1]):
		return 1, false
	}
	for i := 1; i <= maxPrefix; i++ { // the length
		switch {
		case i+1 == len(buf):
			return 0, true
		case buf[i]&0x80 != 0:
			continue
		case beginsArray(buf[i+1]):
			return 1, false
		}
		return 0, false
	}
	return 0, false // it would be too long
}

// beginsArray reports that a MessagePack array begins with c.
func beginsArray(c byte) bool { return c&0xf0 == 0x90 || c == codeArray16 || c == codeArray32 }

// Choose returns the codec that the request asks for, or an error whose text
// is for the client. binary tells whether the transport carries arbitrary
// bytes.
func (h HandshakeRequest) Choose(binary bool) (Codec, error) {
	c, ok := Lookup(h.Protocol)
	switch {
	case !ok:
		return nil, parseErrorf("The protocol '%s' is not supported.", h.Protocol)
	case h.Version > MaxVersion:
		return nil, parseErrorf("The server does not support version %d of the '%s' protocol.", h.Version, c.Name())
	case c.Binary() && !binary:
		return nil, parseErrorf("Cannot use the '%s' protocol on the current transport. The transport does not support 'Binary' transfer format.", c.Name())
	}
	return c, nil
}

// HandshakeErrorText is what a client is told when ParseHandshake failed.
// Details are shown only when asked for.
func HandshakeErrorText(err error, detailed bool) string {
	if _, tooLarge := errors.AsType[*TooLargeError](err); tooLarge {
		return HandshakeCanceled
	}
	if detailed {
		return fmt.Sprintf("%s InvalidDataException: %v", handshakeUnexpected, err)
	}
	return handshakeUnexpected
}

// AppendHandshakeError appends the answer to a refused handshake. It is text
// whatever the protocol.
func AppendHandshakeError(dst []byte, text string) []byte {
	dst = jsonscan.AppendString(append(dst, `{"error":`...), text)
	return append(dst, '}', recordSeparator)
}

// AppendHandshakeRequest appends a client's request.
func AppendHandshakeRequest(dst []byte, h HandshakeRequest) []byte {
	dst = jsonscan.AppendString(append(dst, `{"protocol":`...), h.Protocol)
	dst = fmt.Appendf(dst, `,"version":%d}`, h.Version)
	if h.Bare {
		return dst
	}
	return append(dst, recordSeparator)
}

// ParseHandshakeResponse reads the server's answer as a client does: n == 0
// means that more bytes are needed, text is the server's error, if any.
func ParseHandshakeResponse(buf []byte) (text string, n int, err error) {
	i := bytes.IndexByte(buf, recordSeparator)
	if i < 0 {
		return "", 0, nil
	}
	var bad error
	err = eachProperty(buf[:i], func(name, value []byte) {
		switch string(name) {
		case "type":
			bad = &ParseError{Text: "Expected a handshake response from the server."}
		case "error":
			text, err = jsonString(value, "error")
			bad = errors.Join(bad, err)
		}
	})
	return text, i + 1, errors.Join(err, bad)
}
