package protocol

import (
	"fmt"
	"reflect"
)

func (d *decoder) structure(p *plan, v reflect.Value) error {
	if p.err != nil {
		return p.err
	}
	k := d.peek()
	if k == tokenArray && p.asArray {
		return d.tuple(p, v)
	}
	if k != tokenMap {
		return d.mismatch("a map")
	}
	it := d.open()
	for hint := 0; d.next(&it, '}'); {
		name, err := d.name()
		if err != nil {
			return err
		}
		var i int
		if i, d.folded = p.find(name, hint, d.folded); i < 0 {
			d.skip()
			continue
		}
		hint = i + 1
		if err := d.field(&p.fields[i], v); err != nil {
			return err
		}
	}
	return nil
}

// tuple reads a struct that is written as an array: the option as_array.
func (d *decoder) tuple(p *plan, v reflect.Value) error {
	it := d.open()
	for i := 0; d.next(&it, ']'); i++ {
		if i >= len(p.fields) {
			d.skip()
			continue
		}
		if err := d.field(&p.fields[i], v); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) field(f *field, v reflect.Value) error {
	fv, err := f.in(v)
	if err == nil {
		if f.quoted && d.peek() == tokenString {
			err = d.unquoted(f, fv)
		} else {
			err = d.value(f.plan, fv)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.goName, err)
	}
	return nil
}

// unquoted reads a field with the option string, whose value is a text in JSON.
func (d *decoder) unquoted(f *field, v reflect.Value) error {
	p := f.plan
	for p.plain == shapePointer {
		p = p.elem
	}
	if p.read != p.plain || p.plain == shapeNumber {
		return d.value(f.plan, v) // methods know nothing of the option
	}
	s, err := d.text()
	if err != nil {
		return err
	}
	inner := decoder{src: s, naming: d.naming, frames: d.frames}
	if err := inner.start(); err != nil {
		return err
	}
	return inner.value(f.plan, v)
}
