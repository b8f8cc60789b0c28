package config

import (
	"math"
	"testing"
)

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Size
	}{
		{"0", 0},
		{"1", 1},
		{"512B", 512},
		{"1KB", 1000},
		{"1KiB", 1024},
		{"1kib", 1024},
		{"64 KiB", 64 << 10},
		{"3MiB", 3 << 20},
		{"2GiB", 2 << 30},
		{"1MB", 1e6},
		{"1GB", 1e9},
		{"9223372036854775807", math.MaxInt64},
		{"8589934591GiB", 8589934591 << 30},
	} {
		got, err := ParseSize(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
}

func TestParseSizeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "KiB", "-0", "-1", " +1", "-1KiB", "+1", "1.5MiB", "1TiB", "1KiBs", "1e3", "0x10", "1_000",
		"9223372036854775808", "8589934592GiB", "9223372036854775807KB",
	} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestSizeString(t *testing.T) {
	for size, want := range map[Size]string{
		0: "0", 1: "1", 1000: "1000", 1024: "1KiB", 1536: "1536", 1 << 20: "1MiB", 3 << 29: "1536MiB", 1 << 40: "1024GiB",
	} {
		if got := size.String(); got != want {
			t.Errorf("Size(%d).String() = %q, want %q", int64(size), got, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, text := range []string{"", "1", "64KiB", "1 MB", "-5", "99999999999999999999", "18446744073709551615B"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := ParseSize(text)
		if err != nil {
			return
		}
		if size < 0 {
			t.Fatalf("ParseSize(%q) = %d, negative", text, size)
		}
		again, err := ParseSize(size.String())
		if err != nil || again != size {
			t.Fatalf("ParseSize(%q.String() = %q) = %d, %v; want %d", text, size, again, err, size)
		}
	})
}
