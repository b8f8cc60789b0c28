package websocket

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"hubline/transports"
)

// wireFrame is a frame as it came from the server.
type wireFrame struct {
	op      byte
	payload string
}

// readFrame is a strict reader of a server's frames (RFC 6455, section 5.2): not
// fragmented, not masked, no reserved bits, the shortest length.
func readFrame(r *bufio.Reader) (wireFrame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return wireFrame{}, err
	}
	if head[0]&0xf0 != 0x80 {
		return wireFrame{}, fmt.Errorf("first byte %#x: fragmented or reserved bits", head[0])
	}
	if head[1]&0x80 != 0 {
		return wireFrame{}, errors.New("masked")
	}
	n, least := uint64(head[1]), uint64(0)
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return wireFrame{}, err
		}
		n, least = uint64(binary.BigEndian.Uint16(b[:])), 126
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return wireFrame{}, err
		}
		n, least = binary.BigEndian.Uint64(b[:]), 1<<16
	}
	op := head[0] & 0x0f
	if n < least || n > 1<<30 || op >= 8 && n > 125 {
		return wireFrame{}, fmt.Errorf("length %d of opcode %d", n, op)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return wireFrame{op, string(payload)}, err
}

func TestFrameLayout(t *testing.T) {
	tests := []struct {
		n    int
		head string
	}{
		{0, "\x81\x00"},
		{1, "\x81\x01"},
		{125, "\x81\x7d"},
		{126, "\x81\x7e\x00\x7e"},
		{127, "\x81\x7e\x00\x7f"},
		{65535, "\x81\x7e\xff\xff"},
		{65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
		{65537, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01"},
	}
	for _, tt := range tests {
		payload := strings.Repeat("x", tt.n)
		b := transports.NewBatch(framer{})
		b.Buf = append(b.Buf, "before"...)
		for _, text := range []string{payload, "next"} {
			b.Begin(transports.Meta{})
			b.Buf = append(b.Buf, text...)
			b.End()
		}
		want := "before" + tt.head + payload + "\x81\x04next"
		if got := string(b.Buf); got != want {
			t.Errorf("%d bytes: frame begins %.20q, want %.20q, or differs behind that", tt.n, got, want)
		}
	}
}

func TestOtherFrames(t *testing.T) {
	b := transports.NewBatch(framer{})
	b.Begin(transports.Meta{Binary: true, ID: []byte("no place"), Name: "for these"})
	b.Buf = append(b.Buf, 0, 0xff)
	b.End()
	b.KeepAlive([]byte("nor this"))
	if got, want := string(b.Buf), "\x82\x02\x00\xff\x89\x00"; got != want {
		t.Errorf("frames %q, want %q", got, want)
	}
	long := strings.Repeat("é", 100)
	for _, tt := range []struct {
		code       int
		text, want string
	}{
		{1000, "", "\x88\x02\x03\xe8"},
		{4401, "expiry", "\x88\x08\x11\x31expiry"},
		{1011, long, "\x88\x7c\x03\xf3" + long[:122]}, // no half of a letter
		{1011, "a" + long, "\x88\x7d\x03\xf3a" + long[:122]},
	} {
		if got := string(appendClose(nil, tt.code, tt.text)); got != tt.want {
			t.Errorf("close %d %.10q is %q, want %q", tt.code, tt.text, got, tt.want)
		}
	}
	if got, want := string(appendControl(nil, finPong, bytes.Repeat([]byte("x"), 126))), "\x8a\x7d"+strings.Repeat("x", 125); got != want {
		t.Errorf("pong is %q, want %q", got, want)
	}
}

// Whatever is laid out, in whatever order: a strict reader finds just that.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("a"), []byte(""), 125, true)
	f.Add([]byte("\x00\xff"), []byte("b"), 65536, false)
	f.Fuzz(func(t *testing.T, p, q []byte, n int, bin bool) {
		n = (n%200_000 + 200_000) % 200_000
		long := bytes.Repeat([]byte{'l'}, n)
		b := transports.NewBatch(framer{})
		op := byte(1)
		if bin {
			op = 2
		}
		var want []wireFrame
		for _, payload := range [][]byte{p, long, q} {
			b.Begin(transports.Meta{Binary: bin})
			b.Buf = append(b.Buf, payload...)
			b.End()
			b.KeepAlive(nil)
			want = append(want, wireFrame{op, string(payload)}, wireFrame{9, ""})
		}
		b.Buf = appendControl(b.Buf, finPong, p)
		want = append(want, wireFrame{10, string(p[:min(len(p), maxControl)])})
		r := bufio.NewReader(bytes.NewReader(appendClose(b.Buf, 1000+n%4000, string(q))))
		for i, w := range want {
			if got, err := readFrame(r); err != nil || got != w {
				t.Fatalf("frame %d: %.20q, %v; want %.20q", i, got.payload, err, w.payload)
			}
		}
		got, err := readFrame(r)
		if err != nil || got.op != 8 || int(got.payload[0])<<8|int(got.payload[1]) != 1000+n%4000 {
			t.Fatalf("close frame %q, %v", got.payload, err)
		}
		text := got.payload[2:]
		if !strings.HasPrefix(string(q), text) || utf8.Valid(q) && !utf8.ValidString(text) {
			t.Errorf("close text is %q of %q", text, q)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{50, 200, 70_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			batch := transports.NewBatch(framer{})
			payload := make([]byte, n)
			b.ReportAllocs()
			b.SetBytes(int64(n))
			for b.Loop() {
				batch.Reset(framer{})
				batch.Begin(transports.Meta{})
				batch.Buf = append(batch.Buf, payload...)
				batch.End()
			}
		})
	}
}
