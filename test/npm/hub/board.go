package main

import (
	"context"
	"sync"
	"time"

	"hubline/signalr"
)

// board is where methods note what they have seen, for whoever waits for it.
type board struct {
	mu    sync.Mutex
	notes map[string]chan string
}

func newBoard() *board { return &board{notes: make(map[string]chan string)} }

func (b *board) at(key string) chan string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.notes[key] == nil {
		b.notes[key] = make(chan string, 8)
	}
	return b.notes[key]
}

// put never waits: of what nobody takes there is room for little.
func (b *board) put(key, text string) {
	select {
	case b.at(key) <- text:
	default:
	}
}

// take waits for a note, but not for ever.
func (b *board) take(ctx context.Context, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	select {
	case text := <-b.at(key):
		return text, nil
	case <-ctx.Done():
		return "", signalr.Errorf("there is no note %q", key)
	}
}

// has reports whether there is a note that nobody has taken.
func (b *board) has(key string) bool { return len(b.at(key)) > 0 }
