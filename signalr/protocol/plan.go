package protocol

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// shape is the way a type's values are written or read.
type shape uint8

const (
	shapeUnsupported shape = iota // channels, functions, complex numbers
	shapeBool
	shapeInt
	shapeUint
	shapeFloat
	shapeString
	shapeBytes     // base64 text in JSON, bin in MessagePack
	shapeByteArray // an array in JSON, bin in MessagePack
	shapeTime
	shapeNumber // json.Number
	shapeRaw    // json.RawMessage
	shapeList
	shapeArray
	shapeMap
	shapeStruct
	shapePointer
	shapeInterface
	// From here on by methods of the type.
	shapeJSON   // json.Marshaler, json.Unmarshaler
	shapeText   // encoding.TextMarshaler, encoding.TextUnmarshaler
	shapePack   // msgpack.Marshaler, msgpack.Unmarshaler
	shapeStream // msgpack.CustomEncoder, msgpack.CustomDecoder
)

// plan is how values of one type are written and read in one encoding under
// one naming. It is built once and immutable afterwards.
type plan struct {
	typ reflect.Type
	// plain is the shape that the type's kind gives. write, for values without
	// an address writeValue, and read are that or a shape by methods.
	plain, write, writeValue, read shape
	bits                           int // of numbers
	elem                           *plan
	// Of maps: how keys are written and read.
	key, keyWrite, keyRead shape
	keyBits                int
	// Of structs.
	fields []field
	// exact and folded find fields by name; folded is for JSON only.
	exact, folded map[string]int
	// asArray is msgpack's option as_array.
	asArray bool
	// err tells why the type has no plan.
	err error
}

// plans caches by encoding and naming. Programs have finitely many types, so
// nothing that a peer sends makes it grow.
var plans [2][2]sync.Map // reflect.Type to *plan

func planFor(t reflect.Type, packed bool, n Naming) (*plan, error) {
	if n > NamesCamelCase {
		return nil, fmt.Errorf("unknown naming %d", n)
	}
	cache := &plans[0][n]
	if packed {
		cache = &plans[1][n]
	}
	if p, ok := cache.Load(t); ok {
		return p.(*plan), nil
	}
	b := builder{packed: packed, naming: n, cache: cache, made: make(map[reflect.Type]*plan)}
	p := b.plan(t)
	// Published only now, since until now they may have pointed to unfinished
	// ones. Whoever built the same meanwhile has an equal plan.
	for t, p := range b.made {
		cache.LoadOrStore(t, p)
	}
	return p, nil
}

// builder builds the plans of a type and of those that it contains, which may
// contain it in turn.
type builder struct {
	packed bool
	naming Naming
	cache  *sync.Map
	made   map[reflect.Type]*plan
}

var (
	typeTime       = reflect.TypeFor[time.Time]()
	typeNumber     = reflect.TypeFor[json.Number]()
	typeRaw        = reflect.TypeFor[json.RawMessage]()
	typeMarshals   = reflect.TypeFor[json.Marshaler]()
	typeUnmarshals = reflect.TypeFor[json.Unmarshaler]()
	typeToText     = reflect.TypeFor[encoding.TextMarshaler]()
	typeFromText   = reflect.TypeFor[encoding.TextUnmarshaler]()
	typePacks      = reflect.TypeFor[msgpack.Marshaler]()
	typeUnpacks    = reflect.TypeFor[msgpack.Unmarshaler]()
	typeEncodes    = reflect.TypeFor[msgpack.CustomEncoder]()
	typeDecodes    = reflect.TypeFor[msgpack.CustomDecoder]()
)

func (b *builder) plan(t reflect.Type) *plan {
	if p, ok := b.cache.Load(t); ok {
		return p.(*plan)
	}
	if p, ok := b.made[t]; ok {
		return p
	}
	p := &plan{typ: t}
	b.made[t] = p
	b.fill(p, t)
	p.write, p.writeValue, p.read = p.plain, p.plain, p.plain
	switch p.plain {
	case shapeTime, shapeNumber, shapeRaw, shapePointer, shapeInterface:
		return p // pointers and interfaces lead to what has the methods
	}
	at := reflect.PointerTo(t)
	p.write = b.byMethods(at, p.plain, typeEncodes, typePacks, typeMarshals, typeToText)
	p.writeValue = b.byMethods(t, p.plain, typeEncodes, typePacks, typeMarshals, typeToText)
	p.read = b.byMethods(at, p.plain, typeDecodes, typeUnpacks, typeUnmarshals, typeFromText)
	return p
}

// byMethods returns the shape that the methods of t give, else plain.
func (b *builder) byMethods(t reflect.Type, plain shape, stream, pack, js, text reflect.Type) shape {
	switch {
	case b.packed && t.Implements(stream):
		return shapeStream
	case b.packed && t.Implements(pack):
		return shapePack
	case t.Implements(js):
		return shapeJSON
	case t.Implements(text):
		return shapeText
	}
	return plain
}

// fill sets what follows from the type's kind.
func (b *builder) fill(p *plan, t reflect.Type) {
	switch t {
	case typeTime:
		p.plain = shapeTime
		return
	case typeNumber:
		p.plain = shapeNumber
		return
	case typeRaw:
		p.plain = shapeRaw
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		p.plain = shapeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.plain, p.bits = shapeInt, t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.plain, p.bits = shapeUint, t.Bits()
	case reflect.Float32, reflect.Float64:
		p.plain, p.bits = shapeFloat, t.Bits()
	case reflect.String:
		p.plain = shapeString
	case reflect.Pointer:
		p.plain, p.elem = shapePointer, b.plan(t.Elem())
	case reflect.Interface:
		p.plain = shapeInterface
	case reflect.Slice:
		p.plain, p.elem = shapeList, b.plan(t.Elem())
		if isByte(t.Elem()) {
			p.plain = shapeBytes
		}
	case reflect.Array:
		p.plain, p.elem = shapeArray, b.plan(t.Elem())
		if b.packed && isByte(t.Elem()) {
			p.plain = shapeByteArray
		}
	case reflect.Map:
		p.plain, p.elem = shapeMap, b.plan(t.Elem())
		p.keys(t.Key())
	case reflect.Struct:
		p.plain = shapeStruct
		b.structure(p, t)
	}
}

// isByte reports whether lists of t are bytes: encoding/json's rule.
func isByte(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.Uint8 && !p.Implements(typeMarshals) && !p.Implements(typeToText)
}

// keys sets how the keys of a map are written and read, with the preferences
// of encoding/json.
func (p *plan) keys(t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		p.key = shapeString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.key, p.keyBits = shapeInt, t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.key, p.keyBits = shapeUint, t.Bits()
	}
	p.keyWrite, p.keyRead = p.key, p.key
	if p.key != shapeString && t.Implements(typeToText) {
		p.keyWrite = shapeText
	}
	if reflect.PointerTo(t).Implements(typeFromText) {
		p.keyRead = shapeText
	}
}
