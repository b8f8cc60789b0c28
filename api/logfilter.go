package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hubline/api/auth"
	"hubline/replay"
)

// logFilter chooses among the events of a log. The zero value takes all.
type logFilter struct {
	types        []string // none: all
	device       string   // what this device of the user gets; empty: all
	from, before int64    // Unix milliseconds; before is not included, 0: no end
}

// logFilterOf reads types, device, from and to.
func logFilterOf(q url.Values) (f logFilter, err error) {
	if f.types, err = typesOf(q); err != nil {
		return f, err
	}
	if f.device = strings.Clone(q.Get("device")); f.device != "" && !auth.Usable(f.device, auth.MaxDeviceBytes) {
		return f, errDevice
	}
	if f.from, err = millisOf(q, "from", 0); err != nil {
		return f, err
	}
	to, err := millisOf(q, "to", -1)
	if err != nil {
		return f, err
	}
	if f.before = to + 1; f.before > 0 && f.from > to {
		return f, badRequest(`"from" is later than "to".`)
	}
	return f, nil
}

var errDevice = badRequest(`"device" must be a text of 1 to 128 bytes without control characters.`)

// millisOf reads a time.
func millisOf(q url.Values, name string, absent int64) (int64, error) {
	v := q.Get(name)
	if v == "" {
		return absent, nil
	}
	ms, err := strconv.ParseUint(v, 10, 53)
	if err != nil {
		return 0, badRequest(`"` + name + `" is a time in Unix milliseconds, a whole number.`)
	}
	return int64(ms), nil //nolint:gosec // 53 bits
}

func (f *logFilter) wants(ev *replay.Event) bool {
	switch {
	case len(f.types) > 0 && !slices.Contains(f.types, ev.Type),
		ev.Time < f.from || f.before > 0 && ev.Time >= f.before:
		return false
	case f.device == "":
		return true
	}
	return (ev.Device == "" || ev.Device == f.device) && ev.ExceptDevice != f.device
}
