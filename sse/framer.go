package sse

import (
	"bytes"
	"strings"

	"hubline/transports"
)

// framer writes events the standard's way: fields with one space after the
// colon, lines that end with a line feed, a blank line at the end.
type framer struct{}

func (framer) Begin(dst []byte, m transports.Meta) []byte {
	if len(m.ID) > 0 {
		dst = append(dst, "id: "...)
		dst = append(dst, m.ID...)
		dst = append(dst, '\n')
	}
	if m.Name != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, oneLine(m.Name)...)
		dst = append(dst, '\n')
	}
	return append(dst, "data: "...)
}

func (framer) End(dst []byte, _ transports.Meta, _, body int) []byte {
	dst = splitLines(dst, body, "\n")
	return append(dst, '\n', '\n')
}

// KeepAlive is a comment, or an id alone: EventSource then moves its cursor
// without firing an event (section 9.2.6, dispatch with an empty data buffer).
func (framer) KeepAlive(dst, id []byte) []byte {
	if len(id) == 0 {
		return append(dst, ':', '\n', '\n')
	}
	dst = append(dst, "id: "...)
	dst = append(dst, id...)
	return append(dst, '\n', '\n')
}

// oneLine cuts a name at its first line end, behind which a publisher could
// write fields of its own.
func oneLine(name string) string {
	if i := strings.IndexAny(name, "\r\n"); i >= 0 {
		return name[:i]
	}
	return name
}

// splitLines gives every line of the payload behind body its own data field.
// All three line ends of the standard count; the client sees line feeds.
func splitLines(dst []byte, body int, eol string) []byte {
	if bytes.IndexByte(dst[body:], '\n') < 0 && bytes.IndexByte(dst[body:], '\r') < 0 {
		return dst
	}
	payload := bytes.Clone(dst[body:])
	dst = dst[:body]
	for {
		i := bytes.IndexAny(payload, "\r\n")
		if i < 0 {
			return append(dst, payload...)
		}
		dst = append(dst, payload[:i]...)
		dst = append(dst, eol...)
		dst = append(dst, "data: "...)
		if payload[i] == '\r' && i+1 < len(payload) && payload[i+1] == '\n' {
			i++
		}
		payload = payload[i+1:]
	}
}

// hubFramer writes events as ASP.NET Core's SignalR does: data fields only,
// with CRLF, because the .NET client refuses other fields.
type hubFramer struct{}

func (hubFramer) Begin(dst []byte, _ transports.Meta) []byte { return append(dst, "data: "...) }

func (hubFramer) End(dst []byte, _ transports.Meta, _, body int) []byte {
	dst = splitLines(dst, body, "\r\n")
	return append(dst, "\r\n\r\n"...)
}

func (hubFramer) KeepAlive(dst, _ []byte) []byte { return append(dst, ":\r\n"...) }
