package replay

import (
	"crypto/rand"
	"encoding/binary"
)

const (
	epochLen    = 8
	epochDigits = "0123456789abcdefghijklmnopqrstuvwxyz"
	epochSpace  = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 // 2.8e12

	// epochStride walks all of epochSpace before it repeats (it shares no factor
	// with 36), in steps that make neighbours look different to a human.
	epochStride = 1_743_392_200_501
)

// epochs makes epoch texts: a random start per process, so that a cursor from
// before a restart is not taken for one of now, and no repetition within it. Not
// safe for concurrent use.
type epochs struct{ at uint64 }

func newEpochs() epochs {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return epochs{at: binary.LittleEndian.Uint64(b[:]) % epochSpace}
}

func (e *epochs) next() string {
	e.at = (e.at + epochStride) % epochSpace
	var b [epochLen]byte
	for i, v := epochLen-1, e.at; i >= 0; i, v = i-1, v/36 {
		b[i] = epochDigits[v%36]
	}
	return string(b[:])
}
