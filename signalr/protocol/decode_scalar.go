package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"hubline/internal/jsonscan"
)

var (
	errFraction = errors.New("a number with a fraction, or too large to be exact, where an integer is wanted")
	errBase64   = errors.New("string is not base64")
)

func errRange(kind string, bits int) error {
	return fmt.Errorf("number does not fit %s%d", kind, bits)
}

// The readers of scalars give the zero value for null.

func (d *decoder) bool() (bool, error) {
	switch d.peek() {
	case tokenNull:
		d.skip()
		return false, nil
	case tokenBool:
		text := d.skip()
		return text[0] == 't' || text[0] == codeTrue, nil
	}
	return false, d.mismatch("a boolean")
}

// numeric passes a number and returns its text, nil for null.
func (d *decoder) numeric() ([]byte, error) {
	switch d.peek() {
	case tokenNull:
		d.skip()
		return nil, nil
	case tokenNumber:
		return d.skip(), nil
	}
	return nil, d.mismatch("a number")
}

func (d *decoder) int(bits int) (int64, error) {
	text, err := d.numeric()
	if text == nil {
		return 0, err
	}
	var n int64
	var ok bool
	if d.packed {
		n, _, ok = unpackInt(text, 0)
	} else if n, err = strconv.ParseInt(string(text), 10, 64); err == nil {
		ok = true
	}
	if !ok {
		f, err := d.whole(text)
		if err != nil {
			return 0, err
		}
		if f < -1<<63 || f >= 1<<63 {
			return 0, errRange("int", bits)
		}
		n = int64(f)
	}
	if unused := 64 - bits; n<<unused>>unused != n {
		return 0, errRange("int", bits)
	}
	return n, nil
}

func (d *decoder) uint(bits int) (uint64, error) {
	text, err := d.numeric()
	if text == nil {
		return 0, err
	}
	var n uint64
	var ok bool
	if d.packed {
		n, ok = unpackUint(text)
	} else if n, err = strconv.ParseUint(string(text), 10, 64); err == nil {
		ok = true
	}
	if !ok {
		f, err := d.whole(text)
		if err != nil {
			return 0, err
		}
		if f < 0 || f >= 1<<64 {
			return 0, errRange("uint", bits)
		}
		n = uint64(f)
	}
	if unused := 64 - bits; n<<unused>>unused != n {
		return 0, errRange("uint", bits)
	}
	return n, nil
}

func unpackUint(b []byte) (uint64, bool) {
	if b[0] == codeUint64 {
		return binary.BigEndian.Uint64(b[1:]), true
	}
	n, _, ok := unpackInt(b, 0)
	return uint64(n), ok && n >= 0 //nolint:gosec // checked
}

// whole reads a number for an integer that is not written as one, or not as
// one of 64 bits. A JSON text is exact only as far as float64 has every integer.
func (d *decoder) whole(text []byte) (float64, error) {
	if d.packed {
		if f := unpackFloat(text); f == math.Trunc(f) {
			return f, nil
		}
		return 0, errFraction
	}
	if !bytes.ContainsAny(text, ".eE") {
		return math.Inf(1), nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, errFraction
	}
	return f, nil
}

// unpackFloat reads any number.
func unpackFloat(b []byte) float64 {
	switch b[0] {
	case codeFloat32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:])))
	case codeFloat64:
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:]))
	}
	if n, _, ok := unpackInt(b, 0); ok {
		return float64(n)
	}
	n, _ := unpackUint(b)
	return float64(n)
}

func (d *decoder) float(bits int) (float64, error) {
	text, err := d.numeric()
	if text == nil {
		return 0, err
	}
	if !d.packed {
		f, err := strconv.ParseFloat(string(text), bits)
		if err != nil {
			return 0, errRange("float", bits)
		}
		return f, nil
	}
	f := unpackFloat(text)
	if bits == 32 && !math.IsInf(f, 0) && math.IsInf(float64(float32(f)), 0) {
		return 0, errRange("float", bits)
	}
	return f, nil
}

// text reads a string. The result may be part of src.
func (d *decoder) text() ([]byte, error) {
	if d.peek() != tokenString {
		return nil, d.mismatch("a string")
	}
	return d.quoted(nil)
}

// quoted reads the string that comes next. Without escapes it is part of src,
// else it is appended to dst.
func (d *decoder) quoted(dst []byte) ([]byte, error) {
	if d.packed {
		_, n, next := head(d.src, d.i)
		s := d.src[next : next+n]
		d.i = next + n
		if !utf8.Valid(s) {
			return nil, errText
		}
		return s, nil
	}
	q := d.skip()
	if bytes.IndexByte(q, '\\') >= 0 || !utf8.Valid(q) {
		return jsonscan.AppendValidText(dst[:0], q), nil
	}
	return q[1 : len(q)-1], nil
}

func (d *decoder) string() (string, error) {
	if d.peek() == tokenNull {
		d.skip()
		return "", nil
	}
	if d.peek() != tokenString {
		return "", d.mismatch("a string")
	}
	var buf [128]byte // for escapes, so that only the result is allocated
	s, err := d.quoted(buf[:0])
	return string(s), err
}

// bytes reads base64 text in JSON, bin in MessagePack.
func (d *decoder) bytes() ([]byte, error) {
	switch k := d.peek(); {
	case k == tokenNull:
		d.skip()
		return nil, nil
	case k == tokenBytes:
		_, n, next := head(d.src, d.i)
		d.i = next + n
		return append(make([]byte, 0, n), d.src[next:d.i]...), nil
	case k == tokenString && !d.packed:
		s, err := d.text()
		if err != nil {
			return nil, err
		}
		out := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
		n, err := base64.StdEncoding.Decode(out, s)
		if err != nil {
			return nil, errBase64
		}
		return out[:n], nil
	}
	return nil, d.mismatch("bytes")
}
