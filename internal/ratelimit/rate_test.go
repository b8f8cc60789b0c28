package ratelimit

import (
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"0": {}, "100/s": {100, time.Second}, "1/ms": {1, time.Millisecond}, "600/m": {600, time.Minute}, "3/h": {3, time.Hour},
		"1000/10s": {1000, 10 * time.Second}, "5/1m30s": {5, 90 * time.Second}, "1/24h": {1, 24 * time.Hour}, "1000000000/s": {MaxCount, time.Second},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want {
			t.Errorf("ParseRate(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if back, err := ParseRate(got.String()); err != nil || back != got {
			t.Errorf("%q is written %q, which is %+v, %v", text, got, back, err)
		}
	}
	for _, text := range []string{
		"", "/", "1", "1/", "/s", "-1/s", "+1/s", "1.5/s", "0/s", "0/", "00/s", "1/0s", "1/us", "1/-1s", "1/+1s", "1/25h", "1000000001/s", "99999999999999999999/s", "1 /s", "1/ s", "1/s ", "1/s/s", "x/s", "1/x",
	} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %+v, want an error", text, got)
		}
	}
	for rate, want := range map[Rate]string{{}: "0", {5, time.Second}: "5/s", {5, time.Millisecond}: "5/ms", {5, time.Minute}: "5/m", {5, time.Hour}: "5/h", {5, 10 * time.Second}: "5/10s"} {
		if got := rate.String(); got != want {
			t.Errorf("%+v is written %q, want %q", rate, got, want)
		}
	}
	if got := (Rate{1000, 10 * time.Second}).Every(); got != 10*time.Millisecond {
		t.Errorf("every %v", got)
	}
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"0", "100/s", "1000/10s", "5/1m30s", "1/24h", "x", "1/", "1/h1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		if r.Count < 0 || r.Count > MaxCount || !r.Unlimited() && (r.Per < MinPer || r.Per > MaxPer) {
			t.Fatalf("%q is %+v", text, r)
		}
		if back, err := ParseRate(r.String()); err != nil || back != r {
			t.Fatalf("%q is %+v, written %q, which is %+v, %v", text, r, r, back, err)
		}
	})
}
