package protocol

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

type Inner struct {
	URLValue string
	Tagged   int `json:"tagged"`
}

type Base struct{ Base int }

type outer struct {
	Base
	*Inner
	ID      int
	Next    *outer         `json:",omitempty"`
	Hidden  string         `json:"-"`
	Map     map[string]int `json:",omitempty"`
	Big     int64          `json:",string,omitempty"`
	When    time.Time      `json:",omitzero"`
	private int            //nolint:unused // must not show
}

type packedTags struct {
	A int `json:"a" msgpack:"b"`
	C int `msgpack:"-"`
	D int `msgpack:",omitempty" json:"x"`
	E int `msgpack:"e,alias:eee"`
}

type pairOf struct {
	_msgpack struct{} `msgpack:",as_array"` //nolint:unused // an option
	X        int
	Y        string
}

var someUUID = uuid.MustParse("01020304-0506-0708-090a-0b0c0d0e0f10")

// golden are values in both encodings; packed2 is the form under camelCase if
// it is another one, likewise json2 (reference, section 4.5).
var golden = []struct {
	name          string
	v             any
	json, json2   string
	packed, camel string
}{
	{name: "nil", v: nil, json: `null`, packed: "c0"},
	{name: "bool", v: true, json: `true`, packed: "c3"},
	{name: "int", v: 5, json: `5`, packed: "05"},
	{name: "int8", v: int8(-33), json: `-33`, packed: "d0df"},
	{name: "int16", v: int16(-129), json: `-129`, packed: "d1ff7f"},
	{name: "int32", v: int32(math.MinInt32), json: `-2147483648`, packed: "d280000000"},
	{name: "int64", v: int64(math.MinInt64), json: `-9223372036854775808`, packed: "d38000000000000000"},
	{name: "uint8", v: uint8(200), json: `200`, packed: "ccc8"},
	{name: "uint16", v: uint16(300), json: `300`, packed: "cd012c"},
	{name: "uint32", v: uint32(70000), json: `70000`, packed: "ce00011170"},
	{name: "uint64", v: uint64(math.MaxUint64), json: `18446744073709551615`, packed: "cfffffffffffffffff"},
	{name: "uintptr", v: uintptr(1), json: `1`, packed: "01"},
	{name: "float32", v: float32(1.5), json: `1.5`, packed: "ca3fc00000"},
	{name: "float64", v: 1e21, json: `1e+21`, packed: "cb444b1ae4d6e2ef50"},
	{name: "small", v: 1e-9, json: `1e-9`, packed: "cb3e112e0be826d695"},
	{name: "string", v: "<ü>\b\u2028", json: `"<ü>\b\u2028"`, packed: "a8 3c c3bc 3e 08 e280a8"},
	{name: "bytes", v: []byte{1, 2, 255}, json: `"AQL/"`, packed: "c403 0102ff"},
	{name: "no bytes", v: []byte(nil), json: `null`, packed: "c0"},
	{name: "byte array", v: [3]byte{1, 2, 255}, json: `[1,2,255]`, packed: "c403 0102ff"},
	{name: "uuid", v: someUUID, json: `"01020304-0506-0708-090a-0b0c0d0e0f10"`, packed: "d924 30313032303330342d303530362d303730382d303930612d306230633064306530663130"},
	{name: "duration", v: time.Second, json: `1000000000`, packed: "ce3b9aca00"},
	{name: "time", v: time.Unix(1, 0).UTC(), json: `"1970-01-01T00:00:01Z"`, packed: "d6ff00000001"},
	{name: "pointer", v: new(7), json: `7`, packed: "07"},
	{name: "nil pointer", v: (*int)(nil), json: `null`, packed: "c0"},
	{name: "slice", v: []string{"a", "b"}, json: `["a","b"]`, packed: "92 a161 a162"},
	{name: "nil slice", v: []string(nil), json: `null`, packed: "c0"},
	{name: "array", v: [2]int{1, 2}, json: `[1,2]`, packed: "920102"},
	{name: "map", v: map[string]int{"b": 2, "A": 1}, json: `{"A":1,"b":2}`, packed: "82 a141 01 a162 02"},
	{name: "map of integers", v: map[int]bool{-1: true, 300: false}, json: `{"-1":true,"300":false}`, packed: "82 ff c3 cd012c c2"},
	{name: "map of uuids", v: map[uuid.UUID]int{someUUID: 1}, json: `{"01020304-0506-0708-090a-0b0c0d0e0f10":1}`, packed: "81 d924 30313032303330342d303530362d303730382d303930612d306230633064306530663130 01"},
	{name: "any", v: map[string]any{"X": []any{nil, 1.5, "s"}}, json: `{"X":[null,1.5,"s"]}`, packed: "81 a158 93 c0 cb3ff8000000000000 a173"},
	{name: "raw", v: json.RawMessage(` {"a" : [1, "x y"]}`), json: `{"a":[1,"x y"]}`, packed: "81 a161 92 01 a3782079"},
	{name: "number", v: json.Number("12"), json: `12`, packed: "0c"},
	{
		name: "struct", v: outer{Inner: &Inner{URLValue: "u", Tagged: 1}, ID: 2, Big: 3},
		json: `{"Base":0,"URLValue":"u","tagged":1,"ID":2,"Big":"3"}`, json2: `{"base":0,"urlValue":"u","tagged":1,"id":2,"big":"3"}`,
		packed: "85 a442617365 00 a855524c56616c7565 a175 a6746167676564 01 a24944 02 a3426967 a133",
		camel:  "85 a462617365 00 a875726c56616c7565 a175 a6746167676564 01 a26964 02 a3626967 a133",
	},
	{
		name: "nested", v: outer{Next: &outer{ID: 1}, Map: map[string]int{"Key": 1}},
		json: `{"Base":0,"ID":0,"Next":{"Base":0,"ID":1},"Map":{"Key":1}}`, json2: `{"base":0,"id":0,"next":{"base":0,"id":1},"map":{"Key":1}}`,
		packed: "84 a442617365 00 a24944 00 a44e657874 82 a442617365 00 a24944 01 a34d6170 81 a34b6579 01",
		camel:  "84 a462617365 00 a26964 00 a46e657874 82 a462617365 00 a26964 01 a36d6170 81 a34b6579 01",
	},
	{
		name: "msgpack tags", v: packedTags{A: 1, C: 0, E: 3}, json: `{"a":1,"C":0,"x":0,"E":3}`, json2: `{"a":1,"c":0,"x":0,"e":3}`,
		packed: "82 a162 01 a165 03",
	},
	{name: "as array", v: pairOf{X: 1, Y: "y"}, json: `{"X":1,"Y":"y"}`, json2: `{"x":1,"y":"y"}`, packed: "92 01 a179"},
}

func TestGoldenValues(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			for n, want := range map[Naming]string{NamesExact: g.json, NamesCamelCase: g.json2} {
				if want == "" {
					want = g.json
				}
				check(t, JSON, g.v, n, want)
			}
			for n, want := range map[Naming]string{NamesExact: g.packed, NamesCamelCase: g.camel} {
				if want == "" {
					want = g.packed
				}
				check(t, MessagePack, g.v, n, string(unhex(t, want)))
			}
		})
	}
}

// check encodes v, compares and reads back into the same type.
func check(t *testing.T, c Codec, v any, n Naming, want string) {
	t.Helper()
	raw, err := c.Marshal(v, n)
	if err != nil || string(raw) != want {
		t.Errorf("%s, naming %d: %q (%x), %v; want %q", c.Name(), n, raw, raw, err, want)
		return
	}
	if v == nil {
		return
	}
	got, wrote := readLike(t, c, v, raw, n), v
	if r, ok := v.(json.RawMessage); ok {
		wrote = json.RawMessage(appendCompact(nil, r))
	}
	if diff := cmp.Diff(wrote, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("%s, naming %d (-want +got):\n%s", c.Name(), n, diff)
	}
}
