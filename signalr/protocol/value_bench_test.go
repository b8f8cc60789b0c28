package protocol

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// progress is what a method typically takes or returns.
type progress struct {
	Operation string
	FileName  string
	Done      bool
	Progress  int
	Bytes     int64
	Tags      []string
	At        time.Time
}

var benchProgress = progress{
	Operation: "backup-export", FileName: "vault-2026-11-20.zip", Progress: 42, Bytes: 1234567,
	Tags: []string{"daily", "full"}, At: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
}

var benchValues = []struct {
	name string
	v    any
}{
	{"string", "hello, world"},
	{"int", 123456},
	{"float64", 1.5},
	{"bytes", bytes.Repeat([]byte{1}, 256)},
	{"raw", json.RawMessage(benchArgs)},
	{"strings", []string{"a", "b", "c", "d"}},
	{"struct", benchProgress},
	{"any", map[string]any{"operation": "backup-export", "progress": 42.0, "tags": []any{"daily", true}}},
}

func BenchmarkMarshal(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		for _, x := range benchValues {
			b.Run(x.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.Marshal(x.v, NamesCamelCase); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

func BenchmarkUnmarshal(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		for _, x := range benchValues {
			raw, err := c.Marshal(x.v, NamesCamelCase)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(x.name, func(b *testing.B) {
				b.ReportAllocs()
				read := reader(c, raw, x.v)
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// reader reads raw into a fresh value of v's type.
func reader(c Codec, raw Raw, v any) func() error {
	switch v.(type) {
	case string:
		return func() error { var t string; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case int:
		return func() error { var t int; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case float64:
		return func() error { var t float64; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case []byte:
		return func() error { var t []byte; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case json.RawMessage:
		return func() error { var t json.RawMessage; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case []string:
		return func() error { var t []string; return c.Unmarshal(raw, &t, NamesCamelCase) }
	case progress:
		return func() error { var t progress; return c.Unmarshal(raw, &t, NamesCamelCase) }
	default:
		return func() error { var t any; return c.Unmarshal(raw, &t, NamesCamelCase) }
	}
}

// The libraries on the same struct, for comparison.
func BenchmarkLibraries(b *testing.B) {
	text, err := json.Marshal(benchProgress)
	if err != nil {
		b.Fatal(err)
	}
	packed, err := msgpack.Marshal(benchProgress)
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"json/marshal":          func() error { _, err := json.Marshal(benchProgress); return err },
		"json/unmarshal":        func() error { var t progress; return json.Unmarshal(text, &t) },
		"messagepack/marshal":   func() error { _, err := msgpack.Marshal(benchProgress); return err },
		"messagepack/unmarshal": func() error { var t progress; return msgpack.Unmarshal(packed, &t) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
