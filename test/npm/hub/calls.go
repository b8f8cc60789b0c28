package main

import (
	"context"
	"errors"
	"iter"
	"math"
	"strings"
	"time"

	"hubline/signalr"
)

// Whole has a field of every kind that values differ in between the encodings.
type Whole struct {
	Text    string
	Small   int8
	Big     int64
	Huge    uint64
	Ratio   float64
	Yes     bool
	Nothing *string
	Bytes   []byte
	When    time.Time
	Names   []string
	Inner   *Whole
	Table   map[string]int
	Any     any
}

// addCalls adds methods about values and errors.
func addCalls(h *signalr.Hub) {
	h.Handle("Nothing", func() {})
	h.Handle("NoError", func() error { return nil })
	h.Handle("Null", func() *Whole { return nil })
	h.Handle("Echo", func(v any) any { return v })
	h.Handle("EchoText", func(s string) string { return s })
	h.Handle("EchoBytes", func(p []byte) []byte { return p })
	h.Handle("EchoWhole", func(w Whole) Whole { return w })
	h.Handle("EchoTime", func(t time.Time) time.Time { return t })
	h.Handle("Later", func(t time.Time, ms int64) time.Time { return t.Add(time.Duration(ms) * time.Millisecond) })
	h.Handle("Add", func(a int, b float64) float64 { return float64(a) + b })
	h.Handle("EchoInt64", func(n int64) int64 { return n })
	h.Handle("Long", func(n int) string { return strings.Repeat("x", n) })
	h.Handle("Limits", func() []any {
		return []any{int64(math.MinInt64), int64(math.MaxInt64), uint64(math.MaxUint64), math.MaxInt32, math.MinInt8, 1 << 53}
	})

	h.Handle("Fails", func(text string) error { return signalr.Errorf("%s", text) })
	h.Handle("FailsWithin", func() error { return errors.New("a secret") })
	h.Handle("Panics", func() { panic("a secret") })
	h.Handle("Guarded", func() string { return "inside" },
		signalr.Require(func(c signalr.Caller) bool { return c.User() == "root" }))
	h.Handle("Unsendable", func() any { return func() {} })
	h.Handle("StreamFailsAtOnce", func() (iter.Seq[int], error) { return nil, signalr.Errorf("no stream") })
	h.Handle("StreamIsNil", func() <-chan int { return nil })
	h.Handle("StreamFails", func(after int, shown bool) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range after {
				if !yield(i, nil) {
					return
				}
			}
			if shown {
				yield(0, signalr.Errorf("after %d", after))
			} else {
				yield(0, errors.New("a secret"))
			}
		}
	})
	h.Handle("StreamPanics", func() iter.Seq[int] {
		return func(yield func(int) bool) {
			yield(1)
			panic("a secret")
		}
	})

	h.Handle("Ask", func(ctx context.Context, c signalr.Caller, target string) (any, error) {
		var got any
		err := c.Invoke(ctx, &got, target, "question", c.ConnectionID())
		return got, err
	})
	h.Handle("AskNumber", func(ctx context.Context, c signalr.Caller, target string) (int, error) {
		var got int
		err := c.Invoke(ctx, &got, target)
		return got, err
	})
	h.Handle("AskOther", func(ctx context.Context, c signalr.Caller, id, target string) (string, error) {
		var got string
		err := h.Invoke(ctx, id, &got, target, c.ConnectionID())
		if shown, ok := errors.AsType[*signalr.Error](err); ok {
			return "", shown
		} else if err != nil {
			return "not answered", nil // texts of ours are not for clients
		}
		return got, nil
	})
}
