package protocol

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// appendJSON appends the MessagePack value that comes next as JSON: bin as
// base64, timestamps as RFC 3339, keys that are integers as decimals.
func (d *decoder) appendJSON(dst []byte) (_ []byte, err error) {
	switch d.peek() {
	case tokenBool:
		b, _ := d.bool()
		return strconv.AppendBool(dst, b), nil
	case tokenNumber:
		return appendJSONNumber(dst, d.skip())
	case tokenString:
		s, err := d.text()
		return appendText(dst, s), err
	case tokenBytes:
		_, n, next := head(d.src, d.i)
		d.i = next + n
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), d.src[next:d.i]), '"'), nil
	case tokenExt:
		var t time.Time
		if t, err = d.time(); err == nil {
			dst = append(t.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
		}
		return dst, err
	case tokenArray, tokenMap:
		return d.appendContainer(dst)
	}
	d.skip()
	return append(dst, "null"...), nil
}

func (d *decoder) appendContainer(dst []byte) (_ []byte, err error) {
	isMap := d.peek() == tokenMap
	brackets := "[]"
	if isMap {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	it := d.open()
	for first := true; d.next(&it, 0); first = false {
		if !first {
			dst = append(dst, ',')
		}
		if isMap {
			name, err := d.name()
			if err != nil {
				return dst, err
			}
			dst = append(appendText(dst, name), ':')
		}
		if dst, err = d.appendJSON(dst); err != nil {
			return dst, err
		}
	}
	return append(dst, brackets[1]), nil
}

// appendJSONNumber appends a MessagePack number.
func appendJSONNumber(dst, b []byte) ([]byte, error) {
	if n, _, ok := unpackInt(b, 0); ok {
		return strconv.AppendInt(dst, n, 10), nil
	}
	if n, ok := unpackUint(b); ok {
		return strconv.AppendUint(dst, n, 10), nil
	}
	f, bits := unpackFloat(b), 64
	if b[0] == codeFloat32 {
		f, bits = float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))), 32
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errNaN
	}
	return appendJSONFloat(dst, f, bits), nil
}
