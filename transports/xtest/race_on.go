//go:build race

package xtest

// Race reports whether the race detector is on.
const Race = true
