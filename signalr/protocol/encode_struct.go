package protocol

import (
	"fmt"
	"reflect"
)

// structure writes a struct as a map. How many of its fields are left out is
// known only at its end.
func (e *encoder) structure(p *plan, v reflect.Value) error {
	if p.err != nil {
		return p.err
	}
	if err := e.enter(); err != nil {
		return err
	}
	if p.asArray {
		return e.tuple(p, v)
	}
	at, n := len(e.dst), 0
	e.dst = append(e.dst, '{') // in MessagePack the place of the head
	for i := range p.fields {
		f := &p.fields[i]
		fv, ok := f.of(v)
		if !ok || f.omits(fv) {
			continue
		}
		e.comma(n)
		n++
		e.dst = append(e.dst, f.head...)
		if err := e.field(f, fv); err != nil {
			return fmt.Errorf("%s: %w", f.goName, err)
		}
	}
	if e.packed {
		var h [5]byte
		e.dst = insert(e.dst, at, appendMapHead(h[:0], n))
	}
	e.close('}')
	return nil
}

// tuple writes a struct as an array: the option as_array.
func (e *encoder) tuple(p *plan, v reflect.Value) error {
	e.openArray(len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		fv, ok := f.of(v)
		if !ok {
			e.null()
			continue
		}
		if err := e.field(f, fv); err != nil {
			return fmt.Errorf("%s: %w", f.goName, err)
		}
	}
	e.close(']')
	return nil
}

// field writes a field's value, as text if it has the option string.
func (e *encoder) field(f *field, v reflect.Value) error {
	if !f.quoted {
		return e.value(f.plan, v)
	}
	p := f.plan
	if p.plain == shapePointer {
		if v.IsNil() {
			e.null()
			return nil
		}
		p, v = p.elem, v.Elem()
	}
	if p.plain == shapeNumber {
		return e.number(v.String(), true)
	}
	if p.write != p.plain && v.CanAddr() || p.writeValue != p.plain {
		return e.value(p, v) // methods know nothing of the option
	}
	text := encoder{naming: e.naming}
	if err := text.value(p, v); err != nil {
		return err
	}
	e.string(string(text.dst))
	return nil
}
