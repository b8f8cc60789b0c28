package protocol

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"hubline/internal/jsonscan"
)

var errNumber = errors.New("string is no number")

// any reads a value of unknown type: as encoding/json does from JSON; from
// MessagePack numbers become int64, uint64 if they are too large for it, or
// float64, bin becomes []byte and timestamps time.Time.
func (d *decoder) any() (any, error) {
	switch k := d.peek(); k {
	case tokenBool:
		return d.bool()
	case tokenNumber:
		if !d.packed {
			return d.float(64)
		}
		text := d.skip()
		if n, _, ok := unpackInt(text, 0); ok {
			return n, nil
		}
		if n, ok := unpackUint(text); ok {
			return n, nil
		}
		return unpackFloat(text), nil
	case tokenString:
		return d.string()
	case tokenBytes:
		return d.bytes()
	case tokenExt:
		return d.time()
	case tokenArray:
		return d.anys()
	case tokenMap:
		return d.object()
	default:
		d.skip()
		return nil, nil
	}
}

func (d *decoder) anys() (any, error) {
	it := d.open()
	list := make([]any, 0, it.left)
	for d.next(&it, ']') {
		x, err := d.any()
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

func (d *decoder) object() (any, error) {
	it := d.open()
	m := make(map[string]any, min(it.left, MaxDepth))
	for d.next(&it, '}') {
		name, err := d.name()
		if err != nil {
			return nil, err
		}
		key := string(name)
		x, err := d.any()
		if err != nil {
			return nil, err
		}
		m[key] = x
	}
	return m, nil
}

// raw reads any value as JSON text.
func (d *decoder) raw() ([]byte, error) {
	if !d.packed {
		return bytes.Clone(d.skip()), nil
	}
	size := skipPacked(d.src, d.i, MaxDepth) - d.i
	return d.appendJSON(make([]byte, 0, size+size/2+16))
}

// number reads a json.Number: a number, or a string that holds one.
func (d *decoder) number() (string, error) {
	switch d.peek() {
	case tokenNull:
		d.skip()
		return "", nil
	case tokenNumber:
		text, err := d.raw()
		return string(text), err
	}
	s, err := d.text()
	if err != nil {
		return "", err
	}
	if jsonscan.SkipNumber(s, 0) != len(s) {
		return "", errNumber
	}
	return string(s), nil
}

// byMethod reads v as its type says. A type that knows JSON only is shown
// MessagePack as JSON.
func (d *decoder) byMethod(s shape, v reflect.Value) error {
	switch m := v.Addr().Interface(); s {
	case shapeJSON:
		if !d.packed {
			return m.(json.Unmarshaler).UnmarshalJSON(d.skip())
		}
		text, err := d.raw()
		if err != nil {
			return err
		}
		return m.(json.Unmarshaler).UnmarshalJSON(text)
	case shapeText:
		if d.peek() == tokenNull {
			d.skip()
			if v.CanSet() {
				v.SetZero()
			}
			return nil
		}
		text, err := d.text()
		if err != nil {
			return err
		}
		return m.(encoding.TextUnmarshaler).UnmarshalText(text)
	case shapePack:
		return m.(msgpack.Unmarshaler).UnmarshalMsgpack(bytes.Clone(d.skip()))
	default:
		lib := msgpack.GetDecoder()
		defer msgpack.PutDecoder(lib)
		lib.Reset(bytes.NewReader(d.skip()))
		lib.SetCustomStructTag("json")
		return m.(msgpack.CustomDecoder).DecodeMsgpack(lib)
	}
}
