package jsonscan

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSkip(t *testing.T) {
	value := func(depth int) func(m Mode, b []byte, i int) int {
		return func(m Mode, b []byte, i int) int { return m.SkipValue(b, i, depth) }
	}
	str, number, space := Mode.SkipString, func(_ Mode, b []byte, i int) int { return SkipNumber(b, i) }, func(_ Mode, b []byte, i int) int { return SkipSpace(b, i) }
	valid := func(_ Mode, b []byte, i int) int { return SkipValid(b, i) }
	name := func(m Mode, b []byte, i int) int { end, _ := m.SkipName(b, i); return end }
	member := func(m Mode, b []byte, i int) int { _, value := m.SkipName(b, i); return value }
	comma := func(_ Mode, b []byte, i int) int { next, _ := SkipComma(b, i, ']'); return next }
	for _, tt := range []struct {
		what            string
		skip            func(m Mode, b []byte, i int) int
		text            string
		i               int
		strict, lenient int
	}{
		{"value", value(2), `x[[1],"a"]y`, 1, 10, 10},
		{"value", value(1), `[[1]]`, 0, -1, -1},
		{"value", value(0), `[]`, 0, -1, -1},
		{"value", value(-1), `true,`, 0, 4, 4},
		{"value", value(0), ` 1`, 0, -1, -1},
		{"value", value(1), "{\"\xff\":\"\xff\"}", 0, -1, 9},
		{"value", value(1), "[\"\xff\"", 0, -1, -1},
		{"valid", valid, `{"a":[1,"]}\"",null]} `, 0, 21, 21},
		{"valid", valid, `{"a":[1,"]}\"",null]} `, 6, 7, 7},
		{"valid", valid, "[\"\xff\"]", 0, 5, 5},
		{"valid", valid, "[{}", 0, -1, -1},
		{"valid", valid, "-1.5e3\n", 0, 6, 6},
		{"string", str, "\"\xff\xc3\xa9\"x", 0, -1, 5},
		{"string", str, "\"1234567\xff12345678\\n\xff\"", 0, -1, 21},
		{"string", str, "\"1234567\xff\x1f\"", 0, -1, -1},
		{"string", str, "\"12345678\xff", 0, -1, -1},
		{"string", str, "12345678\"\xff\"", 8, -1, 11},
		{"string", str, "12345678\"\xff", 8, -1, -1},
		{"string", str, `x"a"`, 0, -1, -1},
		{"string", str, `x"a"`, 1, 4, 4},
		{"name", name, `{"a" : 1}`, 1, 4, 4},
		{"member", member, `{"a" : 1}`, 1, 7, 7},
		{"member", member, `"a":`, 0, 4, 4},
		{"name", name, `"a" 1`, 0, -1, -1},
		{"member", member, `a:1`, 0, -1, -1},
		{"member", member, "\"\xff\":1", 0, -1, 4},
		{"number", number, `-12.5e+3,`, 0, 8, 8},
		{"number", number, `012`, 0, 1, 1},
		{"number", number, `-`, 0, -1, -1},
		{"number", number, `a`, 0, -1, -1},
		{"space", space, "a \t\r\n", 1, 5, 5},
		{"space", space, "a", 1, 1, 1},
		{"comma", comma, "1 , 2", 1, 4, 4},
		{"comma", comma, "1 ] ", 1, 3, 3},
		{"comma", comma, "1 }", 1, -1, -1},
		{"comma", comma, "1 ", 1, -1, -1},
	} {
		for m, want := range map[Mode]int{Strict: tt.strict, Lenient: tt.lenient} {
			if got := max(-1, tt.skip(m, []byte(tt.text), tt.i)); got != want {
				t.Errorf("%s at %d of %q, lenient %v: %d, want %d", tt.what, tt.i, tt.text, m == Lenient, got, want)
			}
		}
		for _, i := range []int{math.MinInt, -1, len(tt.text) + 1, math.MaxInt} {
			if got := tt.skip(Strict, []byte(tt.text), i); got >= 0 {
				t.Errorf("%s at %d of %q: %d", tt.what, i, tt.text, got)
			}
		}
	}
}

func TestSkipCommaIsDone(t *testing.T) {
	for text, want := range map[string]bool{", 1": false, "]": true, "}": true, "": true, "1": true} {
		if _, got := SkipComma([]byte(text), 0, ']'); got != want {
			t.Errorf("%q: done = %v", text, got)
		}
	}
}

