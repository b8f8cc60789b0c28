package protocol

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
)

func TestTranscode(t *testing.T) {
	tests := []struct{ in, want string }{
		{"null", "c0"},
		{" true\n", "c3"},
		{"false", "c2"},
		{"0", "00"},
		{"-0", "00"},
		{"127", "7f"},
		{"128", "cc80"},
		{"255", "ccff"},
		{"256", "cd0100"},
		{"65535", "cdffff"},
		{"65536", "ce00010000"},
		{"4294967295", "ceffffffff"},
		{"4294967296", "cf0000000100000000"},
		{"18446744073709551615", "cfffffffffffffffff"},
		{"18446744073709551616", "cb43f0000000000000"},
		{"-1", "ff"},
		{"-32", "e0"},
		{"-33", "d0df"},
		{"-128", "d080"},
		{"-129", "d1ff7f"},
		{"-32768", "d18000"},
		{"-32769", "d2ffff7fff"},
		{"-2147483648", "d280000000"},
		{"-2147483649", "d3ffffffff7fffffff"},
		{"-9223372036854775808", "d38000000000000000"},
		{"-9223372036854775809", "cbc3e0000000000000"},
		{"1.5", "cb3ff8000000000000"},
		{"1.0", "cb3ff0000000000000"},
		{"1E2", "cb4059000000000000"},
		{"1e999", "cb7ff0000000000000"},
		{`""`, "a0"},
		{`"a\u0000\"\\\/\b\f\n\r\tü\u00fc\ud83d\ude00"`, "b2 61 00 22 5c 2f 08 0c 0a 0d 09 c3bc c3bc f09f9880"},
		{`"\ud83dx\ude00"`, "a7 efbfbd 78 efbfbd"},
		{`"\ud83d\u0041"`, "a4 efbfbd 41"},
		{"\"\xff\"", "a3 efbfbd"},
		{`[]`, "90"},
		{`{}`, "80"},
		{`[1,[2,{"b":null,"a":[ ]}]]`, "92 01 92 02 82 a162 c0 a161 90"},
		{`{"a":1,"a":2}`, "82 a161 01 a161 02"},
	}
	for _, tt := range tests {
		got, err := MessagePack.AppendJSON([]byte("x"), []byte(tt.in))
		if want := append([]byte("x"), unhex(t, tt.want)...); err != nil || string(got) != string(want) {
			t.Errorf("%s: %x, %v; want %x", tt.in, got, err, want)
		}
	}
}

// Lengths around every change of a head's form, checked by the library.
func TestTranscodeLengths(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 65535, 65536} {
		var list []any
		object := make(map[string]any)
		for i := range n {
			list = append(list, int8(i%100))
			object[strings.Repeat("k", i%3)+string(rune('a'+i%26))+hex.EncodeToString([]byte{byte(i >> 8), byte(i)})] = true
		}
		for _, v := range []any{list, object, strings.Repeat("s", n), strings.Repeat("\n", n)} {
			in, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := MessagePack.AppendJSON(nil, in)
			if err != nil {
				t.Fatal(err)
			}
			var got any
			if err := msgpack.Unmarshal(packed, &got); err != nil {
				t.Fatal(err)
			}
			if list, ok := v.([]any); ok && list == nil {
				v = nil
			}
			if !reflect.DeepEqual(v, got) { // cmp takes a second for a list of this length
				t.Errorf("%d elements of %T: got another value", n, v)
			}
		}
	}
}

func TestTranscodeRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "nul", "[", "[1", "[1,", "[1,]", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{1:2}`, `"`, `"a`, "1 2", "[]]", "01", "+1",
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
		strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1),
		strings.Repeat("[", 1<<20),
	} {
		if got, err := MessagePack.AppendJSON([]byte("x"), []byte(in)); !errors.Is(err, ErrJSON) || string(got) != "x" {
			t.Errorf("%.40q: %q, %v", in, got, err)
		}
	}
	deepest := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	if _, err := MessagePack.AppendJSON(nil, []byte(deepest)); err != nil {
		t.Errorf("depth %d: %v", MaxDepth, err)
	}
}

func TestTimestamps(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"Date":"2023-11-14T22:13:20.123Z"}`, "81 a444617465 d7ff1d5353006553f100"},
		{`{"Date":"2023-11-14T22:13:20Z"}`, "81 a444617465 d7ff000000006553f100"},
		{`{"Date":"2023-11-15T00:13:20+02:00"}`, "81 a444617465 d7ff000000006553f100"},
		{`{"ReadDate":"1970-01-01T00:00:00Z"}`, "81 a85265616444617465 d7ff0000000000000000"},
		{`{"ReadDate":"1969-12-31T23:59:59Z"}`, "81 a85265616444617465 c70cff00000000ffffffffffffffff"},
		{`{"Date":"tomorrow"}`, "81 a444617465 a8746f6d6f72726f77"},
		{`{"Date":5,"Other":"2023-11-14T22:13:20Z"}`, "82 a444617465 05 a54f74686572 b4323032332d31312d31345432323a31333a32305a"},
		{`{"Date":["2023-11-14T22:13:20Z"]}`, "81 a444617465 91 b4323032332d31312d31345432323a31333a32305a"},
	}
	for _, tt := range tests {
		got, err := appendTranscoded(nil, []byte(tt.in), true)
		if want := unhex(t, tt.want); err != nil || string(got) != string(want) {
			t.Errorf("%s: %x, %v; want %x", tt.in, got, err, want)
		}
	}
}

type sample struct {
	Name  string   `json:"name"`
	Value int      `json:"Value,omitempty"`
	List  []string `json:"list"`
}

func TestValues(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		want := sample{Name: "<ü>", List: []string{"a"}}
		raw, err := c.Marshal(want, NamesExact)
		if err != nil {
			t.Fatal(err)
		}
		var got sample
		if err := c.Unmarshal(raw, &got, NamesExact); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name(), diff)
		}
		same, err := c.Marshal(json.RawMessage(`{"name":"<ü>","list":["a"]}`), NamesExact)
		if err != nil || string(same) != string(raw) {
			t.Errorf("%s: %q from JSON, %q from a struct, %v", c.Name(), same, raw, err)
		}
		if _, err := c.Marshal(func() {}, NamesExact); err == nil {
			t.Errorf("%s: encoded a function", c.Name())
		}
	}
}

func TestUnpackedNumbersMustFit(t *testing.T) {
	unmarshal := func(in string, v any) error { return MessagePack.Unmarshal(unhex(t, in), v, NamesExact) }
	var (
		i8 int8
		i  int
		u8 uint8
		u  uint64
		f  float64
		s  string
	)
	for _, tt := range []struct {
		in   string
		v    any
		fits bool
	}{
		{"cc80", &i8, false},
		{"d080", &i8, true},
		{"cfffffffffffffffff", &i, false},
		{"cb3ff0000000000000", &i, true},
		{"cb3ff8000000000000", &i, false},
		{"cb7ff8000000000000", &i, false},
		{"cb43e0000000000000", &i, false},
		{"ca40000000", &i8, true},
		{"ff", &u8, false},
		{"cd0100", &u8, false},
		{"cfffffffffffffffff", &u, true},
		{"cb43f0000000000000", &u, false},
		{"05", &f, true},
		{"cfffffffffffffffff", &f, true},
		{"cb7ff0000000000000", &f, true},
		{"a135", &i, false},
		{"c0", &u8, true},
		{"05", &s, false},
		{"0505", &i, false},
		{"", &i, false},
		{"c1", &i, false},
	} {
		if err := unmarshal(tt.in, tt.v); (err == nil) != tt.fits {
			t.Errorf("%s into %T: %v", tt.in, tt.v, err)
		}
	}
	if u != math.MaxUint64 || i8 != 2 || i != 1 {
		t.Errorf("u = %d, i8 = %d, i = %d", u, i8, i)
	}
}
