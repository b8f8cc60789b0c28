package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, quoted := range []string{
		`""`, `"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00E9\u20ac"`, `"\ud83d\ude00"`, `"\uD83D\uDE00x"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`,
		`"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\u0000"`, `"é\u00e9😀"`, `"` + strings.Repeat(`\u20ac`, 50) + `"`,
	} {
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatal(err)
		}
		if !Valid([]byte(quoted), 0) {
			t.Errorf("%s was refused", quoted)
		}
		if got := string(Text([]byte(quoted), nil)); got != want {
			t.Errorf("Text(%s) = %q, want %q", quoted, got, want)
		}
		got := AppendText([]byte("x"), []byte(quoted))
		if string(got) != "x"+want || len(got)-1 > len(quoted)-2 {
			t.Errorf("AppendText(%s) = %q, want %q", quoted, got, want)
		}
	}
}

func TestAppendValid(t *testing.T) {
	for _, tt := range []struct{ text, plain, unquoted string }{
		{"", "", ""},
		{`é\n`, `é\n`, "é\n"},
		{"a\xff\xfeb\xc3", "a\uFFFDb\uFFFD", "a\uFFFDb\uFFFD"},
		{"\xff\\n\xff", "\uFFFD\\n\uFFFD", "\uFFFD\n\uFFFD"},
		{"\xff\\ud800\xff", "\uFFFD\\ud800\uFFFD", "\uFFFD\uFFFD\uFFFD"},
		{"\xc3\\u00a9\xa9", "\uFFFD\\u00a9\uFFFD", "\uFFFD©\uFFFD"},
		{"\xed\xa0\x80", "\uFFFD", "\uFFFD"},
	} {
		// What stands before is nobody's business.
		if got := string(AppendValid([]byte("\xff"), []byte(tt.text))); got != "\xff"+tt.plain {
			t.Errorf("AppendValid(%q) = %q, want %q", tt.text, got, tt.plain)
		}
		if got := string(AppendValidText([]byte("\xff"), []byte(`"`+tt.text+`"`))); got != "\xff"+tt.unquoted {
			t.Errorf("AppendValidText(%q) = %q, want %q", tt.text, got, tt.unquoted)
		}
	}
}

// What encoding/json reads when the text was mended before.
func FuzzAppendValidText(f *testing.F) {
	f.Add([]byte("\"a\xff\xfe\\u00e9\xc3\\u00a9\xa9\\ud800\""))
	f.Fuzz(func(t *testing.T, quoted []byte) {
		if KindOf(quoted) != String || Lenient.SkipString(quoted, 0) != len(quoted) {
			return
		}
		var want string
		if err := json.Unmarshal(AppendValid(nil, quoted), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendValidText(nil, quoted)); got != want {
			t.Fatalf("%q became %q, want %q", quoted, got, want)
		}
	})
}

func TestAppendString(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, "a": `"a"`, `a"b\c`: `"a\"b\\c"`, "\n\r\t\x00\x1f": `"\n\r\t\u0000\u001f"`, "é😀\u2028<>&": "\"é😀\u2028<>&\"",
		"\xffa\xc3": "\"\uFFFDa\uFFFD\"", "\uFFFD": "\"\uFFFD\"",
	} {
		if got := string(AppendString(nil, text)); got != want {
			t.Errorf("AppendString(%q) = %s, want %s", text, got, want)
		}
	}
}