func TestSkipDepth(t *testing.T) {
	for _, depth := range []int{0, 1, 64, stdDepth} {
		for _, m := range []Mode{Strict, Lenient} {
			text := []byte(strings.Repeat(`[{"a":`, depth/2) + strings.Repeat("[", depth%2) + "1" + strings.Repeat("]", depth%2) + strings.Repeat("}]", depth/2))
			if got := m.SkipValue(text, 0, depth); got != len(text) {
				t.Errorf("%d containers: %d", depth, got)
			}
			if got := SkipValid(text, 0); got != len(text) {
				t.Errorf("%d containers that are known to be valid: %d", depth, got)
			}
			if got := m.SkipValue(text, 0, depth-1); depth > 0 && got >= 0 {
				t.Errorf("%d containers at a limit of one less: %d", depth, got)
			}
		}
	}
}

func TestSkipAllocatesNothing(t *testing.T) {
	text, bad := []byte(sample), []byte(sample[:len(sample)-1])
	var scratch [512]byte
	if n := testing.AllocsPerRun(100, func() {
		end, value := Lenient.SkipName(text, 1)
		if end < 0 || Lenient.SkipValue(text, value, 9) < 0 || Strict.SkipValue(bad, 0, 9) >= 0 || len(AppendValidText(scratch[:0], text[1:end])) == 0 {
			t.Fail()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Any index and any depth: nothing panics, ends are in range, and what was read
// is what encoding/json takes for a value.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{sample, `[1, {"a" : -0.5e1}]`, "{\"\xff\" :\"12345678\xff\\u00e9\xff\"} ", `"\ud83d\ude00", `, `01`, "[[[[", "\"1234567\n"} {
		for i := range 3 {
			f.Add([]byte(s), i, 3)
		}
	}
	f.Add([]byte("1"), math.MinInt, math.MinInt)
	f.Fuzz(func(t *testing.T, text []byte, i, limit int) {
		inRange := func(what string, from, end int) {
			if end >= 0 && (end < from || end > len(text) || i < 0) {
				t.Fatalf("%s from %d to %d of %d", what, from, end, len(text))
			}
		}
		inRange("valid", i+1, SkipValid(text, i))
		inRange("space", i, SkipSpace(text, i))
		next, done := SkipComma(text, i, '}')
		inRange("comma", i+1, next)
		if next >= 0 && done != (text[next-1] == '}' && bytes.IndexByte(text[i:next], ',') < 0) {
			t.Fatalf("comma from %d to %d: done = %v", i, next, done)
		}
		if end := SkipNumber(text, i); end >= 0 && (!json.Valid(text[i:end]) || KindOf(text[i:end]) != Number) {
			t.Fatalf("%q is no number", text[i:end])
		}
		for _, m := range []Mode{Strict, Lenient} {
			allowed := func(b []byte) bool { return json.Valid(b) && (m == Lenient || utf8.Valid(b)) }
			end := m.SkipValue(text, i, limit)
			inRange("value", i+1, end)
			if end >= 0 && (!allowed(text[i:end]) || depth(text[i:end]) > max(limit, 0)) {
				t.Fatalf("%q is no value, or too deep for %d", text[i:end], limit)
			}
			if end >= 0 && SkipValid(text[:end], i) != end {
				t.Fatalf("%q, if known to be valid, ends elsewhere", text[i:end])
			}
			if end >= 0 && bytes.IndexByte([]byte(" \t\r\n,]}"), text[min(end, len(text)-1)]) >= 0 && SkipValid(text, i) != end {
				t.Fatalf("%q, with more behind it, ends elsewhere", text[i:end])
			}
			if quoted := m.SkipString(text, i); quoted >= 0 && (end != quoted || text[i] != '"') || quoted < 0 && end >= 0 && text[i] == '"' {
				t.Fatalf("a string ends at %d, the value at %d", quoted, end)
			}
			name, value := m.SkipName(text, i)
			inRange("name", i+2, name)
			inRange("member", name+1, value)
			if name >= 0 && (value < 0 || m.SkipString(text, i) != name) {
				t.Fatalf("a name ends at %d, its value begins at %d", name, value)
			}
			from := SkipSpace(text, 0)
			end = m.SkipValue(text, from, stdDepth)
			if whole := end >= 0 && SkipSpace(text, end) == len(text); whole != allowed(text) {
				t.Fatalf("whole = %v, but encoding/json and UTF-8 say %v", whole, !whole)
			}
		}
	})
}
