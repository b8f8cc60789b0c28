package transports

import (
	"strings"
	"testing"
)

// brackets is a framer that shows where it was called.
type brackets struct{}

func (brackets) Begin(dst []byte, m Meta) []byte {
	dst = append(dst, '<')
	dst = append(dst, m.ID...)
	return append(dst, '>')
}

func (brackets) End(dst []byte, m Meta, start, body int) []byte {
	return append(dst, "</"+m.Name+string(rune('0'+body-start))+">"...)
}

func (brackets) KeepAlive(dst, id []byte) []byte { return append(append(dst, '~'), id...) }

func TestBatchLaysMessagesOut(t *testing.T) {
	b := NewBatch(brackets{})
	b.Begin(Meta{ID: []byte("a"), Name: "n"})
	b.Buf = append(b.Buf, "one"...)
	b.End()
	b.Begin(Meta{})
	b.Buf = append(b.Buf, "dropped"...)
	b.Discard()
	b.KeepAlive([]byte("k"))
	b.Begin(Meta{})
	b.End()
	if got, want := string(b.Buf), "<a>one</n3>~k<></2>"; got != want {
		t.Errorf("batch = %q, want %q", got, want)
	}
	if b.count != 2 {
		t.Errorf("count = %d, want 2", b.count)
	}
	b.Reset(Plain{})
	b.Begin(Meta{ID: []byte("a")})
	b.Buf = append(b.Buf, "two"...)
	b.End()
	b.KeepAlive(nil)
	if got := string(b.Buf); got != "two" || b.count != 1 {
		t.Errorf("batch = %q of %d messages, want \"two\" of 1", got, b.count)
	}
}

func TestBatchIsFullAtItsSize(t *testing.T) {
	b := NewBatch(Plain{})
	for _, n := range []int{0, batchBytes - 1, batchBytes, batchBytes + 1} {
		b.Reset(Plain{})
		b.Buf = append(b.Buf, strings.Repeat("x", n)...)
		if got, want := b.Full(), n >= batchBytes; got != want {
			t.Errorf("with %d bytes Full() = %v, want %v", n, got, want)
		}
		if got, want := b.Room(), max(1, batchBytes-n); got != want {
			t.Errorf("with %d bytes Room() = %d, want %d", n, got, want)
		}
	}
}
