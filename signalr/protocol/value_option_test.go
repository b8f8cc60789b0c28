package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type (
	byValue    struct{ N int }
	byAddress  struct{ N int }
	zeroer     interface{ IsZero() bool }
	zeroFields struct {
		V byValue    `json:",omitzero"`
		A byAddress  `json:",omitzero"`
		P *byAddress `json:",omitzero"`
		I zeroer     `json:",omitzero"`
		N int        `json:",omitzero"`
	}
)

func (v byValue) IsZero() bool    { return v.N == 7 }
func (v *byAddress) IsZero() bool { return v.N == 8 }

// The option omitzero asks the value, as in encoding/json.
func TestOmitZeroAsksTheValue(t *testing.T) {
	for _, v := range []zeroFields{
		{},
		{V: byValue{7}, A: byAddress{8}, P: &byAddress{8}, I: byValue{7}},
		{V: byValue{1}, A: byAddress{1}, P: &byAddress{1}, I: byValue{1}, N: 1},
		{I: (*byAddress)(nil)},
		{I: &byAddress{8}},
	} {
		for _, v := range []any{v, &v} {
			got, err := JSON.Marshal(v, NamesExact)
			if diff := cmp.Diff(encodingJSON(t, v), string(got)); err != nil || diff != "" {
				t.Errorf("%v (-encoding/json +ours):\n%s", err, diff)
			}
			packed, err := MessagePack.Marshal(v, NamesExact)
			if want, _ := MessagePack.AppendJSON(nil, got); err != nil || string(packed) != string(want) {
				t.Errorf("%x, %v; want %x", packed, err, want)
			}
		}
	}
}

type (
	allEmpty struct {
		_msgpack struct{} `msgpack:",omitempty"` //nolint:unused // an option
		A, B     int
	}
	tupleOf struct {
		_msgpack struct{} `msgpack:",as_array"` //nolint:unused // an option
		*Left
		N    int8
		List []int8
	}
	apart struct {
		Left `msgpack:",noinline"`
		N    json.Number `json:",string"`
	}
)

func TestMessagePackOptions(t *testing.T) {
	check(t, MessagePack, allEmpty{B: 1}, NamesCamelCase, "\x81\xa1b\x01")
	check(t, MessagePack, tupleOf{Left: &Left{1, 2}, N: 3, List: []int8{4}}, NamesExact, "\x94\x01\x02\x03\x91\x04")
	check(t, MessagePack, apart{Left{1, 2}, "5"}, NamesExact, "\x82\xa4Left\x82\xa4Both\x01\xa8OnlyLeft\x02\xa1N\x05")
	check(t, JSON, apart{Left{1, 2}, "5"}, NamesExact, `{"Both":1,"OnlyLeft":2,"N":"5"}`)
	if raw, err := MessagePack.Marshal(tupleOf{N: 1}, NamesExact); err != nil || string(raw) != "\x94\xc0\xc0\x01\xc0" {
		t.Errorf("%x, %v", raw, err)
	}
	for _, in := range []string{"9401 02 ccff 90", "94 01 02 03 91 cd0100", "92 a0"} {
		if err := MessagePack.Unmarshal(unhex(t, in), new(tupleOf), NamesExact); err == nil {
			t.Errorf("%s fitted", in)
		}
	}
	if _, err := MessagePack.Marshal([]any{pairOfAny{A: func() {}}}, NamesExact); err == nil {
		t.Error("encoded a function")
	}
}

type pairOfAny struct {
	_msgpack struct{} `msgpack:",as_array"` //nolint:unused // an option
	A        any
}

// Every form of a length, in both directions.
func TestLengthsOfValues(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		m := make(map[int]bool, n)
		for i := range n {
			m[i] = true
		}
		for _, v := range []any{bytes.Repeat([]byte{1}, n), strings.Repeat("s", n), make([]bool, n), m} {
			for _, c := range []Codec{JSON, MessagePack} {
				raw, err := c.Marshal(v, NamesExact)
				if err != nil {
					t.Fatal(err)
				}
				got := readLike(t, c, v, raw, NamesExact)
				if again, err := c.Marshal(got, NamesExact); err != nil || !bytes.Equal(raw, again) {
					t.Errorf("%s: %d elements of %T changed", c.Name(), n, v)
				}
			}
		}
	}
}

// Null is the zero value, except for types that want to see it.
func TestNullForMethods(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		null, _ := c.AppendJSON(nil, []byte("null"))
		l, n, r, e := level3(3), json.Number("5"), json.RawMessage("5"), celsius{5}
		for _, v := range []any{&l, &n, &r, &e} {
			if err := c.Unmarshal(null, v, NamesExact); err != nil {
				t.Errorf("%s: %T: %v", c.Name(), v, err)
			}
		}
		if l != 0 || n != "" || string(r) != "null" || e.Degrees != 0 {
			t.Errorf("%s: %v, %q, %q, %v", c.Name(), l, n, r, e)
		}
		for _, in := range []string{`5`, `[]`} {
			raw, _ := c.AppendJSON(nil, []byte(in))
			if err := c.Unmarshal(raw, new(level3), NamesExact); err == nil {
				t.Errorf("%s: %s became a text", c.Name(), in)
			}
		}
	}
}

// An error says where, but not what: that may be secret.
func TestErrorsNameThePlace(t *testing.T) {
	type list struct{ Items []struct{ Count int8 } }
	for _, c := range []Codec{JSON, MessagePack} {
		raw, _ := c.AppendJSON(nil, []byte(`{"Items":[{"Count":1},{"Count":"secret"}]}`))
		err := c.Unmarshal(raw, new(list), NamesExact)
		if err == nil || !strings.HasSuffix(err.Error(), "Items: [1]: Count: a string where a number is wanted") {
			t.Errorf("%s: %v", c.Name(), err)
		}
	}
}
