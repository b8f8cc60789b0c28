package protocol

import (
	"errors"
	"reflect"
)

var errEmbedded = errors.New("an embedded pointer to an unexported struct cannot be set")

// of returns the field's value in v; ok is false behind a nil pointer.
func (f *field) of(v reflect.Value) (_ reflect.Value, ok bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

// in returns the field's place in v and makes the embedded structs on the way.
func (f *field) in(v reflect.Value) (reflect.Value, error) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, errEmbedded
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, nil
}

// omits reports whether the value is left out.
func (f *field) omits(v reflect.Value) bool {
	return f.omitEmpty && isEmpty(v) || f.omitZero != nil && f.omitZero(v)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Bool, reflect.Interface, reflect.Pointer,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64:
		return v.IsZero()
	}
	return false
}

type isZeroer interface{ IsZero() bool }

var typeIsZeroer = reflect.TypeFor[isZeroer]()

// isZero returns what the option omitzero asks for values of type t: their
// method IsZero if they have one.
func isZero(t reflect.Type) func(reflect.Value) bool {
	ask := func(v reflect.Value) bool { return v.Interface().(isZeroer).IsZero() }
	switch {
	case t.Kind() == reflect.Interface && t.Implements(typeIsZeroer):
		return func(v reflect.Value) bool {
			return v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() || ask(v)
		}
	case t.Kind() == reflect.Pointer && t.Implements(typeIsZeroer):
		return func(v reflect.Value) bool { return v.IsNil() || ask(v) }
	case t.Implements(typeIsZeroer):
		return ask
	case reflect.PointerTo(t).Implements(typeIsZeroer):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				c := reflect.New(t)
				c.Elem().Set(v)
				v = c.Elem()
			}
			return ask(v.Addr())
		}
	}
	return reflect.Value.IsZero
}

// find returns the index of the field with the given name, -1 if there is
// none. hint is the field that is likely: senders keep the order. scratch is
// memory for the folded name.
func (p *plan) find(name []byte, hint int, scratch []byte) (int, []byte) {
	if hint < len(p.fields) && p.fields[hint].name == string(name) {
		return hint, scratch
	}
	if i, ok := p.exact[string(name)]; ok {
		return i, scratch
	}
	if p.folded == nil {
		return -1, scratch
	}
	scratch = appendFolded(scratch[:0], name)
	if i, ok := p.folded[string(scratch)]; ok {
		return i, scratch
	}
	return -1, scratch
}
