package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubline/internal/jsonscan"
)

// maxFrames bounds how many values, pointers and interfaces included, may be
// entered at a time. Pointers open no container; without it, one that leads to
// itself would be followed for ever.
const maxFrames = 4 * MaxDepth

var (
	errDepth = errors.New("nested too deeply")
	errNaN   = errors.New("JSON has no NaN and no infinity")
)

// encoder appends values in one encoding.
type encoder struct {
	dst    []byte
	packed bool
	naming Naming
	depth  int // containers that are open
	frames int // values that are being written
}

// maxPooled bounds the memory of an encoder that waits for its next use.
const maxPooled = 64 << 10

// encoders lends buffers, so that a result takes one allocation of its size.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

func marshal(v any, packed bool, n Naming) (Raw, error) {
	e := encoders.Get().(*encoder)
	*e = encoder{dst: e.dst[:0], packed: packed, naming: n}
	defer func() {
		if cap(e.dst) <= maxPooled {
			encoders.Put(e)
		}
	}()
	if err := e.any(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.Clone(e.dst), nil
}

// any writes a value whose type is not known before. The common types need no
// plan.
func (e *encoder) any(v any) error {
	switch v := v.(type) {
	case nil:
		e.null()
	case bool:
		e.bool(v)
	case string:
		e.string(v)
	case int:
		e.int(int64(v))
	case int32:
		e.int(int64(v))
	case int64:
		e.int(v)
	case uint32:
		e.uint(uint64(v))
	case uint64:
		e.uint(v)
	case float64:
		return e.float(v, 64)
	case []byte:
		e.bytes(v)
	case json.RawMessage:
		return e.raw(v)
	case time.Time:
		return e.time(v)
	case map[string]any:
		return e.object(v)
	case []any:
		return e.anys(v)
	default:
		r := reflect.ValueOf(v)
		p, err := planFor(r.Type(), e.packed, e.naming)
		if err != nil {
			return err
		}
		return e.value(p, r)
	}
	return nil
}

func (e *encoder) null() {
	if e.packed {
		e.dst = append(e.dst, codeNil)
	} else {
		e.dst = append(e.dst, "null"...)
	}
}

func (e *encoder) bool(v bool) {
	switch {
	case !e.packed:
		e.dst = strconv.AppendBool(e.dst, v)
	case v:
		e.dst = append(e.dst, codeTrue)
	default:
		e.dst = append(e.dst, codeFalse)
	}
}

func (e *encoder) int(v int64) {
	if e.packed {
		e.dst = appendPackedInt(e.dst, v)
	} else {
		e.dst = strconv.AppendInt(e.dst, v, 10)
	}
}

func (e *encoder) uint(v uint64) {
	if e.packed {
		e.dst = appendPackedUint(e.dst, v)
	} else {
		e.dst = strconv.AppendUint(e.dst, v, 10)
	}
}

func (e *encoder) float(v float64, bits int) error {
	switch {
	case e.packed && bits == 32:
		e.dst = appendPackedFloat32(e.dst, float32(v))
	case e.packed:
		e.dst = appendPackedFloat(e.dst, v)
	case math.IsNaN(v) || math.IsInf(v, 0):
		return errNaN
	default:
		e.dst = appendJSONFloat(e.dst, v, bits)
	}
	return nil
}

// string writes text; what is not UTF-8 becomes U+FFFD.
func (e *encoder) string(v string) {
	if e.packed {
		e.dst = appendPackedString(e.dst, strings.ToValidUTF8(v, "\uFFFD"))
	} else {
		e.dst = appendText(e.dst, v)
	}
}

func (e *encoder) bytes(v []byte) {
	switch {
	case v == nil:
		e.null()
	case e.packed:
		e.dst = append(appendBinHead(e.dst, len(v)), v...)
	default:
		e.dst = append(base64.StdEncoding.AppendEncode(append(e.dst, '"'), v), '"')
	}
}

// raw writes a JSON text, nil as null.
func (e *encoder) raw(v []byte) error {
	if v == nil {
		e.null()
		return nil
	}
	i := jsonscan.SkipSpace(v, 0)
	if e.packed {
		t := transcoder{src: v, dst: e.dst}
		end := t.value(i, MaxDepth-e.depth, false)
		if end < 0 || jsonscan.SkipSpace(v, end) != len(v) {
			return ErrJSON
		}
		e.dst = t.dst
		return nil
	}
	end := jsonscan.Lenient.SkipValue(v, i, MaxDepth-e.depth)
	if end < 0 || jsonscan.SkipSpace(v, end) != len(v) {
		return ErrJSON
	}
	e.dst = appendCompact(e.dst, v[i:end])
	return nil
}

// enter begins a container.
func (e *encoder) enter() error {
	if e.depth == MaxDepth {
		return errDepth
	}
	e.depth++
	return nil
}
