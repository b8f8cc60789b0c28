package ledger

import (
	"encoding/binary"
	"math"
)

// wire reads what is written with appendText and binary.AppendUvarint. What does
// not fit makes it bad, and everything after that zero; so only the end need be
// checked. Nothing it returns is longer than what it was given.
type wire struct {
	b   []byte
	bad bool
}

func (w *wire) byte() byte {
	if len(w.b) == 0 {
		w.bad = true
		return 0
	}
	c := w.b[0]
	w.b = w.b[1:]
	return c
}

func (w *wire) uvarint() uint64 {
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		w.bad, w.b = true, nil
		return 0
	}
	w.b = w.b[n:]
	return v
}

func (w *wire) varint() int64 {
	v, n := binary.Varint(w.b)
	if n <= 0 {
		w.bad, w.b = true, nil
		return 0
	}
	w.b = w.b[n:]
	return v
}

// count reads a number that is of things of at least one byte each.
func (w *wire) count() int {
	n := w.uvarint()
	if n > uint64(len(w.b)) {
		w.bad, w.b = true, nil
		return 0
	}
	return int(n) //nolint:gosec // at most the length of b
}

// small reads a number that is not above the largest of 32 bits.
func (w *wire) small() int {
	n := w.uvarint()
	if n > math.MaxInt32 {
		w.bad = true
		return 0
	}
	return int(n) //nolint:gosec // checked
}

// take returns the next n bytes, of the input.
func (w *wire) take(n int) []byte {
	if n > len(w.b) {
		w.bad, w.b = true, nil
		return nil
	}
	b := w.b[:n:n]
	w.b = w.b[n:]
	return b
}

func (w *wire) bytes() []byte { return w.take(w.count()) }
func (w *wire) text() string  { return string(w.bytes()) }

// done reports whether everything was there, and nothing else.
func (w *wire) done() bool { return !w.bad && len(w.b) == 0 }

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendCount(b []byte, n int) []byte {
	return binary.AppendUvarint(b, uint64(max(0, n))) //nolint:gosec // not negative
}
