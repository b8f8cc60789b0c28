package protocol

import (
	"fmt"
	"maps"
	"slices"
)

func (messagePackCodec) Append(dst []byte, m *Message) ([]byte, error) {
	at := len(dst)
	dst = append(dst, 0) // the place of the length
	switch m.Type {
	case TypeInvocation, TypeStreamInvocation:
		dst = appendHubHead(dst, 6, m)
		if m.InvocationID == "" {
			dst = append(dst, codeNil)
		} else {
			dst = appendPackedString(dst, m.InvocationID)
		}
		dst = appendPackedString(dst, m.Target)
		dst = appendArrayHead(dst, len(m.Arguments))
		for _, a := range m.Arguments {
			dst = appendPackedRaw(dst, a)
		}
		dst = appendArrayHead(dst, len(m.StreamIDs))
		for _, id := range m.StreamIDs {
			dst = appendPackedString(dst, id)
		}
	case TypeStreamItem:
		dst = appendPackedString(appendHubHead(dst, 4, m), m.InvocationID)
		dst = appendPackedRaw(dst, m.Item)
	case TypeCompletion:
		dst = appendCompletion(dst, m)
	case TypeCancelInvocation:
		dst = appendPackedString(appendHubHead(dst, 3, m), m.InvocationID)
	case TypePing:
		dst = append(dst, 0x91, byte(TypePing))
	case TypeClose:
		dst = append(dst, 0x93, byte(TypeClose))
		if m.Error == "" {
			dst = append(dst, codeNil)
		} else {
			dst = appendPackedString(dst, m.Error)
		}
		if m.AllowReconnect {
			dst = append(dst, codeTrue)
		} else {
			dst = append(dst, codeFalse)
		}
	case TypeAck, TypeSequence:
		dst = appendPackedInt(append(dst, 0x92, byte(m.Type)), m.SequenceID)
	default:
		return dst[:at], fmt.Errorf("encode message of unknown type %d", m.Type)
	}
	var prefix [maxPrefix]byte
	return insert(dst, at, appendPrefix(prefix[:0], len(dst)-at-1)), nil
}

// appendHubHead appends what types 1 to 5 begin with.
func appendHubHead(dst []byte, items int, m *Message) []byte {
	dst = append(appendArrayHead(dst, items), byte(m.Type)) //nolint:gosec // 1 to 5
	dst = appendMapHead(dst, len(m.Headers))
	if len(m.Headers) == 0 {
		return dst
	}
	for _, k := range slices.Sorted(maps.Keys(m.Headers)) {
		dst = appendPackedString(appendPackedString(dst, k), m.Headers[k])
	}
	return dst
}

func appendCompletion(dst []byte, m *Message) []byte {
	items, kind := 4, byte(resultVoid)
	switch {
	case m.Error != "":
		items, kind = 5, resultError
	case m.HasResult:
		items, kind = 5, resultNonVoid
	}
	dst = appendPackedString(appendHubHead(dst, items, m), m.InvocationID)
	dst = append(dst, kind)
	switch kind {
	case resultError:
		dst = appendPackedString(dst, m.Error)
	case resultNonVoid:
		dst = appendPackedRaw(dst, m.Result)
	}
	return dst
}

// appendPackedRaw appends a value; none is nil.
func appendPackedRaw(dst []byte, v Raw) []byte {
	if len(v) == 0 {
		return append(dst, codeNil)
	}
	return append(dst, v...)
}
