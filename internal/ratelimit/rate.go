package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen: Count times at once, and Count times in
// each Per in the long run. In any time of one Per it is at most twice Count. The
// zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// Bounds of a Rate. Counts beyond are typing slips, and times beyond make a bucket
// that nobody would see refilled.
const (
	MaxCount = 1_000_000_000
	MinPer   = time.Millisecond
	MaxPer   = 24 * time.Hour
)

// Unlimited reports whether it is no limit.
func (r Rate) Unlimited() bool { return r.Count == 0 }

// Every is the time after which one more may happen once the bucket is empty.
func (r Rate) Every() time.Duration { return r.Per / time.Duration(max(1, r.Count)) }

// ParseRate reads "COUNT/TIME": 100/s, 600/m, 1000/10s. The time is a unit (ms, s,
// m, h) or a duration such as 10s; "0" is no limit.
func ParseRate(text string) (Rate, error) {
	digits, per, found := strings.Cut(text, "/")
	n, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case err != nil || n > MaxCount:
		return Rate{}, fmt.Errorf("rate %q does not begin with a number up to %d", text, MaxCount)
	case n == 0:
		if found {
			return Rate{}, fmt.Errorf("rate %q allows nothing: 0 alone is no limit", text)
		}
		return Rate{}, nil
	case !found:
		return Rate{}, fmt.Errorf("rate %q has no time: write %s/s for so many a second", text, digits)
	}
	if per != "" && (per[0] < '0' || per[0] > '9') {
		per = "1" + per // a unit
	}
	d, err := time.ParseDuration(per)
	if err != nil || d < MinPer || d > MaxPer {
		return Rate{}, fmt.Errorf("rate %q does not end with a time of 1ms to 24h, such as s, 10s or m", text)
	}
	return Rate{Count: int(n), Per: d}, nil
}

// String writes the rate as ParseRate reads it.
func (r Rate) String() string {
	if r.Unlimited() {
		return "0"
	}
	per := r.Per.String()
	switch r.Per {
	case time.Millisecond, time.Second:
		per = per[1:]
	case time.Minute:
		per = "m"
	case time.Hour:
		per = "h"
	}
	return strconv.Itoa(r.Count) + "/" + per
}

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseRate].
func (r *Rate) UnmarshalText(text []byte) error {
	got, err := ParseRate(string(text))
	if err == nil {
		*r = got
	}
	return err
}

// MarshalText implements [encoding.TextMarshaler] by [Rate.String].
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
