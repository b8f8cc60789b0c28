package eventstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func readAll(r io.Reader, limit int) (blocks []Block, err error) {
	reader := NewReader(r, limit)
	for {
		block, err := reader.Next()
		if err != nil {
			return blocks, err
		}
		blocks = append(blocks, block)
	}
}

func TestNext(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		want         []Block
	}{
		{"empty", "", nil},
		{"one event", "data: x\n\n", []Block{{Data: []byte("x")}}},
		{"all fields", "event: a\nid: 5\nretry: 1500\ndata: x\n\n", []Block{{Event: "a", ID: "5", HasID: true, Retry: 1500 * time.Millisecond, Data: []byte("x")}}},
		{"CR LF and CR", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", []Block{{Data: []byte("a")}, {Data: []byte("b")}, {Data: []byte("c")}}},
		{"two data lines", "data: a\ndata:b\n\n", []Block{{Data: []byte("a\nb")}}},
		{"empty data lines", "data\ndata:\n\n", []Block{{Data: []byte("\n")}}},
		{"one leading space only", "data:  x\n\n", []Block{{Data: []byte(" x")}}},
		{"colons in data", "data: {\"a\":1}\n\n", []Block{{Data: []byte(`{"a":1}`)}}},
		{"comment and empty lines", ": hi\n\n\n:\n\ndata: x\n\n", []Block{{Data: []byte("x")}}},
		{"id alone", "id: k-5\n\n", []Block{{ID: "k-5", HasID: true}}},
		{"empty id", "id\ndata: x\n\n", []Block{{HasID: true, Data: []byte("x")}}},
		{"id with NUL", "id: a\x00b\ndata: x\n\n", []Block{{Data: []byte("x")}}},
		{"retry not a number", "retry: 1s\nretry: +5\nretry: -5\nretry:\ndata: x\n\n", []Block{{Data: []byte("x")}}},
		{"huge retry", "retry: 9223372036854775807\n\n", []Block{{Retry: maxRetry}}},
		{"unknown field", "color: red\ndata: x\n\n", []Block{{Data: []byte("x")}}},
		{"byte order mark", "\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", []Block{{Data: []byte("x")}}},
		{"unfinished block", "data: x\n\ndata: y\n", []Block{{Data: []byte("x")}}},
		{"unfinished line", "data: x\n\ndata: y", []Block{{Data: []byte("x")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readAll(strings.NewReader(tt.stream), 1000)
			if !errors.Is(err, io.EOF) {
				t.Errorf("error = %v, want io.EOF", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	const limit = 20
	for _, tt := range []struct {
		name, stream string
		want         error
	}{
		{"line at the limit", "data: " + strings.Repeat("x", limit-6) + "\n\n", io.EOF},
		{"line over the limit", "data: " + strings.Repeat("x", limit-5) + "\n\n", ErrTooLong},
		{"lines at the limit", "data: 7890\ndata: 7890\n\n", io.EOF},
		{"lines over the limit", "data: 7890\ndata: 78901\n\n", ErrTooLong},
		{"endless line", strings.Repeat("x", 10*limit), ErrTooLong},
		{"empty data lines add up", strings.Repeat("data\n", 6) + "\n", ErrTooLong},
		{"comments are not kept", strings.Repeat(": xxxxxx\n", 50) + "data: x\n\n", io.EOF},
		{"many small blocks", strings.Repeat(": ping\n\ndata: x\n\n", 50), io.EOF},
	} {
		if _, err := readAll(strings.NewReader(tt.stream), limit); !errors.Is(err, tt.want) {
			t.Errorf("%s: error = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A block must come out as soon as its last byte is in, even if that is a CR
// whose LF may or may not follow.
func TestNextDoesNotWaitForMore(t *testing.T) {
	for _, stream := range []string{"data: x\n\n", "data: x\r\r", "data: x\r\n\r"} {
		pr, pw := io.Pipe()
		go func() { _, _ = pw.Write([]byte(stream)) }() // ends when Next has read it
		block, err := NewReader(pr, 100).Next()
		if err != nil || string(block.Data) != "x" {
			t.Errorf("%q: got %+v, %v", stream, block, err)
		}
		_ = pr.Close()
	}
}

func FuzzReader(f *testing.F) {
	for _, stream := range []string{
		"data: x\n\n", "event: a\r\nid: 1\r\ndata: y\r\n\r\n", "\xef\xbb\xbf: c\r\rid\n\n", "retry: 99999999999999999999\n\n", "data:\x00\rdata\r\r\n\n",
	} {
		f.Add([]byte(stream), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint8) {
		const limit = 64
		whole, wholeErr := readAll(bytes.NewReader(stream), limit)
		for _, r := range []io.Reader{
			iotest.OneByteReader(bytes.NewReader(stream)),
			chunks{bytes.NewReader(stream), int(chunk)%7 + 1},
		} {
			split, splitErr := readAll(r, limit)
			if diff := cmp.Diff(whole, split); diff != "" || !errors.Is(splitErr, wholeErr) && splitErr.Error() != wholeErr.Error() {
				t.Fatalf("split input gives other blocks (%v, %v):\n%s", wholeErr, splitErr, diff)
			}
		}
		for _, block := range whole {
			if len(block.Data)+len(block.ID)+len(block.Event) > limit {
				t.Fatalf("block %+v is over the limit", block)
			}
			again, err := readAll(bytes.NewReader(encode(block)), 10*limit)
			if !errors.Is(err, io.EOF) || len(again) != 1 {
				t.Fatalf("encoded block %+v came back as %+v, %v", block, again, err)
			}
			if diff := cmp.Diff(block, again[0]); diff != "" {
				t.Fatalf("decode(encode(block)) differs:\n%s", diff)
			}
		}
	})
}

// chunks hands out at most size bytes a time.
type chunks struct {
	r    io.Reader
	size int
}

func (c chunks) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.size)]) }

func encode(block Block) []byte {
	var b bytes.Buffer
	if block.HasID {
		b.WriteString("id: " + block.ID + "\n")
	}
	b.WriteString("event: " + block.Event + "\n")
	if block.Retry > 0 {
		fmt.Fprintf(&b, "retry: %d\n", block.Retry.Milliseconds())
	}
	if block.Data != nil {
		for line := range bytes.SplitSeq(block.Data, []byte("\n")) {
			b.WriteString("data: " + string(line) + "\n")
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}
