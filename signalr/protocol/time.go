package protocol

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
)

var errTime = errors.New("not a point in time between the years 0 and 9999")

// time writes a point in time: RFC 3339 with its offset in JSON, in MessagePack
// the shortest form of the timestamp extension, which has no offset.
func (e *encoder) time(t time.Time) (err error) {
	if e.packed {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return errTime
		}
		e.dst = appendPackedTime(e.dst, t)
		return nil
	}
	at := len(e.dst)
	if e.dst, err = t.AppendText(append(e.dst, '"')); err != nil {
		e.dst = e.dst[:at]
		return err
	}
	e.dst = append(e.dst, '"')
	return nil
}

// appendPackedTime appends extension -1 in 4, 8 or 12 bytes.
func appendPackedTime(dst []byte, t time.Time) []byte {
	sec, nsec := t.Unix(), uint64(t.Nanosecond()) //nolint:gosec // below 1e9
	switch {
	case sec>>34 != 0:
		dst = append(dst, codeExt8, 12, 0xff)
		dst = binary.BigEndian.AppendUint32(dst, uint32(nsec)) //nolint:gosec // below 1e9
		return binary.BigEndian.AppendUint64(dst, uint64(sec)) //nolint:gosec // two's complement
	case nsec == 0 && sec <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, codeFixExt4, 0xff), uint32(sec)) //nolint:gosec // checked
	}
	return binary.BigEndian.AppendUint64(append(dst, codeFixExt8, 0xff), nsec<<34|uint64(sec))
}

// unpackTime reads an extension of type -1 whose code is b[i]; it is known to
// be there.
func unpackTime(b []byte, i int) (time.Time, bool) {
	_, n, next := head(b, i)
	if n < 1 || b[next] != 0xff {
		return time.Time{}, false
	}
	var sec int64
	var nsec uint64
	switch p := b[next+1 : next+n]; len(p) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(p))
	case 8:
		v := binary.BigEndian.Uint64(p)
		sec, nsec = int64(v&(1<<34-1)), v>>34 //nolint:gosec // 34 bits
	case 12:
		nsec = uint64(binary.BigEndian.Uint32(p))
		sec = int64(binary.BigEndian.Uint64(p[4:])) //nolint:gosec // two's complement
	default:
		return time.Time{}, false
	}
	const first, last = -62167219200, 253402300799 // the years 0 and 9999
	if nsec >= 1e9 || sec < first || sec > last {
		return time.Time{}, false
	}
	return time.Unix(sec, int64(nsec)).UTC(), true //nolint:gosec // checked
}

// parseTime reads ISO 8601 as .NET writes it: any number of digits of a second,
// and no zone for a DateTime of unspecified kind, which is taken for UTC. Date
// alone and no seconds are read too.
func parseTime(s string) (time.Time, error) {
	layout := time.DateOnly
	if len(s) > len(layout) {
		layout += "T15:04"
		if len(s) > len(layout) && s[len(layout)] == ':' {
			layout += ":05"
		}
		if s[len(s)-1] == 'Z' || strings.ContainsAny(s[10:], "+-") {
			layout += "Z07:00"
		}
	}
	t, err := time.ParseInLocation(layout, s, time.UTC)
	if err != nil {
		return time.Time{}, errTime // without what the peer sent
	}
	return t, nil
}

// time reads a point in time; null is the zero time. MessagePack may have the
// timestamp extension, text, or .NET's DateTimeOffset: the time on the clock as
// a timestamp, and how many minutes that clock is ahead of UTC.
func (d *decoder) time() (t time.Time, err error) {
	switch k := d.peek(); k {
	case tokenNull:
		d.skip()
		return time.Time{}, nil
	case tokenString:
		var s []byte
		if s, err = d.text(); err != nil {
			return t, err
		}
		return parseTime(string(s))
	case tokenExt:
		t, ok := unpackTime(d.src, d.i)
		if !ok {
			return t, errTime
		}
		d.skip()
		return t, nil
	case tokenArray:
		if it := d.open(); d.packed && it.left == 2 && d.peek() == tokenExt {
			clock, ok := unpackTime(d.src, d.i)
			d.skip()
			minutes, next, isInt := unpackInt(d.src, d.i)
			if !ok || !isInt || minutes < -24*60 || minutes > 24*60 {
				return t, errTime
			}
			d.i = next
			zone := time.FixedZone("", int(minutes)*60)
			return time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), zone), nil
		}
		return t, errTime
	default:
		return t, d.mismatch("a time")
	}
}
