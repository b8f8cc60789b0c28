package replay

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseCursorReadsWhatStringWrites(t *testing.T) {
	tests := []struct {
		in   string
		want Cursor
	}{
		{"k7q2-57", Cursor{"k7q2", 57}},
		{"57", Cursor{"", 57}},
		{"0", Cursor{"", 0}},
		{"k7q2-0", Cursor{"k7q2", 0}},
		{"0-1", Cursor{"0", 1}},
		{"device-5", Cursor{"device", 5}},
		{"18446744073709551615", Cursor{"", math.MaxUint64}},
		{"a-18446744073709551615", Cursor{"a", math.MaxUint64}},
		{strings.Repeat("z", 32) + "-18446744073709551615", Cursor{strings.Repeat("z", 32), math.MaxUint64}},
	}
	for _, tt := range tests {
		got, err := ParseCursor(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseCursor(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
		if s := tt.want.String(); s != tt.in {
			t.Errorf("%#v.String() = %q, want %q", tt.want, s, tt.in)
		}
		if s := string(tt.want.AppendTo([]byte("id: "))); s != "id: "+tt.in {
			t.Errorf("%#v.AppendTo = %q, want %q", tt.want, s, "id: "+tt.in)
		}
	}
}

func TestParseCursorRefusesEverythingElse(t *testing.T) {
	bad := []string{
		"", "-", "-5", "a-", "a", "latest", "+5", "a-+5", "a--5", "a-5-6", "05", "a-05", "00", "a-00",
		"1_0", "0x10", "1e3", " 5", "5 ", "a -5", "A-5", "ä-5", "a.b-5", "a-5\n", "a\x00-5", "a-5\x00", "٣",
		"18446744073709551616", "a-18446744073709551616", "99999999999999999999",
		strings.Repeat("z", 33) + "-5",
		strings.Repeat("z", 33) + "-18446744073709551615",
		strings.Repeat("1", 54), strings.Repeat("a", 1<<20) + "-1",
	}
	for _, in := range bad {
		got, err := ParseCursor(in)
		if !errors.Is(err, ErrCursor) || got != (Cursor{}) {
			t.Errorf("ParseCursor(%.60q) = %v, %v; want ErrCursor", in, got, err)
		}
		if in == "" || in == "latest" {
			continue // these mean something to ParseSince
		}
		if got, err := ParseSince(in); !errors.Is(err, ErrCursor) || got != (Since{}) {
			t.Errorf("ParseSince(%.60q) = %v, %v; want ErrCursor", in, got, err)
		}
	}
}

func TestParseSinceTellsAllFromTheStartOfAnEpoch(t *testing.T) {
	tests := []struct {
		in   string
		want Since
		out  string
	}{
		{"", Since{}, "latest"},
		{"latest", Since{Kind: SinceLatest}, "latest"},
		{"0", Since{Kind: SinceAll}, "0"},
		{"device", Since{Kind: SinceDevice}, "device"},
		{"k7q2-0", Since{SinceCursor, Cursor{"k7q2", 0}}, "k7q2-0"},
		{"57", Since{SinceCursor, Cursor{"", 57}}, "57"},
		{"latest-1", Since{SinceCursor, Cursor{"latest", 1}}, "latest-1"},
	}
	for _, tt := range tests {
		got, err := ParseSince(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseSince(%q) = %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
		if s := got.String(); s != tt.out {
			t.Errorf("ParseSince(%q).String() = %q, want %q", tt.in, s, tt.out)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{"", "k7q2-57", "57", "0", "a-0", "-1", "a-01", "18446744073709551616", "a-b-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCursor(s)
		if err != nil {
			if !errors.Is(err, ErrCursor) {
				t.Fatalf("ParseCursor(%q) error %v does not wrap ErrCursor", s, err)
			}
			return
		}
		if len(s) > MaxCursorLen {
			t.Fatalf("accepted %d bytes", len(s))
		}
		if got := c.String(); got != s {
			t.Fatalf("ParseCursor(%q).String() = %q", s, got)
		}
	})
}

func FuzzParseSince(f *testing.F) {
	for _, s := range []string{"", "latest", "0", "device", "k7q2-57", "57", "x", "00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		since, err := ParseSince(s)
		if err != nil {
			if !errors.Is(err, ErrCursor) || since != (Since{}) {
				t.Fatalf("ParseSince(%q) = %v, %v", s, since, err)
			}
			return
		}
		again, err := ParseSince(since.String())
		if err != nil || again != since {
			t.Fatalf("ParseSince(%q) = %v; its String parses to %v, %v", s, since, again, err)
		}
		if out := since.String(); s != "" && out != s {
			t.Fatalf("ParseSince(%q).String() = %q", s, out)
		}
	})
}

func FuzzCursorRoundTrip(f *testing.F) {
	f.Add("k7q2", uint64(57))
	f.Add("", uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, epoch string, seq uint64) {
		c := Cursor{epoch, seq}
		got, err := ParseCursor(c.String())
		if ok := epoch == "" || validEpoch(epoch); ok != (err == nil) {
			t.Fatalf("ParseCursor(%q) error = %v, valid = %v", c, err, ok)
		}
		if err == nil && got != c {
			t.Fatalf("ParseCursor(%q) = %v", c, got)
		}
	})
}
