package protocol

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type named struct {
	URLValue string
	Plain    int
	Tagged   *int `json:"tag"`
}

type small struct {
	I8  int8
	U8  []uint8
	U   []uint
	M   map[int8]int16
	F   float32
	A   [2]int8
	P   *uint16
	Str int8 `json:",string"`
}

// The value of the target after reading; in is JSON text, or MessagePack in
// hexadecimal behind a #.
func TestLenientValues(t *testing.T) {
	utc := time.Date(2023, 11, 14, 22, 13, 20, 123456700, time.UTC)
	east := time.Date(2023, 11, 15, 0, 13, 20, 0, time.FixedZone("", 7200))
	tests := []struct {
		name, in string
		naming   Naming
		want     any
	}{
		{"any case", `{"urlvalue":"x","PLAIN":1,"TAG":2}`, NamesExact, named{"x", 1, new(2)}},
		{"any case, escaped", `{"\u0075RLVALUE":"x"}`, NamesCamelCase, named{URLValue: "x"}},
		{"exact before other case", `{"plain":1,"Plain":2}`, NamesExact, named{Plain: 2}},
		{"unknown", `{"x":{"y":[1,"]"]},"Plain":1}`, NamesExact, named{Plain: 1}},
		{"packed, exact", "#82 a855524c56616c7565 a178 a5504c41494e 01", NamesExact, named{URLValue: "x"}},
		{"packed, camelCase is not exact", "#81 a875726c56616c7565 a178", NamesExact, named{}},
		{"packed, camelCase", "#81 a875726c56616c7565 a178", NamesCamelCase, named{URLValue: "x"}},
		{"packed, declared under camelCase", "#82 a855524c56616c7565 a178 a3746167 05", NamesCamelCase, named{"x", 0, new(5)}},
		{"packed, unknown and integer keys", "#83 05 91c0 cfffffffffffffffff 80 a5506c61696e 01", NamesExact, named{Plain: 1}},
		{"packed alias", "#81 a3656565 01", NamesExact, packedTags{E: 1}},
		{"packed array", "#93 01 a179 c0", NamesExact, pairOf{X: 1, Y: "y"}},
		{"packed short array", "#91 01", NamesExact, pairOf{X: 1}},
		{"packed map for an array type", "#81 a158 01", NamesExact, pairOf{X: 1}},
		{"null fields", `{"URLValue":null,"Plain":null,"tag":null}`, NamesExact, named{}},
		{"null", `null`, NamesExact, named{}},
		{"null int", `null`, NamesExact, 0},
		{"nil bool", "#c0", NamesExact, false},
		{"nil time", "#c0", NamesExact, time.Time{}},
		{"nil array", "#c0", NamesExact, [2]int{}},
		{"white space", " \n5\t", NamesExact, 5},
		{"whole", `1.0`, NamesExact, 1},
		{"exponent", `12e2`, NamesExact, uint16(1200)},
		{"largest exact", `9007199254740991.0`, NamesExact, int64(1<<53 - 1)},
		{"float for int", "#cb c3e0000000000000", NamesExact, int64(math.MinInt64)},
		{"wide int", "#d3 0000000000000005", NamesExact, int8(5)},
		{"int for float", "#05", NamesExact, float32(5)},
		{"double for float", "#cb 7ff0000000000000", NamesExact, float32(math.Inf(1))},
		{"int in JSON for float", `5`, NamesExact, 5.0},
		{"text", `"1"`, NamesExact, json.Number("1")},
		{"number", `-1.50`, NamesExact, json.Number("-1.50")},
		{"packed number", "#cb 3ff8000000000000", NamesExact, json.Number("1.5")},
		{"base64", `"AQI="`, NamesExact, []byte{1, 2}},
		{"numbers for bytes", `[1,2]`, NamesExact, []byte{1, 2}},
		{"packed numbers for bytes", "#92 01 02", NamesExact, []byte{1, 2}},
		{"short array", `[1]`, NamesExact, [2]int{1, 0}},
		{"long array", `[1,2,3,[]]`, NamesExact, [2]int{1, 2}},
		{"bin for a long array", "#c401 07", NamesExact, [2]byte{7, 0}},
		{"numbers for an array", "#92 01 02", NamesExact, [2]byte{1, 2}},
		{"integers as keys", "#82 ff 01 a135 02", NamesExact, map[int]int{-1: 1, 5: 2}},
		{"integers as text keys", "#81 ff 01", NamesExact, map[string]int{"-1": 1}},
		{"escapes", `"\u00fc\ud83d\ude00\n"`, NamesExact, "ü😀\n"},
		{"quoted or not", `{"Str":5}`, NamesExact, small{Str: 5}},
		{"quoted", "#81 a3537472 a135", NamesExact, small{Str: 5}},
		{"raw of MessagePack", "#84 a161 c4020102 a162 d6ff00000001 a163 ca3dcccccd 02 92cfffffffffffffffffc0", NamesExact, json.RawMessage(`{"a":"AQI=","b":"1970-01-01T00:00:01Z","c":0.1,"2":[18446744073709551615,null]}`)},
		{".NET time", `"2023-11-14T22:13:20.1234567Z"`, NamesExact, utc},
		{".NET time without zone", `"2023-11-14T22:13:20.1234567"`, NamesExact, utc},
		{"time with offset", `"2023-11-15T00:13:20+02:00"`, NamesExact, east},
		{"no seconds", `"2023-11-15T00:13+02:00"`, NamesExact, east.Truncate(time.Minute)},
		{"no seconds, no zone", `"2023-11-14T22:13"`, NamesExact, utc.Truncate(time.Minute)},
		{"date", `"2023-11-14"`, NamesExact, utc.Truncate(24 * time.Hour)},
		{"time as packed text", "#b4 323032332d31312d31345432323a31333a32305a", NamesExact, utc.Truncate(time.Second)},
		{"timestamp 32", "#d6ff 6553f100", NamesExact, utc.Truncate(time.Second)},
		{"timestamp 64", "#d7ff 1d6f32f06553f100", NamesExact, utc},
		{"timestamp 96", "#c70cff 075bcd15 fffffffffffffffe", NamesExact, time.Unix(-2, 123456789).UTC()},
		{"DateTimeOffset", "#92 d6ff 65540d20 78", NamesExact, east},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, raw := JSON, Raw(tt.in)
			if tt.in[0] == '#' {
				c, raw = MessagePack, unhex(t, tt.in[1:])
			}
			got := readLike(t, c, tt.want, raw, tt.naming)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(pairOf{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAny(t *testing.T) {
	for in, want := range map[string]any{
		`null`: nil, `true`: true, `"s"`: "s", `1`: 1.0, `[1,{"a":[]}]`: []any{1.0, map[string]any{"a": []any{}}},
		"#c0": nil, "#05": int64(5), "#ff": int64(-1), "#cc05": int64(5), "#d3 ffffffffffffffff": int64(-1),
		"#cf 7fffffffffffffff": int64(math.MaxInt64), "#cf 8000000000000000": uint64(1 << 63),
		"#ca 3fc00000": 1.5, "#cb 3ff8000000000000": 1.5, "#a173": "s", "#c40101": []byte{1}, "#c400": []byte{},
		"#d6ff 00000001": time.Unix(1, 0).UTC(), "#92 c3 81 05 80": []any{true, map[string]any{"5": map[string]any{}}},
	} {
		c, raw := JSON, Raw(in)
		if in[0] == '#' {
			c, raw = MessagePack, unhex(t, in[1:])
		}
		got := any("before")
		if err := c.Unmarshal(raw, &got, NamesExact); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// What does not fit is an error, however deep it lies, in both encodings.
func TestValuesThatDoNotFit(t *testing.T) {
	tests := []struct {
		in string // JSON, which is also transcoded
		v  any
	}{
		{`{"I8":128}`, &small{}},
		{`{"I8":-129}`, &small{}},
		{`{"I8":1.5}`, &small{}},
		{`{"I8":"1"}`, &small{}},
		{`{"I8":true}`, &small{}},
		{`{"U8":[256]}`, &small{}},
		{`{"U8":[-1]}`, &small{}},
		{`{"U":[1,-1]}`, &small{}},
		{`{"U":[18446744073709551616]}`, &small{}},
		{`{"M":{"1":32768}}`, &small{}},
		{`{"M":{"128":1}}`, &small{}},
		{`{"M":{"x":1}}`, &small{}},
		{`{"F":1e39}`, &small{}},
		{`{"F":"1"}`, &small{}},
		{`{"A":[1,128]}`, &small{}},
		{`{"P":65536}`, &small{}},
		{`{"Str":"128"}`, &small{}},
		{`{"Str":"x"}`, &small{}},
		{`[[[[300]]]]`, &[][][][]uint8{}},
		{`[1]`, &small{}},
		{`[1]`, &map[string]int{}},
		{`{"X":1}`, &[]int{}},
		{`{"X":1}`, &[1]int{}},
		{`{"-1":1}`, &map[uint]int{}},
		{`5`, new(string)},
		{`"x"`, new(bool)},
		{`"x"`, new(time.Time)},
		{`"2023-13-14"`, new(time.Time)},
		{`[1,2]`, new(time.Time)},
		{`5`, new(time.Time)},
		{`{}`, new(json.Number)},
		{`"1x"`, new(json.Number)},
		{`9223372036854775808`, new(int64)},
		{`-1`, new(uint64)},
		{`2147483648`, new(int32)},
		{`1`, new(error)},
		{`1`, new(chan int)},
		{`{}`, new(map[any]int)},
		{`1`, nil},
		{`1`, 5},
		{`1`, (*int)(nil)},
	}
	for _, tt := range tests {
		for _, c := range []Codec{JSON, MessagePack} {
			raw, err := c.AppendJSON(nil, []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Unmarshal(raw, tt.v, NamesExact); err == nil {
				t.Errorf("%s: %s fitted %T", c.Name(), tt.in, tt.v)
			}
		}
	}
	for in, v := range map[string]any{
		"": new(any), "[": new(any), "1 1": new(any), `{"a":1}}`: new(any), `9007199254740993.0`: new(int64), `"#"`: new([]byte), `1e999`: new(float64),
		"#": new(any), "#c1": new(any), "#0505": new(any), "#92 01": new(any), "#a1ff": new(string), "#81 c0 01": new(any), "#81 c3 01": new(map[string]int),
		"#c40101": new(string), "#a101": new([]byte), "#d605 00000000": new(any), "#d5ff 0000": new(any), "#d7ff ffffffff00000000": new(time.Time),
		"#c70cff 00000000 7fffffffffffffff": new(time.Time), "#92 d6ff 00000000 cd7fff": new(time.Time), "#92 01 02": new(time.Time),
		"#cb 7ff8000000000000": new(json.RawMessage), "#cb 7ff8000000000001": new(int), "#ca 7f800000": new(uint), "#cb 47f0000000000000": new(float32),
		"#81 cb 3ff0000000000000 01": new(map[int]int), "#9101": new(named),
	} {
		c, raw := JSON, Raw(in)
		if in != "" && in[0] == '#' {
			c, raw = MessagePack, unhex(t, in[1:])
		}
		if err := c.Unmarshal(raw, v, NamesExact); err == nil {
			t.Errorf("%s fitted %T", in, v)
		}
	}
}
