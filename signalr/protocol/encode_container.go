package protocol

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

func (e *encoder) openArray(n int) {
	if e.packed {
		e.dst = appendArrayHead(e.dst, n)
	} else {
		e.dst = append(e.dst, '[')
	}
}

func (e *encoder) openMap(n int) {
	if e.packed {
		e.dst = appendMapHead(e.dst, n)
	} else {
		e.dst = append(e.dst, '{')
	}
}

func (e *encoder) close(c byte) {
	if !e.packed {
		e.dst = append(e.dst, c)
	}
	e.depth--
}

// comma separates the i-th element from those before it.
func (e *encoder) comma(i int) {
	if i > 0 && !e.packed {
		e.dst = append(e.dst, ',')
	}
}

func (e *encoder) colon() {
	if !e.packed {
		e.dst = append(e.dst, ':')
	}
}

func (e *encoder) list(p *plan, v reflect.Value) error {
	if err := e.enter(); err != nil {
		return err
	}
	n := v.Len()
	e.openArray(n)
	for i := range n {
		e.comma(i)
		if err := e.value(p.elem, v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	e.close(']')
	return nil
}

func (e *encoder) anys(list []any) error {
	if list == nil {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.openArray(len(list))
	for i, v := range list {
		e.comma(i)
		if err := e.any(v); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	e.close(']')
	return nil
}

func (e *encoder) object(m map[string]any) error {
	if m == nil {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.openMap(len(m))
	for i, k := range slices.Sorted(maps.Keys(m)) {
		e.comma(i)
		e.string(k)
		e.colon()
		if err := e.any(m[k]); err != nil {
			return fmt.Errorf("%q: %w", k, err)
		}
	}
	e.close('}')
	return nil
}

// pair is an entry of a map. name is its key as text, by which maps are sorted.
type pair struct {
	name       string
	key, value reflect.Value
}

func (e *encoder) mapping(p *plan, v reflect.Value) error {
	if p.keyWrite == shapeUnsupported {
		return fmt.Errorf("maps of type %s cannot be encoded", p.typ)
	}
	if v.IsNil() {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	pairs := make([]pair, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k := it.Key()
		name, err := p.keyName(k)
		if err != nil {
			return err
		}
		pairs = append(pairs, pair{name, k, it.Value()})
	}
	slices.SortFunc(pairs, func(x, y pair) int { return strings.Compare(x.name, y.name) })
	e.openMap(len(pairs))
	for i, x := range pairs {
		e.comma(i)
		switch {
		case e.packed && p.keyWrite == shapeInt:
			e.int(x.key.Int())
		case e.packed && p.keyWrite == shapeUint:
			e.uint(x.key.Uint())
		default:
			e.string(x.name)
		}
		e.colon()
		if err := e.value(p.elem, x.value); err != nil {
			return fmt.Errorf("%q: %w", x.name, err)
		}
	}
	e.close('}')
	return nil
}

// keyName returns a map's key as text.
func (p *plan) keyName(k reflect.Value) (string, error) {
	switch p.keyWrite {
	case shapeInt:
		return strconv.FormatInt(k.Int(), 10), nil
	case shapeUint:
		return strconv.FormatUint(k.Uint(), 10), nil
	case shapeText:
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", nil
		}
		m, ok := reflect.TypeAssert[encoding.TextMarshaler](k)
		if !ok {
			return "", errKey
		}
		b, err := m.MarshalText()
		return string(b), err
	}
	return k.String(), nil
}
