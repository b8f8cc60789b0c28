package protocol

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"

	"hubline/internal/jsonscan"
)

// list reads into a slice. Its first allocation is for the elements that
// MessagePack declares, which start has found to be there.
func (d *decoder) list(p *plan, v reflect.Value) error {
	if d.peek() != tokenArray {
		return d.mismatch("an array")
	}
	it := d.open()
	v.SetLen(0)
	if v.IsNil() || it.left > v.Cap() {
		v.Set(reflect.MakeSlice(v.Type(), 0, it.left))
	}
	for i := 0; d.next(&it, ']'); i++ {
		if i == v.Cap() {
			v.Grow(4) // JSON does not tell how many there are
		}
		v.SetLen(i + 1)
		e := v.Index(i)
		e.SetZero()
		if err := d.value(p.elem, e); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// array reads into an array: what is too much is passed over, what is missing
// becomes zero, as in encoding/json.
func (d *decoder) array(p *plan, v reflect.Value) error {
	if d.peek() != tokenArray {
		return d.mismatch("an array")
	}
	v.SetZero()
	it := d.open()
	for i := 0; d.next(&it, ']'); i++ {
		if i >= v.Len() {
			d.skip()
			continue
		}
		if err := d.value(p.elem, v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// name reads the key of an entry and goes to its value. The result is valid
// until the next call. Integers, which MessagePack allows, become decimals.
func (d *decoder) name() ([]byte, error) {
	if !d.packed {
		end, value := jsonscan.Lenient.SkipName(d.src, d.i)
		quoted := d.src[d.i:end]
		d.i = value
		if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
			return quoted[1 : len(quoted)-1], nil
		}
		d.names = jsonscan.AppendValidText(d.names[:0], quoted)
		return d.names, nil
	}
	switch d.peek() {
	case tokenString:
		return d.text()
	case tokenNumber:
		text := d.skip()
		if n, _, ok := unpackInt(text, 0); ok {
			d.names = strconv.AppendInt(d.names[:0], n, 10)
			return d.names, nil
		}
		if n, ok := unpackUint(text); ok {
			d.names = strconv.AppendUint(d.names[:0], n, 10)
			return d.names, nil
		}
	}
	return nil, errKey
}

func (d *decoder) mapping(p *plan, v reflect.Value) error {
	if p.keyRead == shapeUnsupported {
		return fmt.Errorf("maps of type %s cannot be decoded", p.typ)
	}
	if d.peek() != tokenMap {
		return d.mismatch("a map")
	}
	it := d.open()
	if v.IsNil() {
		// Keys may be equal, so that many may have been declared for few.
		v.Set(reflect.MakeMapWithSize(p.typ, min(it.left, MaxDepth)))
	}
	key, elem := reflect.New(p.typ.Key()).Elem(), reflect.New(p.elem.typ).Elem()
	for d.next(&it, '}') {
		name, err := d.name()
		if err != nil {
			return err
		}
		key.SetZero()
		if err := p.setKey(key, name); err != nil {
			return err
		}
		elem.SetZero()
		if err := d.value(p.elem, elem); err != nil {
			return fmt.Errorf("value of a map: %w", err)
		}
		v.SetMapIndex(key, elem)
	}
	return nil
}

// setKey sets a map's key from its text.
func (p *plan) setKey(key reflect.Value, name []byte) error {
	switch p.keyRead {
	case shapeInt:
		n, err := strconv.ParseInt(string(name), 10, p.keyBits)
		if err != nil {
			return fmt.Errorf("key of a map is no %s", p.typ.Key())
		}
		key.SetInt(n)
	case shapeUint:
		n, err := strconv.ParseUint(string(name), 10, p.keyBits)
		if err != nil {
			return fmt.Errorf("key of a map is no %s", p.typ.Key())
		}
		key.SetUint(n)
	case shapeText:
		return key.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(name)
	default:
		key.SetString(string(name))
	}
	return nil
}
