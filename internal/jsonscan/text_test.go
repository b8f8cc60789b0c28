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
