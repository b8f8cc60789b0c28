package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs/limits.md has every limit, with its default.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	// In tables and, of times, in sentences.
	said := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| ([^ |]+) \\|").FindAllStringSubmatch(string(text), -1) {
		said[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile("`--([a-z-]+)` \\(([0-9a-z]+)\\)").FindAllStringSubmatch(string(text), -1) {
		said[m[1]] = m[2]
	}
	var cfg Config
	parser, err := kong.New(&cfg, append(Mappers(), kong.NoDefaultHelp(), kong.ExplicitGroups(Groups()))...)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, flag := range parser.Model.Flags {
		if flag.Group == nil || !slices.Contains([]string{"publish", "clients", "channels", "rates", "replay", "timeouts"}, flag.Group.Key) {
			continue
		}
		n++
		want := flag.Default
		if flag.Name == "max-message-bytes" {
			want = "32KiB" // in the flag as the stock server has it
		}
		if got := said[flag.Name]; got != want {
			t.Errorf("docs/limits.md says %q of --%s, whose default is %q", got, flag.Name, want)
		}
	}
	if n < 30 || strings.Count(string(text), "| `--") < 20 {
		t.Errorf("only %d flags found", n)
	}
}
