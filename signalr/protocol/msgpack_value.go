package protocol

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

// Marshal takes field names from msgpack tags, else from json tags.
func (c messagePackCodec) Marshal(v any) (Raw, error) {
	if raw, ok := v.(json.RawMessage); ok && raw != nil {
		return c.AppendJSON(nil, raw)
	}
	var b bytes.Buffer
	e := msgpack.GetEncoder()
	defer msgpack.PutEncoder(e)
	e.Reset(&b)
	e.SetCustomStructTag("json")
	e.UseCompactInts(true)
	e.SetSortMapKeys(true)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode MessagePack: %w", err)
	}
	return b.Bytes(), nil
}

// Unmarshal checks raw again, so that the library sees no length that is not
// backed by bytes and no nesting beyond MaxDepth. It panics on nothing, but
// wraps integers that are too large for fields inside structs and slices; an
// argument that is itself a number is checked here.
func (messagePackCodec) Unmarshal(raw Raw, v any) error {
	if skipPacked(raw, 0, MaxDepth) != len(raw) {
		return &ParseError{Text: "Deserializing object for 'argument' failed."}
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		if done, err := unpackNumber(raw, p.Elem()); done || err != nil {
			return err
		}
	}
	d := msgpack.GetDecoder()
	defer msgpack.PutDecoder(d)
	d.Reset(bytes.NewReader(raw))
	d.SetCustomStructTag("json")
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode MessagePack: %w", err)
	}
	return nil
}

// unpackNumber stores raw in v if both are numbers. Integers may come in any
// width, floats for integers only if nothing is lost.
func unpackNumber(raw Raw, v reflect.Value) (done bool, err error) {
	if _, ok := reflect.TypeAssert[msgpack.Unmarshaler](v.Addr()); ok {
		return false, nil
	}
	f, isFloat := unpackFloat(raw)
	n, _, isInt := unpackInt(raw, 0)
	overflow := fmt.Errorf("number does not fit %s", v.Type())
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			n, isInt = int64(f), true
		}
		if !isInt || v.OverflowInt(n) {
			return false, overflow
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, ok := uint64(n), isInt && n >= 0 //nolint:gosec // checked
		if raw[0] == codeUint64 {
			u, ok = binary.BigEndian.Uint64(raw[1:]), true
		}
		if isFloat && f == math.Trunc(f) && f >= 0 && f < 1<<64 {
			u, ok = uint64(f), true
		}
		if !ok || v.OverflowUint(u) {
			return false, overflow
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		if isInt {
			f, isFloat = float64(n), true
		}
		if raw[0] == codeUint64 {
			f, isFloat = float64(binary.BigEndian.Uint64(raw[1:])), true
		}
		if !isFloat || v.OverflowFloat(f) && !math.IsInf(f, 0) {
			return false, overflow
		}
		v.SetFloat(f)
	default:
		return false, nil
	}
	return true, nil
}

func unpackFloat(raw Raw) (float64, bool) {
	switch raw[0] {
	case codeFloat32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw[1:]))), true
	case codeFloat64:
		return math.Float64frombits(binary.BigEndian.Uint64(raw[1:])), true
	}
	return 0, false
}
