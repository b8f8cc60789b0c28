package protocol

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"hubline/internal/jsonscan"
)

// value writes v by the plan of its type.
func (e *encoder) value(p *plan, v reflect.Value) error {
	s := p.writeValue
	if p.write != s && v.CanAddr() {
		s = p.write
	}
	if s >= shapeJSON && !v.CanInterface() {
		s = p.plain // in an unexported embedded struct
	}
	switch s {
	case shapeBool:
		e.bool(v.Bool())
		return nil
	case shapeInt:
		e.int(v.Int())
		return nil
	case shapeUint:
		e.uint(v.Uint())
		return nil
	case shapeFloat:
		return e.float(v.Float(), p.bits)
	case shapeString:
		e.string(v.String())
		return nil
	case shapeBytes:
		e.bytes(v.Bytes())
		return nil
	case shapeByteArray:
		e.byteArray(v)
		return nil
	case shapeTime:
		return e.time(timeIn(v))
	case shapeNumber:
		return e.number(v.String(), false)
	case shapeRaw:
		return e.raw(v.Bytes())
	}
	if e.frames++; e.frames > maxFrames {
		return errDepth
	}
	err := e.compound(p, s, v)
	e.frames--
	return err
}

// compound writes values that hold others.
func (e *encoder) compound(p *plan, s shape, v reflect.Value) error {
	switch s {
	case shapePointer:
		if v.IsNil() {
			e.null()
			return nil
		}
		return e.value(p.elem, v.Elem())
	case shapeInterface:
		if v.IsNil() {
			e.null()
			return nil
		}
		return e.any(v.Elem().Interface())
	case shapeList:
		if v.IsNil() {
			e.null()
			return nil
		}
		return e.list(p, v)
	case shapeArray:
		return e.list(p, v)
	case shapeMap:
		return e.mapping(p, v)
	case shapeStruct:
		return e.structure(p, v)
	case shapeJSON, shapeText, shapePack, shapeStream:
		return e.byMethod(s, v)
	}
	return fmt.Errorf("values of type %s cannot be encoded", p.typ)
}

// timeIn returns v, a time.Time, without copying it to the heap if it can.
func timeIn(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

func (e *encoder) byteArray(v reflect.Value) {
	e.dst = appendBinHead(e.dst, v.Len())
	if v.CanAddr() {
		e.dst = append(e.dst, v.Bytes()...)
		return
	}
	for i := range v.Len() {
		e.dst = append(e.dst, byte(v.Index(i).Uint())) //nolint:gosec // elements are bytes
	}
}

// number writes a json.Number, in MessagePack as the transcoder does.
func (e *encoder) number(text string, quoted bool) error {
	if text == "" {
		text = "0" // as in encoding/json
	}
	if jsonscan.SkipNumber([]byte(text), 0) != len(text) {
		return fmt.Errorf("%.40q is no number", text)
	}
	switch {
	case quoted:
		e.string(text)
	case e.packed:
		t := transcoder{dst: e.dst}
		t.number([]byte(text))
		e.dst = t.dst
	default:
		e.dst = append(e.dst, text...)
	}
	return nil
}

// byMethod writes v as its type says.
func (e *encoder) byMethod(s shape, v reflect.Value) error {
	if v.CanAddr() {
		v = v.Addr()
	}
	switch m := v.Interface(); s {
	case shapeJSON:
		b, err := m.(json.Marshaler).MarshalJSON()
		if err != nil {
			return err
		}
		if b == nil {
			return ErrJSON
		}
		return e.raw(b)
	case shapeText:
		b, err := m.(encoding.TextMarshaler).MarshalText()
		if err == nil {
			e.string(string(b))
		}
		return err
	case shapePack:
		b, err := m.(msgpack.Marshaler).MarshalMsgpack()
		if err != nil {
			return err
		}
		return e.packedRaw(b)
	default:
		var b bytes.Buffer
		lib := msgpack.GetEncoder()
		defer msgpack.PutEncoder(lib)
		lib.Reset(&b)
		lib.SetCustomStructTag("json")
		lib.UseCompactInts(true)
		lib.SetSortMapKeys(true)
		if err := m.(msgpack.CustomEncoder).EncodeMsgpack(lib); err != nil {
			return err
		}
		return e.packedRaw(b.Bytes())
	}
}

// packedRaw writes what a type gave as its MessagePack form.
func (e *encoder) packedRaw(b []byte) error {
	if skipPacked(b, 0, MaxDepth-e.depth) != len(b) {
		return errPacked
	}
	e.dst = append(e.dst, b...)
	return nil
}
