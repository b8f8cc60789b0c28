package app

import (
	"testing"
	"time"
)

func TestMeterTrimsOnlyWhenItPays(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	last := usage{cycles: 7, allocated: 1 << 30, held: 100 << 20, goroutines: 10_000}
	tests := []struct {
		name string
		now  time.Time
		u    usage
		want bool
	}{
		{"nothing happened", now, last, false},
		{"a tenth of the memory was allocated", now, usage{cycles: 7, allocated: 1<<30 + 11<<20, held: 100 << 20, goroutines: 10_000}, true},
		{"a little less", now, usage{cycles: 7, allocated: 1<<30 + 9<<20, held: 100 << 20, goroutines: 10_000}, false},
		{"collections run by themselves", now, usage{cycles: 8, allocated: 1<<30 + 11<<20, held: 100 << 20, goroutines: 10_000}, false},
		{"many goroutines have ended", now, usage{cycles: 7, allocated: 1 << 30, held: 100 << 20, goroutines: 8_999}, true},
		{"many have come", now, usage{cycles: 7, allocated: 1 << 30, held: 100 << 20, goroutines: 11_001}, true},
		{"the last trim was too recent for its cost", now.Add(-time.Second), usage{cycles: 7, allocated: 1<<30 + 11<<20, held: 100 << 20, goroutines: 10_000}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := meter{seen: 7, last: last, rest: now}
			if got := m.worthIt(tt.now, tt.u); got != tt.want {
				t.Errorf("worthIt = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMeterLeavesSmallServersAlone(t *testing.T) {
	m := meter{last: usage{held: 1 << 20, goroutines: 20}}
	if m.worthIt(time.Now(), usage{allocated: minAllocated - 1, goroutines: 20 + minGoroutines - 1}) {
		t.Error("worthIt below both floors")
	}
}

func TestMeterRestsAHundredTimesAsLongAsATrimTook(t *testing.T) {
	var m meter
	start := time.Unix(1_000_000, 0)
	m.trimmed(start, start.Add(100*time.Millisecond), usage{})
	if got, want := m.rest.Sub(start), 100*time.Millisecond+10*time.Second; got != want {
		t.Errorf("rest = %v, want %v", got, want)
	}
}

func TestReadUsageReadsSomething(t *testing.T) {
	if u := readUsage(); u.held == 0 || u.goroutines == 0 || u.allocated == 0 {
		t.Errorf("usage = %+v", u)
	}
}
