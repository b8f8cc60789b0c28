package protocol

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"
)

const fuzzLimit = 4096

// split decodes a stream whose bytes arrive in the given pieces and returns
// the messages as text and the error that ended it.
func split(c Codec, in []byte, piece func(left int) int) (out []string, err error) {
	var buf []byte
	for len(in) > 0 {
		n := piece(len(in))
		buf, in = append(buf, in[:n]...), in[n:]
		for {
			body, n, err := c.Next(buf, fuzzLimit)
			if err != nil {
				return out, err
			}
			if n == 0 {
				break
			}
			var m Message
			if err := c.Decode(body, &m); err != nil {
				return out, err
			}
			if m.Type.Known() {
				b, err := c.Append(nil, &m)
				if err != nil {
					return out, err
				}
				out = append(out, string(b))
			}
			buf = buf[n:]
		}
	}
	return out, nil
}

func fuzzStream(f *testing.F, c Codec) {
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		whole, wholeErr := split(c, in, func(left int) int { return left })
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // reproducible on purpose
		for _, piece := range []func(int) int{
			func(int) int { return 1 },
			func(left int) int { return min(left, 1+r.IntN(20)) },
		} {
			got, err := split(c, in, piece)
			if diff := cmp.Diff(whole, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("pieces change the messages (-whole +pieces):\n%s", diff)
			}
			if (err == nil) != (wholeErr == nil) {
				t.Fatalf("pieces change the outcome: %v, whole %v", err, wholeErr)
			}
		}
	})
}

func FuzzStreamJSON(f *testing.F) {
	var all strings.Builder
	for _, m := range forms {
		all.WriteString(m.json + "\x1e")
		f.Add([]byte(m.json+"\x1e"), uint64(1))
	}
	f.Add([]byte(all.String()), uint64(2))
	f.Add([]byte(`{"type":99}`+"\x1e"+strings.Repeat("x", fuzzLimit+1)), uint64(3))
	fuzzStream(f, JSON)
}

func FuzzStreamMessagePack(f *testing.F) {
	var all []byte
	for _, m := range forms {
		b := unhex(f, m.packed)
		all = append(all, b...)
		f.Add(b, uint64(1))
	}
	f.Add(all, uint64(2))
	f.Add([]byte("\xff\xff\xff\xff\x07"), uint64(3))
	f.Add([]byte("\x80\x80\x80\x80\x80"), uint64(4))
	fuzzStream(f, MessagePack)
}

// fuzzDecode: no panic, no growth beyond the input, decode(encode(m)) == m, and
// no argument upsets the library that gets it.
func fuzzDecode(f *testing.F, c Codec) {
	f.Fuzz(func(t *testing.T, body []byte) {
		var m Message
		if err := c.Decode(body, &m); err != nil {
			return
		}
		if n := len(m.Arguments) + len(m.StreamIDs) + len(m.Headers); n > len(body) {
			t.Fatalf("%d elements from %d bytes", n, len(body))
		}
		for _, a := range m.Arguments {
			var v any
			_ = c.Unmarshal(a, &v, NamesExact)
			var s sample
			_ = c.Unmarshal(a, &s, NamesExact)
			var n int8
			_ = c.Unmarshal(a, &n, NamesExact)
		}
		if !m.Type.Known() {
			return
		}
		framed, err := c.Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		if c.Binary() {
			for _, v := range m.Headers {
				if v == "" {
					return
				}
			}
		}
		if diff := cmp.Diff(m, decodeOne(t, c, framed), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("encoded and decoded again (-want +got):\n%s", diff)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	for _, m := range forms {
		f.Add([]byte(m.json))
	}
	f.Add([]byte(strings.Repeat(`{"type":`, 100)))
	fuzzDecode(f, JSON)
}

func FuzzDecodeMessagePack(f *testing.F) {
	for _, m := range forms {
		f.Add(unhex(f, m.packed)[1:])
	}
	f.Add(unhex(f, "960180c0a17491"+strings.Repeat("91", 200)))
	f.Add(unhex(f, "960180c0a17491dd7fffffff"))
	fuzzDecode(f, MessagePack)
}

func FuzzHandshake(f *testing.F) {
	f.Add([]byte(`{"protocol":"json","version":1}`+"\x1e"), true)
	f.Add([]byte(`{"protocol":"messagepack","version":1}`), true)
	f.Fuzz(func(t *testing.T, in []byte, whole bool) {
		h, n, err := ParseHandshake(in, fuzzLimit, whole)
		if n > len(in) {
			t.Fatalf("takes %d of %d bytes", n, len(in))
		}
		if err != nil || n == 0 {
			return
		}
		again, _, err := ParseHandshake(AppendHandshakeRequest(nil, h), 0, true)
		if err != nil || again != h {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}

// Our scanner and the library agree on what JSON is, apart from depth, and the
// transcoder's output is what the library reads.
func FuzzTranscode(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"\u00fc\ud83d\ude00",null,true]}`, `[[[]]]`, `"\ud800"`, `1e400`, `{"Date":"2023-11-14T22:13:20.123Z"}`} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, timestamps bool) {
		out, err := appendTranscoded(nil, in, timestamps)
		if (err == nil) != json.Valid(in) {
			if err != nil && strings.Count(string(in), "[")+strings.Count(string(in), "{") > MaxDepth {
				return
			}
			t.Fatalf("%v, but json.Valid says %v", err, json.Valid(in))
		}
		if err != nil {
			return
		}
		if end := skipPacked(out, 0, MaxDepth); end != len(out) {
			t.Fatalf("value ends at %d of %d", end, len(out))
		}
		if len(out) > 9*len(in)+5 {
			t.Fatalf("%d bytes became %d", len(in), len(out))
		}
		var v any
		if err := msgpack.Unmarshal(out, &v); err != nil && !strings.Contains(err.Error(), "NaN") {
			t.Fatal(err)
		}
	})
}
