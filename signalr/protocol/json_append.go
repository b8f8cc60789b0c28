package protocol

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"hubline/internal/jsonscan"
)

// Append writes the type first, then headers, then the rest, like .NET. Of its
// strings only what JSON demands is escaped, as ASP.NET Core's relaxed encoder
// does.
func (jsonCodec) Append(dst []byte, m *Message) ([]byte, error) {
	if !m.Type.Known() {
		return dst, fmt.Errorf("encode message of unknown type %d", m.Type)
	}
	dst = append(dst, `{"type":`...)
	dst = strconv.AppendInt(dst, int64(m.Type), 10)
	if m.Type.Counted() && len(m.Headers) > 0 {
		dst = appendJSONHeaders(append(dst, `,"headers":`...), m.Headers)
	}
	if m.Type.Counted() && m.InvocationID != "" {
		dst = jsonscan.AppendString(append(dst, `,"invocationId":`...), m.InvocationID)
	}
	switch m.Type {
	case TypeInvocation, TypeStreamInvocation:
		dst = jsonscan.AppendString(append(dst, `,"target":`...), m.Target)
		dst = append(dst, `,"arguments":[`...)
		for i, a := range m.Arguments {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONRaw(dst, a)
		}
		dst = append(dst, ']')
		if len(m.StreamIDs) > 0 {
			dst = appendJSONStrings(append(dst, `,"streamIds":`...), m.StreamIDs)
		}
	case TypeStreamItem:
		dst = appendJSONRaw(append(dst, `,"item":`...), m.Item)
	case TypeCompletion:
		if m.Error != "" {
			dst = jsonscan.AppendString(append(dst, `,"error":`...), m.Error)
		} else if m.HasResult {
			dst = appendJSONRaw(append(dst, `,"result":`...), m.Result)
		}
	case TypeClose:
		if m.Error != "" {
			dst = jsonscan.AppendString(append(dst, `,"error":`...), m.Error)
		}
		if m.AllowReconnect {
			dst = append(dst, `,"allowReconnect":true`...)
		}
	case TypeAck, TypeSequence:
		dst = strconv.AppendInt(append(dst, `,"sequenceId":`...), m.SequenceID, 10)
	}
	return append(dst, '}', recordSeparator), nil
}

// appendJSONRaw appends a value; none is null.
func appendJSONRaw(dst []byte, v Raw) []byte {
	if len(v) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, v...)
}

func appendJSONHeaders(dst []byte, headers map[string]string) []byte {
	dst = append(dst, '{')
	for i, k := range slices.Sorted(maps.Keys(headers)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, k), ':')
		dst = jsonscan.AppendString(dst, headers[k])
	}
	return append(dst, '}')
}

func appendJSONStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonscan.AppendString(dst, s)
	}
	return append(dst, ']')
}
