package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The README's table of limits says what the flags' defaults are.
func TestReadmeHasTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	c := Default()
	// By what the row is about; further rows may hold any default.
	rows := map[string][]any{
		"event, one publish": {c.MaxPublishBytes},
		"log of one user":    {c.LogEvents, c.LogBytes, c.LogAge},
		"all logs in memory": {c.LogUsers, c.LogTotalBytes},
		"the log on disk":    {c.LogDiskBytes},
		"waiting for one":    {c.OutboxEvents, c.OutboxBytes},
		"one write":          {c.SendTimeout},
		"message of":         {c.MaxMessageBytes},
		"channels":           {c.MaxChannelsPerUser, c.MaxChannelMembers, c.MaxMemberships},
		"connections":        {c.MaxConnections, c.MaxConnectionsPerUser},
		"negotiated":         {c.MaxNegotiated},
		"idempotency":        {c.IdempotencyKeys},
	}
	known := defaults(reflect.ValueOf(c))
	value := regexp.MustCompile(`\d[\d,]*(?: (?:B|KiB|MiB|GiB|s|min|h)\b)?`)
	n := 0
	for label, cell := range limitRows(string(text)) {
		n++
		got := value.FindAllString(cell, -1)
		for prefix, want := range rows {
			if !strings.HasPrefix(label, prefix) {
				continue
			}
			var texts []string
			for _, v := range want {
				texts = append(texts, write(v))
			}
			if diff := cmp.Diff(texts, got); diff != "" {
				t.Errorf("%s (-default +README):\n%s", label, diff)
			}
		}
		for _, v := range got {
			if !slices.Contains(known, v) {
				t.Errorf("%s: %s is the default of no flag", label, v)
			}
		}
	}
	if n < 8 {
		t.Errorf("only %d rows found in the README's table of limits", n)
	}
}

// limitRows yields the first two cells of the table headed by limit and default.
func limitRows(text string) map[string]string {
	rows, in := map[string]string{}, false
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			in = false
		case len(cells) < 2 || strings.HasPrefix(line, "|--"):
		case strings.TrimSpace(cells[0]) == "limit" && strings.HasPrefix(strings.TrimSpace(cells[1]), "default"):
			in = true
		case in:
			rows[strings.Trim(cells[0], " `")] = cells[1]
		}
	}
	return rows
}

// defaults lists the values of all fields, as the README writes them.
func defaults(v reflect.Value) []string {
	if v.Kind() != reflect.Struct {
		return []string{write(v.Interface())}
	}
	var all []string
	for _, field := range v.Fields() {
		all = append(all, defaults(field)...)
	}
	return all
}

// write writes a default as people read it.
func write(v any) string {
	switch v := v.(type) {
	case int:
		s := strconv.Itoa(v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case Size:
		for _, unit := range []struct {
			name  string
			bytes Size
		}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}} {
			if v >= unit.bytes && v%unit.bytes == 0 {
				return fmt.Sprintf("%d %s", v/unit.bytes, unit.name)
			}
		}
		return fmt.Sprintf("%d B", v)
	case time.Duration:
		switch {
		case v%time.Hour == 0 && v > 0:
			return fmt.Sprintf("%d h", v/time.Hour)
		case v%time.Minute == 0 && v > time.Minute:
			return fmt.Sprintf("%d min", v/time.Minute)
		}
		return fmt.Sprintf("%d s", v/time.Second)
	}
	return fmt.Sprint(v)
}
