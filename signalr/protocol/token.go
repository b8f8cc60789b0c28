package protocol

import (
	"errors"
	"fmt"

	"hubline/internal/jsonscan"
)

// token is the kind of the next value, in either encoding.
type token uint8

const (
	tokenNull token = iota
	tokenBool
	tokenNumber
	tokenString
	tokenBytes
	tokenExt
	tokenArray
	tokenMap
)

func (t token) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "bytes", "an extension", "an array", "a map"}[t]
}

// decoder reads a value that is known to be complete, valid and at most
// MaxDepth deep, so that its methods need not check it again. Each leaves i
// behind what it has read.
type decoder struct {
	src    []byte
	i      int
	packed bool
	naming Naming
	frames int
	// names holds a property's name without escapes or in folded form until
	// the next one is read.
	names, folded []byte
}

var (
	errPacked = errors.New("MessagePack is malformed or nested too deeply")
	errText   = errors.New("string is not UTF-8")
	errKey    = errors.New("a key that is neither a string nor an integer")
)

// start checks the whole value and goes to its beginning.
func (d *decoder) start() error {
	if d.packed {
		if skipPacked(d.src, 0, MaxDepth) != len(d.src) {
			return errPacked
		}
		return nil
	}
	d.i = jsonscan.SkipSpace(d.src, 0)
	end := jsonscan.Lenient.SkipValue(d.src, d.i, MaxDepth)
	if end < 0 || jsonscan.SkipSpace(d.src, end) != len(d.src) {
		return ErrJSON
	}
	return nil
}

// peek tells what comes next.
func (d *decoder) peek() token {
	c := d.src[d.i]
	if d.packed {
		return peekPacked(c)
	}
	switch c {
	case '"':
		return tokenString
	case '{':
		return tokenMap
	case '[':
		return tokenArray
	case 't', 'f':
		return tokenBool
	case 'n':
		return tokenNull
	}
	return tokenNumber
}

func peekPacked(c byte) token {
	switch {
	case c <= 0x7f || c >= 0xe0:
		return tokenNumber
	case c <= 0x8f || c == codeMap16 || c == codeMap32:
		return tokenMap
	case c <= 0x9f || c == codeArray16 || c == codeArray32:
		return tokenArray
	case c <= 0xbf || c >= codeStr8 && c <= codeStr32:
		return tokenString
	case c == codeNil:
		return tokenNull
	case c == codeFalse || c == codeTrue:
		return tokenBool
	case c <= codeBin32:
		return tokenBytes
	case c <= codeExt32 || c >= codeFixExt1 && c <= codeFixExt16:
		return tokenExt
	}
	return tokenNumber
}

// skip passes the next value and returns its text.
func (d *decoder) skip() []byte {
	from := d.i
	if d.packed {
		d.i = skipPacked(d.src, d.i, MaxDepth)
	} else {
		d.i = jsonscan.Lenient.SkipValue(d.src, d.i, MaxDepth)
	}
	return d.src[from:d.i:d.i]
}

// mismatch tells that the next value is of the wrong kind. It names kinds only:
// what people send does not belong into logs.
func (d *decoder) mismatch(want string) error {
	return fmt.Errorf("%v where %s is wanted", d.peek(), want)
}

// items is where the reading of an array or map stands.
type items struct {
	left    int // MessagePack: elements or pairs that are still to come
	started bool
}

// open enters an array or map.
func (d *decoder) open() (it items) {
	if d.packed {
		_, it.left, d.i = head(d.src, d.i)
	} else {
		d.i = jsonscan.SkipSpace(d.src, d.i+1)
	}
	return it
}

// next goes to the next element or key, or behind the container if there is
// none. closing is its bracket in JSON.
func (d *decoder) next(it *items, closing byte) bool {
	if d.packed {
		it.left--
		return it.left >= 0
	}
	if it.started {
		i, done := jsonscan.SkipComma(d.src, d.i, closing)
		d.i = i
		return !done
	}
	it.started = true
	if d.src[d.i] == closing {
		d.i++
		return false
	}
	return true
}
