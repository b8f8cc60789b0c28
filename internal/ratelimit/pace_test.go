package ratelimit

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pace
		r := Rate{10, time.Second}
		for i := range 10 {
			if wait := p.Take(r, time.Now()); wait != 0 {
				t.Fatalf("take %d waits %v", i, wait)
			}
		}
		start := time.Now()
		for i := range 20 { // one above, and those who wait their turn
			wait := p.Take(r, time.Now())
			if wait != 100*time.Millisecond {
				t.Fatalf("take %d above waits %v", i, wait)
			}
			time.Sleep(wait)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("20 took %v", took)
		}
		time.Sleep(time.Hour)
		for range 10 {
			p.Take(r, time.Now())
		}
		if wait := p.Take(r, time.Now()); wait != 100*time.Millisecond {
			t.Errorf("after an hour it holds more than ten: the eleventh waits %v", wait)
		}
		var free Pace
		for range 1000 {
			if free.Take(Rate{}, time.Now()) != 0 {
				t.Fatal("no limit waits")
			}
		}
	})
}

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "::ffff:c000:201": "192.0.2.1",
		"2001:db8::1": "2001:db8::", "2001:db8:0:0:ffff::": "2001:db8::", "2001:db8:0:1::": "2001:db8:0:1::",
		"fe80::1%eth0": "fe80::", "fe80::2%eth1": "fe80::", "::1": "::", "": "invalid IP", "@": "invalid IP", "192.0.2.1:80": "invalid IP",
	} {
		if got := ParseNetwork(text).String(); got != want {
			t.Errorf("%q counts as %s, want %s", text, got, want)
		}
	}
	if Network(netip.MustParseAddr("fe80::1%a")) != Network(netip.MustParseAddr("fe80::ffff%b")) {
		t.Error("zones make subjects")
	}
}
