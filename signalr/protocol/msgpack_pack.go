package protocol

import (
	"encoding/binary"
	"math"
)

// appendPackedInt appends v in its smallest form.
func appendPackedInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0:
		return appendPackedUint(dst, uint64(v))
	case v >= -32:
		return append(dst, byte(v)) //nolint:gosec // two's complement
	case v >= math.MinInt8:
		return append(dst, codeInt8, byte(v)) //nolint:gosec // two's complement
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, codeInt16), uint16(v)) //nolint:gosec // two's complement
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, codeInt32), uint32(v)) //nolint:gosec // two's complement
	}
	return binary.BigEndian.AppendUint64(append(dst, codeInt64), uint64(v)) //nolint:gosec // two's complement
}

func appendPackedUint(dst []byte, v uint64) []byte {
	switch {
	case v <= 0x7f:
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, codeUint8, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeUint16), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, codeUint32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeUint64), v)
}

func appendPackedFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, codeFloat64), math.Float64bits(v))
}

func appendPackedFloat32(dst []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, codeFloat32), math.Float32bits(v))
}

func appendBinHead(dst []byte, n int) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, codeBin8, byte(n)) //nolint:gosec // checked
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeBin16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeBin32), uint32(n)) //nolint:gosec // a message has at most 2 GB
}

func appendPackedString(dst []byte, s string) []byte {
	return append(appendStringHead(dst, len(s)), s...)
}

func appendStringHead(dst []byte, n int) []byte {
	switch {
	case n <= 31:
		return append(dst, 0xa0|byte(n)) //nolint:gosec // checked
	case n <= math.MaxUint8:
		return append(dst, codeStr8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeStr16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeStr32), uint32(n)) //nolint:gosec // a message has at most 2 GB
}

func appendArrayHead(dst []byte, n int) []byte {
	switch {
	case n <= 15:
		return append(dst, 0x90|byte(n)) //nolint:gosec // checked
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeArray16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeArray32), uint32(n)) //nolint:gosec // a message has at most 2 GB
}

func appendMapHead(dst []byte, n int) []byte {
	switch {
	case n <= 15:
		return append(dst, 0x80|byte(n)) //nolint:gosec // checked
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeMap16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeMap32), uint32(n)) //nolint:gosec // a message has at most 2 GB
}

// maxPrefix is the longest length prefix in bytes.
const maxPrefix = 5

// appendPrefix appends the length of a message: 7 bits per byte, least
// significant first.
func appendPrefix(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)) //nolint:gosec // a length
}

// insert replaces the byte at dst[at], which held the place of a head, by h,
// moving what follows. Most heads are one byte long and nothing moves.
func insert(dst []byte, at int, h []byte) []byte {
	if extra := len(h) - 1; extra > 0 {
		dst = append(dst, h[:extra]...)
		copy(dst[at+len(h):], dst[at+1:len(dst)-extra])
	}
	copy(dst[at:], h)
	return dst
}
