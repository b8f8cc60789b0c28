package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// The nesting that encoding/json allows.
const stdDepth = 10000

func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		sample, ``, `null`, `[1,-2.5e3,"a\ud83d\ude00",{"a":1,"a":{"\u0061":[]}}]`, `{"a":"` + strings.Repeat("x", 70) + `é"}`, "\"\xed\xa0\x80\"",
		`{"a":1,}`, `[[[[`, `"\ud800\u0041"`, " \t\r\n[ ] ", strings.Repeat("[", 70) + strings.Repeat("]", 70), `"1234567\u000a"`, "\"1234567\n\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := json.Valid(text) && utf8.Valid(text)
		if got := Valid(text, stdDepth); got != want {
			t.Fatalf("Valid = %v, encoding/json and UTF-8 say %v", got, want)
		}
		s := New(text, 64)
		tree := walk(&s)
		if done := s.End(); done != (want && depth(text) <= 64) {
			t.Fatalf("End = %v (%v), but valid = %v at depth %d", done, s.Err(), want, depth(text))
		} else if !done {
			e, ok := errors.AsType[*Error](s.Err())
			if !ok || e.Offset < 0 || e.Offset > len(text) || e.Reason == "" {
				t.Fatalf("error %+v in %d bytes", e, len(text))
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var std any
		if err := d.Decode(&std); err != nil {
			t.Fatal(err)
		}
		// Not cmp.Diff, whose time doubles with each level of nesting.
		if !reflect.DeepEqual(std, tree) {
			t.Fatalf("encoding/json reads %v, jsonscan %v", std, tree)
		}
		var raw []json.RawMessage
		if json.Unmarshal(text, &raw) == nil && raw != nil {
			s := New(text, 64)
			s.Array()
			for i, want := range raw {
				if !s.Element() || !bytes.Equal(s.Value(), want) {
					t.Fatalf("element %d differs", i)
				}
			}
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x00é😀\u2028")
	f.Add("\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, text string) {
		quoted := AppendString(nil, text)
		if !Valid(quoted, 0) {
			t.Fatalf("%q is no JSON", quoted)
		}
		std, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if got := string(Text(quoted, nil)); got != want {
			t.Fatalf("came back as %q, want %q", got, want)
		}
	})
}

// walk reads a value with the walking methods alone; the last of two members
// with one name counts.
func walk(s *Scanner) any {
	i := skipSpace(s.data, s.pos)
	if i >= len(s.data) {
		s.Value()
		return nil
	}
	switch s.data[i] {
	case '{':
		m := map[string]any{}
		for ok := s.Object(); ok && s.Member(); {
			name := string(Text(s.Name(), nil))
			m[name] = walk(s)
		}
		return m
	case '[':
		list := []any{}
		for ok := s.Array(); ok && s.Element(); {
			list = append(list, walk(s))
		}
		return list
	}
	switch value := s.Value(); KindOf(value) {
	case String:
		return string(Text(value, nil))
	case Bool:
		return value[0] == 't'
	case Number:
		return json.Number(value)
	}
	return nil
}

// depth is the nesting of a text, of which nothing is known but that brackets in
// strings do not count.
func depth(text []byte) (deepest int) {
	now, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}
