package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	oldrand "math/rand"

	"github.com/google/go-cmp/cmp"
)

type (
	text    string
	flag    bool
	octet   byte
	Left    struct{ Both, OnlyLeft int }
	Right   struct{ Both, OnlyRight int }
	Deeper  struct{ Shadowed, Deep int }
	Middle  struct{ Deeper }
	tagWins struct {
		X int `json:"Wins"`
	}
	Loses   struct{ Wins int }
	lowered struct{ Exported int }
)

// kitchen has what encoding/json knows, interfaces and methods apart.
type kitchen struct {
	Left
	Right
	*Middle
	lowered
	tagWins
	Loses
	Shadowed string
	B        bool
	I        int
	I8       int8
	I16      int16
	I32      int32
	I64      int64
	U        uint
	U8       uint8
	U16      uint16
	U32      uint32
	U64      uint64
	Uptr     uintptr
	F32      float32
	F64      float64
	S        string
	T        text
	Fl       flag
	Bytes    []byte
	Octets   []octet
	Array    [3]byte
	Arrays   [2][]int
	List     []string
	Ptr      *int
	PtrPtr   **string
	PtrList  []*float32
	Map      map[string]int
	TextMap  map[text]*bool
	IntMap   map[int16]string
	UintMap  map[uint64][]byte
	Nested   struct {
		A, B struct{ C []struct{ D string } }
	}
	Next     *kitchen
	Named    int             `json:"named"`
	Odd      int             `json:"<&\u2028>"`
	Dash     int             `json:"-,"` //nolint:staticcheck // it must be like encoding/json too
	Gone     int             `json:"-"`
	Invalid  int             `json:"no\"name"` //nolint:staticcheck // likewise
	Unicode  int             `json:"größe"`
	QI       int             `json:",string"`
	QU       *uint8          `json:"qu,string"`
	QF       float64         `json:",string"`
	QB       bool            `json:",string"`
	QS       string          `json:",string"`
	QL       []int           `json:",string"` //nolint:staticcheck // likewise
	EB       bool            `json:",omitempty"`
	EI       int             `json:",omitempty"`
	EF       float32         `json:",omitempty"`
	ES       string          `json:"es,omitempty"`
	EL       []int           `json:",omitempty"`
	EM       map[string]bool `json:",omitempty"`
	EP       *int            `json:",omitempty"`
	EA       [0]int          `json:",omitempty"`
	ESt      struct{ A int } `json:",omitempty"` //nolint:modernize // likewise
	ZI       int             `json:",omitzero"`
	ZSt      struct{ A int } `json:",omitzero"`
	ZP       *Left           `json:",omitzero,omitempty"`
	Left2    Left            `json:"Left"`
	Duration time.Duration
	Iface    any
	hidden   int //nolint:unused // must not show
}

func encodingJSON(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// likeEncodingJSON checks that v is written like encoding/json does, by value
// and by pointer, and read like it.
func likeEncodingJSON(t testing.TB, v kitchen) {
	t.Helper()
	for _, v := range []any{v, &v, []kitchen{v}} {
		got, err := JSON.Marshal(v, NamesExact)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(encodingJSON(t, v), string(got)); diff != "" {
			t.Fatalf("(-encoding/json +ours):\n%s", diff)
		}
	}
	var want, got kitchen
	in := encodingJSON(t, v)
	if err := json.Unmarshal([]byte(in), &want); err != nil {
		t.Fatal(err)
	}
	if err := JSON.Unmarshal(Raw(in), &got, NamesExact); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s (-encoding/json +ours):\n%s", in, cmp.Diff(want, got, cmp.AllowUnexported(kitchen{})))
	}
}

func TestWritesLikeEncodingJSON(t *testing.T) {
	likeEncodingJSON(t, kitchen{})
	r := oldrand.New(oldrand.NewSource(1))
	for range 100 {
		// Interfaces cannot be made up; quick has none in the list of values.
		v, ok := quick.Value(reflect.TypeFor[quickKitchen](), r)
		if !ok {
			t.Fatal("no value")
		}
		q := v.Interface().(quickKitchen)
		if q.K != nil {
			likeEncodingJSON(t, *q.K)
		}
	}
}

// quickKitchen makes random values that are not too deep.
type quickKitchen struct{ K *kitchen }

func (quickKitchen) Generate(r *oldrand.Rand, _ int) reflect.Value {
	var k kitchen
	v := reflect.ValueOf(&k).Elem()
	for _, f := range v.Fields() {
		if !f.CanSet() || f.Kind() == reflect.Interface || f.Type() == reflect.TypeFor[*kitchen]() {
			continue
		}
		if x, ok := quick.Value(f.Type(), r); ok {
			f.Set(x)
		}
	}
	if r.Intn(3) == 0 {
		k.Next = &kitchen{Middle: &Middle{}, S: k.S}
	}
	k.Iface = []any{nil, k.S, k.F64, map[string]any{k.S: []any{true}}}[r.Intn(4)]
	return reflect.ValueOf(quickKitchen{&k})
}

func TestFloatsAndStringsLikeEncodingJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	same := func(v any) {
		got, err := JSON.Marshal(v, NamesExact)
		if want := encodingJSON(t, v); err != nil || string(got) != want {
			t.Fatalf("%v: %s, %v; want %s", v, got, err, want)
		}
	}
	for range 2000 {
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			same(f)
		}
		if f := math.Float32frombits(r.Uint32()); f == f && !math.IsInf(float64(f), 0) {
			same(f)
		}
		same(r.NormFloat64() * math.Pow10(r.IntN(50)-25))
		same(float32(r.NormFloat64() * math.Pow10(r.IntN(50)-25)))
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1e-6, 9.99e-7, 1e20, 1e21, 1e22, 1e-7, 1e-10, 5e-324, math.MaxFloat64, 1e100} {
		same(f)
		same(float32(math.Min(f, 1e38)))
		same([]float32{float32(min(f, 1e30))})
	}
	for c := range rune(0x3000) {
		same(string(c))
	}
	for c := range 256 {
		same("a" + string([]byte{byte(c)}) + "b")
		same(string([]byte{0xe2, 0x80, byte(c)}))
	}
	for _, v := range []any{math.NaN(), math.Inf(1), float32(math.Inf(-1)), []float64{math.NaN()}} {
		if raw, err := JSON.Marshal(v, NamesExact); err == nil {
			t.Errorf("%v became %s", v, raw)
		}
	}
	at := time.Date(2023, 11, 15, 0, 13, 20, 1, time.FixedZone("", 7200))
	same(at)
	same(&at)
	same([]time.Time{at, {}})
	for _, v := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, c := range []Codec{JSON, MessagePack} {
			if raw, err := c.Marshal(v, NamesExact); err == nil {
				t.Errorf("%s: %v became %q", c.Name(), v, raw)
			}
		}
	}
}
