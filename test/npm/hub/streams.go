package main

import (
	"context"
	"iter"
	"strings"

	"hubline/signalr"
)

// large is an item of which few fill what lies between server and client.
type large struct {
	N       int
	Filling string
}

// addStreams adds methods with streams, both ways.
func addStreams(h *signalr.Hub, b *board) {
	h.Handle("Count", func(ctx context.Context, to int) <-chan int {
		ch := make(chan int)
		go func() { // ends with the client's interest
			defer close(ch)
			for i := range to {
				select {
				case ch <- i:
				case <-ctx.Done():
					return
				}
			}
		}()
		return ch
	})
	h.Handle("Repeat", func(item any, times int) iter.Seq[any] {
		return func(yield func(any) bool) {
			for range times {
				if !yield(item) {
					return
				}
			}
		}
	})
	// Endless sends one item, and then notes how it ended.
	h.Handle("Endless", func(ctx context.Context, c signalr.Caller, key string) <-chan string {
		ch := make(chan string)
		go func() { // ends with the client's interest
			defer close(ch)
			select {
			case ch <- "first":
			case <-ctx.Done():
			}
			<-ctx.Done()
			if c.Context().Err() != nil {
				b.put(key, "disconnected")
				return
			}
			b.put(key, "canceled")
			_ = c.Send("StreamCanceled", key)
		}()
		return ch
	})
	// EndlessSequence sends as fast as the client takes it.
	h.Handle("EndlessSequence", func(key string) iter.Seq[large] {
		return func(yield func(large) bool) {
			item := large{Filling: strings.Repeat("x", 4<<10)}
			for yield(item) {
				item.N++
			}
			b.put(key, "canceled")
		}
	})

	h.Handle("Concat", func(texts <-chan string) string {
		var all strings.Builder
		for t := range texts {
			all.WriteString(t)
		}
		return all.String()
	})
	h.Handle("Sum", func(numbers iter.Seq2[int, error]) (int, error) {
		sum := 0
		for n, err := range numbers {
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	})
	h.Handle("Collect", func(items iter.Seq2[any, error], key string) ([]any, error) {
		b.put("begun "+key, "yes")
		all := []any{}
		for v, err := range items {
			if err != nil {
				b.put(key, "ended with "+err.Error())
				return nil, err
			}
			all = append(all, v)
		}
		b.put(key, "complete")
		return all, nil
	})
	h.Handle("FirstOf", func(texts <-chan string) string { return <-texts })
	h.Handle("Zip", func(left <-chan string, between string, right <-chan string) string {
		var all strings.Builder
		for l := range left {
			all.WriteString(l + between + <-right + ";")
		}
		return all.String()
	})
	h.Handle("Sums", func(numbers iter.Seq2[int, error]) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			sum := 0
			for n, err := range numbers {
				sum += n
				if !yield(sum, err) || err != nil {
					return
				}
			}
		}
	})
}
