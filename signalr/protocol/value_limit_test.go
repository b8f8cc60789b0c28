package protocol

import (
	"encoding/binary"
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"testing"
)

type ring struct {
	Next *ring
	Any  any
	List []ring
	Map  map[string]*ring
}

type (
	selfPointer *selfPointer
	selfSlice   []selfSlice
)

// A value that contains itself is an error, not a hang or the end of the stack.
func TestCyclesAreErrors(t *testing.T) {
	byPointer := &ring{}
	byPointer.Next = byPointer
	byAny := &ring{}
	byAny.Any = byAny
	byList := ring{List: make([]ring, 1)}
	byList.List[0] = byList
	byMap := &ring{Map: make(map[string]*ring)}
	byMap.Map["m"] = byMap
	var anyCycle any
	anyCycle = &anyCycle
	var p selfPointer
	p = &p
	s := make(selfSlice, 1)
	s[0] = s
	m := make(map[string]any)
	m["m"] = m
	l := make([]any, 1)
	l[0] = l
	for _, c := range []Codec{JSON, MessagePack} {
		for _, v := range []any{byPointer, byAny, byList, byMap, anyCycle, p, s, m, l} {
			if raw, err := c.Marshal(v, NamesExact); err == nil {
				t.Errorf("%s: %T became %d bytes", c.Name(), v, len(raw))
			}
		}
		raw, _ := c.AppendJSON(nil, []byte("1"))
		if err := c.Unmarshal(raw, new(selfPointer), NamesExact); err == nil {
			t.Errorf("%s: decoded into a pointer to itself", c.Name())
		}
	}
}

type deep struct{ D *deep }

func nest(n int) (d *deep, l any, text string) {
	for range n {
		d, l = &deep{D: d}, []any{l}
	}
	return d, l, strings.Repeat(`{"D":`, n) + "null" + strings.Repeat("}", n)
}

func TestDepthBoundOfValues(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		for n, want := range map[int]bool{MaxDepth: true, MaxDepth + 1: false} {
			d, l, text := nest(n)
			raw, err := c.Marshal(d, NamesExact)
			if (err == nil) != want {
				t.Errorf("%s: struct of depth %d: %v", c.Name(), n, err)
			}
			if want {
				readLike(t, c, d, raw, NamesExact)
				readLike(t, c, []any{}, []Raw{Raw("[]"), Raw("\x90")}[toInt(c.Binary())], NamesExact)
			}
			if _, err := c.Marshal(l, NamesExact); (err == nil) != want {
				t.Errorf("%s: list of depth %d: %v", c.Name(), n, err)
			}
			if _, err := c.Marshal(json.RawMessage(text), NamesExact); (err == nil) != want {
				t.Errorf("%s: raw of depth %d: %v", c.Name(), n, err)
			}
			if _, err := c.Marshal([]any{json.RawMessage(text)}, NamesExact); err == nil && n >= MaxDepth {
				t.Errorf("%s: raw of depth %d in a list", c.Name(), n)
			}
			raw = Raw(text)
			if c.Binary() {
				raw = Raw(strings.Repeat("\x81\xa1D", n) + "\xc0")
			}
			for _, v := range []any{new(any), new(deep), new(json.RawMessage), new(int), new(struct{})} {
				err := c.Unmarshal(raw, v, NamesExact)
				if _, isInt := v.(*int); (err == nil) != (want && !isInt) {
					t.Errorf("%s: depth %d into %T: %v", c.Name(), n, v, err)
				}
			}
		}
		if err := c.Unmarshal(Raw(strings.Repeat("[", 1<<20)), new(any), NamesExact); err == nil {
			t.Errorf("%s: a million brackets", c.Name())
		}
		if err := c.Unmarshal(Raw(strings.Repeat("\x91", 1<<20)), new(any), NamesExact); err == nil {
			t.Errorf("%s: a million arrays", c.Name())
		}
	}
}

// Lengths that are declared but not there cost nothing.
func TestDeclaredLengthsAllocateNothing(t *testing.T) {
	var in []Raw
	for _, code := range []byte{codeStr32, codeBin32, codeArray32, codeMap32, codeExt32} {
		in = append(in, binary.BigEndian.AppendUint32([]byte{code}, 1<<31-1), binary.BigEndian.AppendUint32([]byte{0x91, code}, 1<<24))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, raw := range in {
		for _, v := range []any{new(any), new([]byte), new([]int64), new(map[int]int), new(string), new(json.RawMessage), new([4]byte)} {
			if err := MessagePack.Unmarshal(raw, v, NamesExact); err == nil {
				t.Errorf("%x fitted %T", raw, v)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

type (
	concurrentA struct{ B []concurrentB }
	concurrentB struct{ A *concurrentA }
)

// Plans of types that contain each other are built by many at once.
func TestPlansAreBuiltConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			c := []Codec{JSON, MessagePack}[i%2]
			v := concurrentA{B: []concurrentB{{A: &concurrentA{}}}}
			raw, err := c.Marshal(v, Naming(i/2%2)) //nolint:gosec // 0 or 1
			if err != nil {
				t.Error(err)
				return
			}
			var got concurrentA
			if err := c.Unmarshal(raw, &got, Naming(i/2%2)); err != nil || len(got.B) != 1 || got.B[0].A == nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
}

// The common types take one allocation for what they hold, or none.
func TestCommonTypesAllocateOnlyTheirResult(t *testing.T) {
	text, data, raw := any("hello"), any([]byte("hello")), any(json.RawMessage(`{"a":1}`))
	number, float, truth := any(123456), any(1.5), any(true)
	var s string
	var b []byte
	var r json.RawMessage
	var i int
	var f float64
	var ok bool
	for _, c := range []Codec{JSON, MessagePack} {
		for _, x := range []struct {
			v      any
			target any
			most   float64
		}{{text, &s, 1}, {data, &b, 1}, {raw, &r, 1}, {number, &i, 0}, {float, &f, 0}, {truth, &ok, 0}} {
			in, err := c.Marshal(x.v, NamesExact)
			if err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(100, func() { _ = c.Unmarshal(in, x.target, NamesExact) }); n > x.most && !(c.Binary() && x.target == &r) {
				t.Errorf("%s: %v allocations to read %T", c.Name(), n, x.v)
			}
			if raceEnabled {
				continue // the pool drops things at random
			}
			if n := testing.AllocsPerRun(100, func() { _, _ = c.Marshal(x.v, NamesExact) }); n > 1 {
				t.Errorf("%s: %v allocations to write %T", c.Name(), n, x.v)
			}
		}
	}
}
