package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"hubline/internal/jsonscan"
)

// ErrJSON reports JSON that is malformed or nested deeper than [MaxDepth].
var ErrJSON = errors.New("JSON is malformed or nested too deeply")

func (messagePackCodec) AppendJSON(dst, value []byte) ([]byte, error) {
	return appendTranscoded(dst, value, false)
}

// appendTranscoded appends a JSON text as MessagePack: integers in their
// smallest form, numbers with a fraction or an exponent as float64, objects as
// maps in the order of their keys. With timestamps, the ISO 8601 strings under
// the date keys of the Bitwarden family become timestamps.
func appendTranscoded(dst, value []byte, timestamps bool) ([]byte, error) {
	from := len(dst)
	t := transcoder{src: value, dst: dst, timestamps: timestamps}
	end := t.value(jsonscan.SkipSpace(value, 0), MaxDepth, false)
	if end < 0 || jsonscan.SkipSpace(value, end) != len(value) {
		return dst[:from], ErrJSON
	}
	return t.dst, nil
}

// transcoder turns JSON into MessagePack in one pass. Its methods take the
// index of a value in src and return the index behind it, or -1.
type transcoder struct {
	src, dst   []byte
	timestamps bool
}

// value transcodes any value; date tells that a string may be a timestamp.
func (t *transcoder) value(i, depth int, date bool) int {
	if i >= len(t.src) {
		return -1
	}
	switch t.src[i] {
	case '{', '[':
		return t.container(i, depth)
	case '"':
		end := jsonscan.Lenient.SkipString(t.src, i)
		if end >= 0 {
			t.string(t.src[i:end], date)
		}
		return end
	}
	end := jsonscan.Lenient.SkipValue(t.src, i, depth)
	if end < 0 {
		return -1
	}
	switch t.src[i] {
	case 't':
		t.dst = append(t.dst, codeTrue)
	case 'f':
		t.dst = append(t.dst, codeFalse)
	case 'n':
		t.dst = append(t.dst, codeNil)
	default:
		t.number(t.src[i:end])
	}
	return end
}

// container transcodes an array or object. Its length is known only at its
// end, so the head is put in then.
func (t *transcoder) container(i, depth int) int {
	if depth <= 0 {
		return -1
	}
	object := t.src[i] == '{'
	closing := t.src[i] + 2 // '[' and ']', '{' and '}' are two apart
	at, n := len(t.dst), 0
	t.dst = append(t.dst, 0)
	i = jsonscan.SkipSpace(t.src, i+1)
	if i < len(t.src) && t.src[i] == closing {
		i++
	} else {
		for done := false; !done; n++ {
			date := false
			if object {
				end, value := jsonscan.Lenient.SkipName(t.src, i)
				if end < 0 {
					return -1
				}
				t.string(t.src[i:end], false)
				date = t.timestamps && isDateKey(t.src[i+1:end-1])
				i = value
			}
			if i = t.value(i, depth-1, date); i < 0 {
				return -1
			}
			if i, done = jsonscan.SkipComma(t.src, i, closing); i < 0 {
				return -1
			}
		}
	}
	var h [5]byte
	if object {
		t.dst = insert(t.dst, at, appendMapHead(h[:0], n))
	} else {
		t.dst = insert(t.dst, at, appendArrayHead(h[:0], n))
	}
	return i
}

func (t *transcoder) string(quoted []byte, date bool) {
	if date {
		var ok bool
		if t.dst, ok = appendTimestamp(t.dst, quoted[1:len(quoted)-1]); ok {
			return
		}
	}
	at := len(t.dst)
	t.dst = append(t.dst, 0)
	t.dst = jsonscan.AppendValidText(t.dst, quoted)
	var h [5]byte
	t.dst = insert(t.dst, at, appendStringHead(h[:0], len(t.dst)-at-1))
}

func (t *transcoder) number(text []byte) {
	if !bytes.ContainsAny(text, ".eE") {
		if v, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			t.dst = appendPackedInt(t.dst, v)
			return
		}
		if v, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			t.dst = appendPackedUint(t.dst, v)
			return
		}
	}
	// Beyond the range this is an infinity, as in JavaScript.
	v, _ := strconv.ParseFloat(string(text), 64)
	t.dst = appendPackedFloat(t.dst, v)
}

// isDateKey reports whether values under the key are dates in the payloads of
// the Bitwarden family.
func isDateKey(key []byte) bool {
	switch string(key) {
	case "Date", "RevisionDate", "CreationDate", "ReadDate", "DeletedDate":
		return true
	}
	return false
}

// appendTimestamp appends an ISO 8601 text as timestamp extension (type -1) in
// its 64-bit form, which Vaultwarden uses even without a fraction. Dates that
// it cannot hold, before 1970 or after 2514, get the 96-bit form.
func appendTimestamp(dst, text []byte) ([]byte, bool) {
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return dst, false
	}
	sec, nsec := at.Unix(), uint64(at.Nanosecond()) //nolint:gosec // below 1e9
	if sec>>34 != 0 {
		dst = append(dst, codeExt8, 12, 0xff)
		dst = binary.BigEndian.AppendUint32(dst, uint32(nsec))       //nolint:gosec // below 1e9
		return binary.BigEndian.AppendUint64(dst, uint64(sec)), true //nolint:gosec // two's complement
	}
	dst = append(dst, codeFixExt8, 0xff)
	return binary.BigEndian.AppendUint64(dst, nsec<<34|uint64(sec)), true
}
