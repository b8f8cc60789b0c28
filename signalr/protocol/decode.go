package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

var errTarget = errors.New("the target is no pointer, or nil")

// unmarshal decodes raw into what v points to.
func unmarshal(raw Raw, v any, packed bool, n Naming) (err error) {
	d := decoder{src: raw, packed: packed, naming: n}
	if err = d.start(); err != nil {
		return err
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Pointer || r.IsNil() {
		return errTarget
	}
	// The common types need neither plan nor reflection.
	switch v := v.(type) {
	case *string:
		err = set(v, d.string)
	case *bool:
		err = set(v, d.bool)
	case *int:
		var x int64
		if x, err = d.int(strconv.IntSize); err == nil {
			*v = int(x)
		}
	case *int32:
		var x int64
		if x, err = d.int(32); err == nil {
			*v = int32(x) //nolint:gosec // checked by int
		}
	case *int64:
		var x int64
		if x, err = d.int(64); err == nil {
			*v = x
		}
	case *uint64:
		var x uint64
		if x, err = d.uint(64); err == nil {
			*v = x
		}
	case *float64:
		var x float64
		if x, err = d.float(64); err == nil {
			*v = x
		}
	case *json.RawMessage:
		err = set((*[]byte)(v), d.raw)
	case *any:
		err = set(v, d.any)
	default:
		err = d.reflected(r.Elem())
	}
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.Type().Elem(), err)
	}
	return nil
}

// set leaves the target alone if there is an error.
func set[T any](v *T, read func() (T, error)) error {
	x, err := read()
	if err == nil {
		*v = x
	}
	return err
}

func (d *decoder) reflected(v reflect.Value) error {
	p, err := planFor(v.Type(), d.packed, d.naming)
	if err != nil {
		return err
	}
	return d.value(p, v)
}

// value reads into v, which is addressable, by the plan of its type.
func (d *decoder) value(p *plan, v reflect.Value) (err error) {
	s := p.read
	if s >= shapeJSON && !v.CanInterface() {
		s = p.plain // in an unexported embedded struct
	}
	switch s {
	case shapeBool:
		var x bool
		if x, err = d.bool(); err == nil {
			v.SetBool(x)
		}
		return err
	case shapeInt:
		var x int64
		if x, err = d.int(p.bits); err == nil {
			v.SetInt(x)
		}
		return err
	case shapeUint:
		var x uint64
		if x, err = d.uint(p.bits); err == nil {
			v.SetUint(x)
		}
		return err
	case shapeFloat:
		var x float64
		if x, err = d.float(p.bits); err == nil {
			v.SetFloat(x)
		}
		return err
	case shapeString:
		var x string
		if x, err = d.string(); err == nil {
			v.SetString(x)
		}
		return err
	case shapeTime:
		t, err := d.time()
		if err == nil {
			*v.Addr().Interface().(*time.Time) = t
		}
		return err
	case shapeNumber:
		x, err := d.number()
		if err == nil {
			v.SetString(x)
		}
		return err
	case shapeRaw:
		x, err := d.raw()
		if err == nil {
			v.SetBytes(x)
		}
		return err
	case shapeJSON, shapeText, shapePack, shapeStream:
		return d.byMethod(s, v)
	}
	if d.peek() == tokenNull {
		d.skip()
		if v.CanSet() {
			v.SetZero()
		}
		return nil
	}
	if d.frames++; d.frames > maxFrames {
		return errDepth
	}
	err = d.compound(p, v)
	d.frames--
	return err
}

// compound reads values that hold others and are not null.
func (d *decoder) compound(p *plan, v reflect.Value) error {
	switch p.plain {
	case shapePointer:
		if v.IsNil() {
			if !v.CanSet() {
				return errEmbedded
			}
			v.Set(reflect.New(p.elem.typ))
		}
		return d.value(p.elem, v.Elem())
	case shapeInterface:
		if v.NumMethod() > 0 {
			return d.mismatch("a value for " + p.typ.String())
		}
		x, err := d.any()
		if err == nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	case shapeBytes:
		if d.peek() == tokenArray {
			return d.list(p, v)
		}
		x, err := d.bytes()
		if err == nil {
			v.SetBytes(x)
		}
		return err
	case shapeByteArray:
		if d.peek() == tokenBytes {
			x, err := d.bytes()
			v.SetZero()
			copy(v.Bytes(), x)
			return err
		}
		return d.array(p, v)
	case shapeList:
		return d.list(p, v)
	case shapeArray:
		return d.array(p, v)
	case shapeMap:
		return d.mapping(p, v)
	case shapeStruct:
		return d.structure(p, v)
	}
	return fmt.Errorf("values of type %s cannot be decoded", p.typ)
}
