package api

import "bytes"

// weigh counts a batch of n items as so many calls, one of which has been counted:
// all of it is taken, or none. The further receivers of items with several are
// known only once it has been read, and owed then.
func (b *batch) weigh(n int) error { return b.api.spend(b.id, n-1) }

// countLines counts the items of a batch of lines, as far as there is room for them.
func (b *batch) countLines(text []byte) (n int) {
	if b.api.limits.keys == nil {
		return 0 // nobody counts
	}
	for line := range bytes.Lines(text) {
		if n == b.left {
			break
		}
		if len(bytes.Trim(line, " \t\r\n")) > 0 {
			n++
		}
	}
	return n
}
