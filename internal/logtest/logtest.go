// Package logtest keeps what tests have logged.
package logtest

import (
	"bytes"
	"strings"
	"sync"
)

// Lines collects what is logged to it. The zero value is empty. It is safe for
// concurrent use.
type Lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all of it.
func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Count is how often a text stands in it.
func (l *Lines) Count(text string) int { return strings.Count(l.String(), text) }
