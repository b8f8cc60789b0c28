package config

import (
	"reflect"
	"testing"
	"time"

	"hubline/internal/ratelimit"
)

// Every bound has its flag's name and its value, in the unit that is promised.
func TestInForceHasEveryBound(t *testing.T) {
	c := Default()
	c.MaxConnectionsPerUser, c.LogBytes, c.TicketTTL, c.LogAge = 7, 3*MiB, 1500*time.Millisecond, 48*time.Hour
	got := c.InForce()
	for name, want := range map[string]any{
		"max-connections-per-user": 7, "log-bytes": int64(3 << 20), "ticket-ttl": 1.5, "log-age": 48 * 3600.0,
		"max-publish-bytes": int64(256 << 10), "max-connections-per-ip": 0, "jwt-leeway": 30.0,
		"api-rate": "0", "message-rate": "10000/10s",
	} {
		if got[name] != want {
			t.Errorf("%s = %v (%T), want %v (%T)", name, got[name], got[name], want, want)
		}
	}
	n := 0
	for _, group := range reflect.ValueOf(c).Fields() {
		for _, v := range group.Fields() {
			switch v.Interface().(type) {
			case int, float64, Size, time.Duration, ratelimit.Rate:
				n++
			}
		}
	}
	if n != len(got) || n < 25 {
		t.Errorf("%d limits of %d fields: %v", len(got), n, got)
	}
}
