package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "512", "64KiB", "1MiB" or "2GB" in
// flags, environment and file. It is never negative.
type Size int64

// Binary sizes, for code that sets a [Config] itself.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// sizeUnits lists the units that ParseSize knows, largest first, so that
// String finds the largest one that divides a size. Decimal units are read but
// never printed: a limit should come back as one unambiguous text.
var sizeUnits = []struct {
	name   string
	bytes  int64
	output bool
}{
	{"GiB", int64(GiB), true},
	{"GB", 1e9, false},
	{"MiB", int64(MiB), true},
	{"MB", 1e6, false},
	{"KiB", int64(KiB), true},
	{"KB", 1e3, false},
	{"B", 1, false},
}

// ParseSize reads a whole number of bytes with an optional unit: B, KB, MB, GB
// (powers of 1000) or KiB, MiB, GiB (powers of 1024), in any case.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, ok := unitBytes(text[len(digits):])
	if !ok {
		return 0, fmt.Errorf("size %q has an unknown unit: use B, KiB, MiB or GiB", text)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || strings.ContainsAny(digits, "+-") {
		return 0, fmt.Errorf("size %q is not a whole number of bytes such as 65536, 64KiB or 1MiB", text)
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("size %q is too large", text)
	}
	return Size(n * unit), nil
}

func unitBytes(name string) (int64, bool) {
	if name == "" {
		return 1, true
	}
	for _, unit := range sizeUnits {
		if strings.EqualFold(name, unit.name) {
			return unit.bytes, true
		}
	}
	return 0, false
}

// UnmarshalText fulfils [encoding.TextUnmarshaler] by [ParseSize].
func (s *Size) UnmarshalText(text []byte) error {
	size, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = size
	return nil
}

// MarshalText fulfils [encoding.TextMarshaler] by [Size.String].
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size in the largest binary unit that divides it, in a form
// that ParseSize reads back.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if unit.output && s != 0 && int64(s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
