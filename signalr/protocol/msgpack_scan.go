package protocol

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Codes of the MessagePack specification, section "Formats".
const (
	codeNil      = 0xc0
	codeFalse    = 0xc2
	codeTrue     = 0xc3
	codeBin8     = 0xc4
	codeBin16    = 0xc5
	codeBin32    = 0xc6
	codeExt8     = 0xc7
	codeExt16    = 0xc8
	codeExt32    = 0xc9
	codeFloat32  = 0xca
	codeFloat64  = 0xcb
	codeUint8    = 0xcc
	codeUint16   = 0xcd
	codeUint32   = 0xce
	codeUint64   = 0xcf
	codeInt8     = 0xd0
	codeInt16    = 0xd1
	codeInt32    = 0xd2
	codeInt64    = 0xd3
	codeFixExt1  = 0xd4
	codeFixExt4  = 0xd6
	codeFixExt8  = 0xd7
	codeFixExt16 = 0xd8
	codeStr8     = 0xd9
	codeStr16    = 0xda
	codeStr32    = 0xdb
	codeArray16  = 0xdc
	codeArray32  = 0xdd
	codeMap16    = 0xde
	codeMap32    = 0xdf
)

// kind is what a value's first byte announces.
type kind uint8

const (
	kindInvalid kind = iota
	kindScalar       // nil, bool, number
	kindString
	kindBytes // bin and ext
	kindArray
	kindMap
)

// head reads the start of the value at b[i]. Contents begin at next; n is
// their length in bytes, or for arrays and maps in elements or pairs. For
// strings, bytes and scalars the contents are known to be there.
func head(b []byte, i int) (k kind, n, next int) {
	if i >= len(b) {
		return kindInvalid, 0, 0
	}
	c := b[i]
	i++
	switch {
	case c <= 0x7f, c >= 0xe0, c == codeNil, c == codeFalse, c == codeTrue:
		return kindScalar, 0, i
	case c <= 0x8f:
		return kindMap, int(c & 0x0f), i
	case c <= 0x9f:
		return kindArray, int(c & 0x0f), i
	case c <= 0xbf:
		return sized(b, kindString, int(c&0x1f), i)
	}
	switch c {
	case codeBin8, codeBin16, codeBin32:
		return length(b, kindBytes, 1<<(c-codeBin8), 0, i)
	case codeExt8, codeExt16, codeExt32:
		return length(b, kindBytes, 1<<(c-codeExt8), 1, i)
	case codeFloat32:
		return sized(b, kindScalar, 4, i)
	case codeFloat64:
		return sized(b, kindScalar, 8, i)
	case codeUint8, codeUint16, codeUint32, codeUint64:
		return sized(b, kindScalar, 1<<(c-codeUint8), i)
	case codeInt8, codeInt16, codeInt32, codeInt64:
		return sized(b, kindScalar, 1<<(c-codeInt8), i)
	case codeStr8, codeStr16, codeStr32:
		return length(b, kindString, 1<<(c-codeStr8), 0, i)
	case codeArray16:
		return length(b, kindArray, 2, 0, i)
	case codeArray32:
		return length(b, kindArray, 4, 0, i)
	case codeMap16:
		return length(b, kindMap, 2, 0, i)
	case codeMap32:
		return length(b, kindMap, 4, 0, i)
	}
	if c >= codeFixExt1 && c <= codeFixExt16 {
		return sized(b, kindBytes, 1+1<<(c-codeFixExt1), i)
	}
	return kindInvalid, 0, 0
}

// sized checks that n bytes of contents are there.
func sized(b []byte, k kind, n, i int) (kind, int, int) {
	if n > len(b)-i {
		return kindInvalid, 0, 0
	}
	return k, n, i
}

// length reads a length of width bytes; extra is what the contents have beyond
// it. A container with more elements than bytes that are left is invalid, so
// nobody allocates for what never comes.
func length(b []byte, k kind, width, extra, i int) (kind, int, int) {
	if width > len(b)-i {
		return kindInvalid, 0, 0
	}
	var n uint64
	for _, c := range b[i : i+width] {
		n = n<<8 | uint64(c)
	}
	if n > math.MaxInt32 {
		return kindInvalid, 0, 0
	}
	return sized(b, k, int(n)+extra, i+width) //nolint:gosec // at most MaxInt32
}

// skipPacked returns the index behind the value at b[i], or -1 if it is broken
// or opens more than depth containers.
func skipPacked(b []byte, i, depth int) int {
	k, n, i := head(b, i)
	switch k {
	case kindInvalid:
		return -1
	case kindArray, kindMap:
		if depth <= 0 {
			return -1
		}
		if k == kindMap {
			n *= 2
		}
		for ; n > 0; n-- {
			if i = skipPacked(b, i, depth-1); i < 0 {
				return -1
			}
		}
		return i
	}
	return i + n
}

// unpackInt reads an integer of any width at b[i].
func unpackInt(b []byte, i int) (v int64, next int, ok bool) {
	k, n, next := head(b, i)
	if k != kindScalar {
		return 0, 0, false
	}
	c, p := b[i], b[next:next+n]
	switch {
	case c <= 0x7f:
		return int64(c), next, true
	case c >= 0xe0:
		return int64(int8(c)), next, true //nolint:gosec // a negative fixint
	}
	switch c {
	case codeUint8:
		v = int64(p[0])
	case codeUint16:
		v = int64(binary.BigEndian.Uint16(p))
	case codeUint32:
		v = int64(binary.BigEndian.Uint32(p))
	case codeUint64:
		u := binary.BigEndian.Uint64(p)
		if u > math.MaxInt64 {
			return 0, 0, false
		}
		v = int64(u)
	case codeInt8:
		v = int64(int8(p[0])) //nolint:gosec // two's complement
	case codeInt16:
		v = int64(int16(binary.BigEndian.Uint16(p))) //nolint:gosec // two's complement
	case codeInt32:
		v = int64(int32(binary.BigEndian.Uint32(p))) //nolint:gosec // two's complement
	case codeInt64:
		v = int64(binary.BigEndian.Uint64(p)) //nolint:gosec // two's complement
	default:
		return 0, 0, false
	}
	return v, next + n, true
}

// unpackString reads a string or nil, which is null.
func unpackString(b []byte, i int) (s string, next int, ok bool) {
	k, n, next := head(b, i)
	switch {
	case k == kindString && utf8.Valid(b[next:next+n]):
		return string(b[next : next+n]), next + n, true
	case k == kindScalar && b[i] == codeNil:
		return "", next, true
	}
	return "", 0, false
}
