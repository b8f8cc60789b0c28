package ledger

import "crypto/rand"

// epochs are all that were ever given, by number. Guarded by Ledger.mu.
type epochs struct {
	texts  []string
	number map[string]uint32
	// base is that of new users.
	base uint32
	// floor: lower ones are given up, whoever has one is in the base.
	floor uint32
}

const (
	epochLen    = 8
	epochDigits = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// add makes an epoch and returns its number. It is random, so it is no other's of
// this ledger, nor of one that was lost.
func (e *epochs) add() uint32 {
	var b [epochLen]byte
	for i := 0; i < len(b); {
		var c [1]byte
		_, _ = rand.Read(c[:]) //nolint:errcheck // it never fails
		if c[0] < 252 {        // the largest multiple of 36 in a byte
			b[i] = epochDigits[c[0]%36]
			i++
		}
	}
	return e.intern(string(b[:]))
}

// intern returns the number of an epoch. There are few: one for each damage and for
// each time that somebody was forgotten.
func (e *epochs) intern(text string) uint32 {
	if n, ok := e.number[text]; ok {
		return n
	}
	if e.number == nil {
		e.number = map[string]uint32{}
	}
	n := uint32(len(e.texts)) //nolint:gosec // few
	e.texts, e.number[text] = append(e.texts, text), n
	return n
}

// text returns the epoch of a row.
func (e *epochs) text(n uint32) string {
	if n < e.floor || int(n) >= len(e.texts) {
		n = e.base
	}
	return e.texts[n]
}

// effective is the number whose text text returns.
func (e *epochs) effective(n uint32) uint32 {
	if n < e.floor || int(n) >= len(e.texts) {
		return e.base
	}
	return n
}
