package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func readLines(r io.Reader) (lines []string, numbers []int) {
	reader := newLineReader(r)
	for {
		line, err := reader.next()
		switch {
		case errors.Is(err, errLongLine):
			line = []byte("(long)")
		case err != nil:
			return lines, numbers
		}
		lines, numbers = append(lines, string(line)), append(numbers, reader.number)
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", maxLineBytes)
	for _, tt := range []struct {
		name, text string
		want       []string
		numbers    []int
	}{
		{"empty", "", nil, nil},
		{"lines", "a\nb\n", []string{"a", "b"}, []int{1, 2}},
		{"no end", "a\nb", []string{"a", "b"}, []int{1, 2}},
		{"windows", "a\r\nb\r\n", []string{"a", "b"}, []int{1, 2}},
		{"empty lines are counted", "\n\na\n \nb\n", []string{"a", "b"}, []int{3, 5}},
		{"longest line", long + "\nb\n", []string{long, "b"}, []int{1, 2}},
		{"too long a line", "a\n" + long + "x\nb\n", []string{"a", "(long)", "b"}, []int{1, 2, 3}},
		{"far too long, without an end", long + long, []string{"(long)"}, []int{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines, numbers := readLines(strings.NewReader(tt.text))
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("lines differ (%d, want %d)", len(lines), len(tt.want))
			}
			if diff := cmp.Diff(tt.numbers, numbers); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLineReaderReportsBrokenStream(t *testing.T) {
	reader := newLineReader(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(io.ErrClosedPipe)))
	if line, err := reader.next(); string(line) != "a" || err != nil {
		t.Errorf("first line = %q, %v", line, err)
	}
	if _, err := reader.next(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error = %v, want %v", err, io.ErrClosedPipe)
	}
}

// madeID is where batchItem puts an id of its own.
var madeID = regexp.MustCompile(`"id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"`)

func TestBatchItem(t *testing.T) {
	alice := target{"user", `"alice"`}
	for _, tt := range []struct {
		name, line string
		to         target
		want       string // "" for an error
	}{
		{"item", `{"user":"u","event":{"type":"t"}}`, target{}, `{"event":{"id":"MADE","type":"t"},"user":"u"}`},
		{"own id", `{"user":"u","event":{"id":"x","type":"t"}}`, target{}, `{"event":{"id":"x","type":"t"},"user":"u"}`},
		{"empty id", `{"user":"u","event":{"id":"","type":"t"}}`, target{}, `{"event":{"id":"MADE","type":"t"},"user":"u"}`},
		{"null id", `{"user":"u","event":{"id":null}}`, target{}, `{"event":{"id":"MADE"},"user":"u"}`},
		{"data byte for byte", `{"type":"t","data": {"b" : "<&>", "a":1.0} }`, alice, `{"user":"alice","event":{"data":{"b" : "<&>", "a":1.0},"id":"MADE","type":"t"}}`},
		{"broadcast", `{"type":"t"}`, target{"broadcast", "true"}, `{"broadcast":true,"event":{"id":"MADE","type":"t"}}`},
		{"no event", `{"type":"t"}`, target{}, ""},
		{"event not an object", `{"user":"u","event":[1]}`, target{}, ""},
		{"null event", `{"user":"u","event":null}`, target{}, ""},
		{"array", `[1]`, alice, ""},
		{"null", `null`, alice, ""},
		{"not JSON", `hello`, alice, ""},
		{"two values", `{} {}`, alice, ""},
	} {
		got, err := batchItem([]byte(tt.line), tt.to)
		text := madeID.ReplaceAllString(string(got), `"id":"MADE"`)
		if text != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: got %s, %v; want %s", tt.name, text, err, tt.want)
		}
	}
}

func FuzzBatchItem(f *testing.F) {
	f.Add([]byte(`{"user":"u","event":{"type":"t","data":[1,{"a":"<"}]}}`), false)
	f.Add([]byte(`{"type":"t","id":"x"}`), true)
	f.Add([]byte("{\"\xff\":1,\"event\":{\"\\u0000\":2}}"), false)
	f.Fuzz(func(t *testing.T, line []byte, toAlice bool) {
		to := target{}
		if toAlice {
			to = target{"user", `"alice"`}
		}
		item, err := batchItem(line, to)
		if err != nil {
			return
		}
		var got struct {
			Event map[string]any `json:"event"`
		}
		if err := json.Unmarshal(item, &got); err != nil {
			t.Fatalf("%q became %q: %v", line, item, err)
		}
		if id, _ := got.Event["id"]; id == nil || id == "" {
			t.Fatalf("%q became %q, without an id", line, item)
		}
		if !bytes.ContainsRune(line, '\n') && bytes.ContainsRune(item, '\n') {
			t.Fatalf("%q became %q, of several lines", line, item)
		}
	})
}
