package progress

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// split returns the lines of an output that comes in parts.
func split(parts ...string) (lines []string) {
	s := &splitter{line: func(line []byte) { lines = append(lines, string(line)) }}
	for _, part := range parts {
		s.write([]byte(part))
	}
	s.flush()
	return lines
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		name  string
		parts []string
		want  []string
	}{
		{"LF, CR and both", []string{"a\nb\rc\r\nd"}, []string{"a", "b", "c", "d"}},
		{"a bar that begins its lines with CR", []string{"\r10%", "\r20%"}, []string{"10%", "20%"}},
		{"in parts", []string{"a", "b\nc", "", "\n"}, []string{"ab", "c"}},
		{"empty lines", []string{"\n\r\n\n"}, nil},
		{"as long as may be", []string{long, "\nb"}, []string{long, "b"}},
		{"as long as may be, at once", []string{long + "\nb"}, []string{long, "b"}},
		{"longer", []string{long, "x", "y\nb"}, []string{"b"}},
		{"longer, at once", []string{long + "x\nb"}, []string{"b"}},
		{"longer, without an end", []string{long, "x"}, nil},
		{"binary", []string{"a\nb", "c\x00d\ne", "f\n"}, []string{"a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, split(tt.parts...)); diff != "" {
				t.Errorf("lines (-want +got):\n%.500s", diff)
			}
		})
	}
}

func TestALongLineIsNotHeld(t *testing.T) {
	s := &splitter{line: func([]byte) {}}
	part := []byte(strings.Repeat("x", 1<<20))
	for range 64 {
		s.write(part)
	}
	if cap(s.held) > 2*maxLine {
		t.Errorf("%d bytes are held", cap(s.held))
	}
}

// However the output is cut, its lines are the same.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\rc\x00d", uint(2), uint(5))
	f.Fuzz(func(t *testing.T, text string, i, j uint) {
		i %= uint(len(text)) + 1
		j = i + j%(uint(len(text))-i+1)
		whole, parts := split(text), split(text[:i], text[i:j], text[j:])
		if !slices.Equal(whole, parts) {
			t.Errorf("%q cut at %d and %d: %q, want %q", text, i, j, parts, whole)
		}
		for _, line := range whole {
			if line == "" || len(line) > maxLine || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("line %q", line)
			}
		}
	})
}
