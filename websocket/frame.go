package websocket

import (
	"encoding/binary"

	"hubline/transports"
)

// First bytes of unfragmented frames from the server (RFC 6455, section 5.2):
// the FIN bit and the opcode. Frames from a server are not masked.
const (
	finText   = 0x81
	finBinary = 0x82
	finClose  = 0x88
	finPing   = 0x89
	finPong   = 0x8a
)

// maskBit of the second byte is set in all frames from a client, whose shortest
// header, with the mask, is maskedHeader bytes.
const (
	maskBit      = 0x80
	maskedHeader = 2 + 4
)

// reserved is the header room that Begin leaves: enough for payloads below 64
// KiB, by far the most. End moves the payload where it was too much or too little.
const reserved = 4

// maxControl is the longest payload of a control frame (section 5.5).
const maxControl = 125

// framer lays out one message per frame: some clients read only the first
// message of a frame, so messages share writes but never frames.
type framer struct{}

func (framer) Begin(dst []byte, m transports.Meta) []byte {
	op := byte(finText)
	if m.Binary {
		op = finBinary
	}
	return append(dst, op, 0, 0, 0)
}

func (framer) End(dst []byte, _ transports.Meta, start, body int) []byte {
	n := len(dst) - body
	switch {
	case n <= maxControl:
		dst[start+1] = byte(n) //nolint:gosec // checked above
		copy(dst[start+2:], dst[body:])
		return dst[:len(dst)-2]
	case n < 1<<16:
		dst[start+1] = 126
		binary.BigEndian.PutUint16(dst[start+2:], uint16(n)) //nolint:gosec // checked above
		return dst
	}
	var room [10 - reserved]byte
	dst = append(dst, room[:]...)
	copy(dst[start+10:], dst[body:body+n])
	dst[start+1] = 127
	binary.BigEndian.PutUint64(dst[start+2:], uint64(n)) //nolint:gosec // a length
	return dst
}

// KeepAlive is a ping frame: invisible to the application on the other side.
func (framer) KeepAlive(dst, _ []byte) []byte { return append(dst, finPing, 0) }

// Probe implements transports.Prober: a ping, which the peer's stack answers with a
// pong of the same payload (section 5.5.3).
func (framer) Probe(dst, payload []byte) []byte { return appendControl(dst, finPing, payload) }

// appendControl appends a control frame; a longer payload is cut.
func appendControl(dst []byte, first byte, payload []byte) []byte {
	payload = payload[:min(len(payload), maxControl)]
	dst = append(dst, first, byte(len(payload))) //nolint:gosec // cut above
	return append(dst, payload...)
}

// appendClose appends a close frame. The text is cut at a rune's edge to what
// a control frame holds besides the two bytes of the code.
func appendClose(dst []byte, code int, text string) []byte {
	text = truncate(text, maxControl-2)
	dst = append(dst, finClose, byte(2+len(text)), byte(code>>8), byte(code)) //nolint:gosec // cut above; a code has 16 bits
	return append(dst, text...)
}

// truncate cuts s to at most n bytes without splitting a rune.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
