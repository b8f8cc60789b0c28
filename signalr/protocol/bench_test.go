package protocol

import (
	"strings"
	"testing"
)

var benchArgs = []byte(`[{"operation":"backup-export","step":"export_collect_data","fileName":"vault-2026-11-20.zip","done":false,"progress":42,"bytes":1234567}]`)

func codecs(b *testing.B, f func(b *testing.B, c Codec)) {
	for _, c := range []Codec{JSON, MessagePack} {
		b.Run(c.Name(), func(b *testing.B) {
			b.ReportAllocs()
			f(b, c)
		})
	}
}

// One event to one more receiver: what fan-out costs per client.
func BenchmarkAppendStamped(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		enc, err := c.EncodeInvocation(Event{Target: "backup.progress", Arguments: benchArgs})
		if err != nil {
			b.Fatal(err)
		}
		buf, seq := make([]byte, 0, 1024), uint64(1000)
		for b.Loop() {
			seq++
			buf = enc.AppendStamped(buf[:0], seq, "k7q2")
		}
	})
}

// Once per event and codec.
func BenchmarkEncodeInvocation(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		for b.Loop() {
			if _, err := c.EncodeInvocation(Event{Target: "backup.progress", Arguments: benchArgs}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeInvocation(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		arg, err := c.AppendJSON(nil, benchArgs)
		if err != nil {
			b.Fatal(err)
		}
		in, err := c.Append(nil, &Message{Type: TypeInvocation, InvocationID: "17", Target: "Echo", Arguments: []Raw{arg, arg}})
		if err != nil {
			b.Fatal(err)
		}
		var m Message
		for b.Loop() {
			body, _, err := c.Next(in, 1<<15)
			if err != nil {
				b.Fatal(err)
			}
			if err := c.Decode(body, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodePing(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		var m Message
		for b.Loop() {
			body, _, err := c.Next(c.Ping(), 1<<15)
			if err != nil {
				b.Fatal(err)
			}
			if err := c.Decode(body, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendCompletion(b *testing.B) {
	codecs(b, func(b *testing.B, c Codec) {
		result, err := c.AppendJSON(nil, benchArgs)
		if err != nil {
			b.Fatal(err)
		}
		var buf []byte
		m := Message{Type: TypeCompletion, InvocationID: "17", Result: result, HasResult: true}
		for b.Loop() {
			if buf, err = c.Append(buf[:0], &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The transcoder moves bytes when a container has more than 15 elements; the
// worst case is nesting of such containers.
func BenchmarkTranscodeWide(b *testing.B) {
	in := []byte(strings.Repeat("["+strings.Repeat("1,", 20), MaxDepth) + "1" + strings.Repeat("]", MaxDepth))
	var buf []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		var err error
		if buf, err = MessagePack.AppendJSON(buf[:0], in); err != nil {
			b.Fatal(err)
		}
	}
}
