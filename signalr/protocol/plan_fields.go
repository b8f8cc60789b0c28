package protocol

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// field is one property of a struct, possibly of one embedded in it.
type field struct {
	name   string // as written
	goName string
	alias  string // a further name that is read, msgpack's option alias
	head   []byte // the name in the encoding, with what stands between it and the value
	index  []int
	plan   *plan
	typ    reflect.Type
	// tagged: the name comes from a tag. It wins over others of its depth.
	tagged bool
	// quoted is the option string: numbers and booleans as text.
	quoted    bool
	omitEmpty bool
	omitZero  func(reflect.Value) bool
}

// structure sets the fields of a struct. What is promoted from embedded
// structs, and what wins where names are equal, is decided as in encoding/json.
func (b *builder) structure(p *plan, t reflect.Type) {
	found := b.collect(p, t)
	slices.SortStableFunc(found, func(x, y field) int {
		return cmp.Or(strings.Compare(x.name, y.name), cmp.Compare(len(x.index), len(y.index)),
			cmp.Compare(toInt(y.tagged), toInt(x.tagged)), slices.Compare(x.index, y.index))
	})
	for i := 0; i < len(found); {
		n := i + 1
		for n < len(found) && found[n].name == found[i].name {
			n++
		}
		if f, ok := b.dominant(p, found[i:n]); ok {
			p.fields = append(p.fields, f)
		}
		i = n
	}
	slices.SortFunc(p.fields, func(x, y field) int { return slices.Compare(x.index, y.index) })
	for i := range p.fields {
		f := &p.fields[i]
		f.plan = b.plan(f.typ)
		if b.packed {
			f.head = appendPackedString(nil, f.name)
		} else {
			f.head = append(appendText(nil, f.name), ':')
		}
	}
	b.lookups(p)
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dominant picks among fields of one name, best first. Two equally good ones
// hide each other, as in Go itself; but two that only the naming makes equal
// are a mistake that nobody would find.
func (b *builder) dominant(p *plan, list []field) (field, bool) {
	if len(list) == 1 {
		return list[0], true
	}
	x, y := &list[0], &list[1]
	if len(x.index) == len(y.index) && x.goName != y.goName && b.naming != NamesExact &&
		(!x.tagged || !y.tagged) {
		p.err = fmt.Errorf("fields %s and %s of %s have the same name %q", x.goName, y.goName, p.typ, x.name)
	}
	if len(x.index) == len(y.index) && x.tagged == y.tagged {
		return field{}, false
	}
	return *x, true
}

// lookups builds the tables for reading. JSON ignores case like .NET;
// MessagePack, whose .NET form does not, takes the names that a field has.
func (b *builder) lookups(p *plan) {
	p.exact = make(map[string]int, len(p.fields))
	for i := range p.fields {
		p.exact[p.fields[i].name] = i
	}
	also := func(table map[string]int, name string, i int) {
		if _, taken := table[name]; !taken && name != "" {
			table[name] = i
		}
	}
	if !b.packed {
		p.folded = make(map[string]int, len(p.fields))
		for i := range p.fields {
			also(p.folded, string(appendFolded(nil, []byte(p.fields[i].name))), i)
		}
		return
	}
	for i := range p.fields {
		f := &p.fields[i]
		also(p.exact, f.alias, i)
		if !f.tagged {
			also(p.exact, f.goName, i)
		}
	}
}

// level is an embedded struct to be looked into.
type level struct {
	typ   reflect.Type
	index []int
}

// collect finds all fields of t and of the structs embedded in it, breadth
// first. A type that is embedded several times at one depth gives its fields
// twice, so that they hide each other.
func (b *builder) collect(p *plan, t reflect.Type) (found []field) {
	next := []level{{typ: t}}
	seen := make(map[reflect.Type]bool)
	var count, nextCount map[reflect.Type]int
	for len(next) > 0 {
		current := next
		next, count, nextCount = nil, nextCount, make(map[reflect.Type]int)
		for _, l := range current {
			if seen[l.typ] {
				continue
			}
			seen[l.typ] = true
			allEmpty := b.options(p, l)
			for i := range l.typ.NumField() {
				f, embedded, ok := b.field(l, i)
				if !ok {
					continue
				}
				f.omitEmpty = f.omitEmpty || allEmpty
				if embedded == nil {
					found = append(found, f)
					if count[l.typ] > 1 {
						found = append(found, f)
					}
					continue
				}
				if nextCount[embedded]++; nextCount[embedded] == 1 {
					next = append(next, level{typ: embedded, index: f.index})
				}
			}
		}
	}
	return found
}

// options reads the tag of msgpack's field _msgpack, which is about the struct.
func (b *builder) options(p *plan, l level) (omitEmpty bool) {
	sf, ok := l.typ.FieldByName("_msgpack")
	if !b.packed || !ok || len(sf.Index) > 1 {
		return false
	}
	opts := strings.Split(sf.Tag.Get("msgpack"), ",")[1:]
	if len(l.index) == 0 {
		p.asArray = slices.Contains(opts, "as_array") || slices.Contains(opts, "asArray")
	}
	return slices.Contains(opts, "omitempty")
}

// field reads the i-th field of l. embedded is the struct to look into instead.
func (b *builder) field(l level, i int) (f field, embedded reflect.Type, ok bool) {
	sf := l.typ.Field(i)
	under := sf.Type
	if under.Kind() == reflect.Pointer && (sf.Anonymous || under.Name() == "") {
		under = under.Elem()
	}
	if !sf.IsExported() && (!sf.Anonymous || under.Kind() != reflect.Struct || under == typeTime) {
		return f, nil, false
	}
	tag := ""
	if b.packed {
		tag = sf.Tag.Get("msgpack")
	}
	own := tag != ""
	if !own {
		tag = sf.Tag.Get("json")
	}
	if tag == "-" {
		return f, nil, false
	}
	name, rest, _ := strings.Cut(tag, ",")
	if !own && !validName(name) {
		name = ""
	}
	opts := strings.Split(rest, ",")
	f = field{
		name: name, goName: sf.Name, typ: sf.Type, tagged: name != "",
		index: append(slices.Clip(l.index), i), omitEmpty: slices.Contains(opts, "omitempty"),
	}
	if sf.Anonymous && under.Kind() == reflect.Struct && name == "" && !slices.Contains(opts, "noinline") {
		return f, under, true
	}
	if name == "" {
		f.name = b.naming.of(sf.Name)
	}
	if slices.Contains(opts, "omitzero") {
		f.omitZero = isZero(sf.Type)
	}
	for _, o := range opts {
		if alias, ok := strings.CutPrefix(o, "alias:"); ok && own {
			f.alias = alias
		}
	}
	f.quoted = slices.Contains(opts, "string") && (isNumeric(under.Kind()) || under.Kind() == reflect.String && !b.packed)
	return f, nil, true
}

func isNumeric(k reflect.Kind) bool { return k >= reflect.Bool && k <= reflect.Float64 }

// validName is encoding/json's rule for names in tags.
func validName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
