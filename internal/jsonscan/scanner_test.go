package jsonscan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestValid(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-0`, `-0.0e-0`, `10`, `1.5`, `1E5`, `1e+5`, `123456789012345678901234567890`,
		`""`, `"a"`, `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800"`, `"` + strings.Repeat("x", 100) + `"`, `"é😀` + "\u2028\x7f" + `"`,
		`[]`, `[ ]`, `[1]`, "[\t1 ,\r\n2 ]", `{}`, `{ }`, `{"a":1}`, `{"a":{"b":[{}]},"a":2}`, " \t\r\n1 \t\r\n",
		// wrong
		``, ` `, `nul`, `nulL`, `nullx`, `tru`, `fals`, `+1`, `01`, `-`, `-a`, `1.`, `1.a`, `1e`, `1e+`, `.5`, `1 2`, `0x1`, `NaN`,
		`"`, `"a`, `"\`, `"\x"`, `"\u`, `"\u12`, `"\u12g4"`, `"` + "\n" + `"`, `"` + "\x00" + `"`, `"1234567` + "\x1f" + `"`, `'a'`,
		"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc0\x80\"", "\xef\xbb\xbf1",
		`[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `]`, `[1}`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{1:1}`,
		`{"a" 1}`, `{"a":1 "b":2}`, `{,}`, `{"a":1]`, "1\x00", "\x00", "\v1",
	} {
		want := json.Valid([]byte(text)) && utf8.ValidString(text)
		if got := Valid([]byte(text), 64); got != want {
			t.Errorf("Valid(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	nested := func(open, shut string, n int) []byte {
		return []byte(strings.Repeat(open, n) + "1" + strings.Repeat(shut, n))
	}
	for _, depth := range []int{0, 1, 2, 64} {
		for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			if !Valid(nested(brackets[0], brackets[1], depth), depth) {
				t.Errorf("%d times %s was refused", depth, brackets[0])
			}
			if Valid(nested(brackets[0], brackets[1], depth+1), depth) {
				t.Errorf("%d times %s was accepted at a limit of %d", depth+1, brackets[0], depth)
			}
		}
	}
	// What a caller enters counts like what is skipped for it.
	s := New([]byte(`[[1]]`), 1)
	if !s.Array() || !s.Element() || s.Value() != nil {
		t.Error("a second level was accepted")
	}
	s = New([]byte(`[[[1]]]`), 2)
	if !s.Array() || !s.Element() || !s.Array() || !s.Element() || s.Array() {
		t.Error("a third level was entered")
	}
	// Leaving a container gives its level back.
	s = New([]byte(`[[],[[]]]`), 3)
	if !s.Array() || !s.Element() || !s.Array() || s.Element() || !s.Element() || s.Value() == nil || s.Element() || !s.End() {
		t.Error(s.Err())
	}
}

func TestErrors(t *testing.T) {
	walk := func(s *Scanner) {
		for ok := s.Object(); ok && s.Member(); {
			s.Value()
		}
		s.End()
	}
	for _, tt := range []struct {
		text string
		want Error
	}{
		{``, Error{0, UnexpectedEnd}},
		{`  `, Error{2, UnexpectedEnd}},
		{` [1]`, Error{1, NotAnObject}},
		{`{"a":1} x`, Error{8, TrailingBytes}},
		{`{"a":1,}`, Error{7, NotAName}},
		{`{"a",1}`, Error{4, NotAColon}},
		{`{"a"`, Error{4, UnexpectedEnd}},
		{`{"a`, Error{3, UnexpectedEnd}},
		{`{"a":1 2}`, Error{7, NotInObject}},
		{`{"a":}`, Error{5, NotAValue}},
		{`{"a":[1 2]}`, Error{8, NotInArray}},
		{`{"a":{"b" 2}}`, Error{10, NotAColon}},
		{`{"a":{"b":2 3}}`, Error{12, NotInObject}},
		{`{"a":{"b":2`, Error{11, UnexpectedEnd}},
		{`{"a":[2`, Error{7, UnexpectedEnd}},
		{`{"a":[[[1]]]}`, Error{7, TooDeep}},
		{`{"a":[{"b":{}}]}`, Error{11, TooDeep}},
		{`{"a":nulx}`, Error{8, NotAValue}},
		{`{"a":nul`, Error{8, UnexpectedEnd}},
		{`{"a":1.}`, Error{7, MalformedNumber}},
		{`{"a":-`, Error{6, UnexpectedEnd}},
		{`{"a":01}`, Error{6, NotInObject}},
		{`{"a":"\q"}`, Error{7, InvalidEscape}},
		{`{"a":"\u12x4"}`, Error{10, InvalidEscape}},
		{`{"a":"\u12`, Error{10, UnexpectedEnd}},
		{`{"a":"\`, Error{7, UnexpectedEnd}},
		{"{\"a\":\"x\ty\"}", Error{7, UnescapedByte}},
		{"{\"a\":\"xyz\xffyz\"}", Error{9, InvalidUTF8}},
	} {
		s := New([]byte(tt.text), 3)
		walk(&s)
		got, ok := errors.AsType[*Error](s.Err())
		if !ok {
			t.Errorf("%q was accepted", tt.text)
			continue
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
	s := New([]byte(`{`), 1)
	if walk(&s); s.Err().Error() != "the text ends too early at byte 1" {
		t.Error(s.Err())
	}
}

func TestFirstErrorStays(t *testing.T) {
	s := New([]byte(`x{}[]`), 9)
	if s.Value() != nil {
		t.Fatal("a value")
	}
	first := s.Err()
	if s.Object() || s.Array() || s.Member() || s.Element() || s.Value() != nil || s.End() {
		t.Error("went on after an error")
	}
	if diff := cmp.Diff(first, s.Err()); diff != "" {
		t.Error(diff)
	}
}

func TestWalk(t *testing.T) {
	const text = ` { "a" : 1 , "b\u0063" : [ true , {"x":"\u00e9"} , [ ] ] , "" : "last" } `
	s := New([]byte(text), 8)
	var got []string
	note := func(b []byte) { got = append(got, string(b)) }
	for ok := s.Object(); ok && s.Member(); {
		note(Text(s.Name(), nil))
		if string(s.Name()) != `"b\u0063"` {
			note(s.Value())
			continue
		}
		for ok := s.Array(); ok && s.Element(); {
			note(s.Value())
		}
	}
	if s.Offset() != len(text)-1 || !s.End() {
		t.Fatal(s.Err())
	}
	want := []string{"a", "1", "bc", "true", `{"x":"\u00e9"}`, "[ ]", "", `"last"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]Kind{
		"": None, "null": Null, "true": Bool, "false": Bool, "-1": Number, "0": Number, `""`: String, "[]": Array, "{}": Object,
	} {
		if got := KindOf([]byte(text)); got != want {
			t.Errorf("KindOf(%s) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]bool{"": false, "0": true, "12": true, "-1": false, "1.0": false, "1e3": false} {
		if got := IsWhole([]byte(text)); got != want {
			t.Errorf("IsWhole(%s) = %v", text, got)
		}
	}
}

func TestPeekAndOffset(t *testing.T) {
	const text = ` { "a" : [ 1 , null ] } `
	s := New([]byte(text), 8)
	if got := s.Peek(); got != Object {
		t.Errorf("Peek = %d, want an object", got)
	}
	if !s.Object() || !s.Member() || s.Peek() != Array || text[s.Offset()] != '[' {
		t.Errorf("at %d: %d, %v", s.Offset(), s.Peek(), s.Err())
	}
	if !s.Array() || !s.Element() || s.Peek() != Number || s.Offset() != 11 {
		t.Errorf("at %d: %d, %v", s.Offset(), s.Peek(), s.Err())
	}
	s.Value()
	if !s.Element() || s.Peek() != Null || s.Value() == nil || s.Element() || s.Member() || s.Offset() != len(text)-1 || s.Peek() != None {
		t.Errorf("at %d: %d, %v", s.Offset(), s.Peek(), s.Err())
	}
	s.Value()
	if s.Err() == nil || s.Peek() != None {
		t.Error("Peek after an error")
	}
}

func TestNothingAllocates(t *testing.T) {
	text := []byte(sample)
	walk := func() {
		s := New(text, 64)
		for ok := s.Object(); ok && s.Member(); {
			value := s.Value()
			if string(Text(s.Name(), nil)) == "data" && KindOf(value) != Object {
				t.Fail()
			}
		}
		if !s.End() {
			t.Fail()
		}
	}
	if n := testing.AllocsPerRun(100, walk); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
