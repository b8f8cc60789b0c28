package api

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
	"hubline/broker"
)

func (f *fixture) statsNow() statsAnswer {
	f.Helper()
	a := f.send(http.MethodGet, "/api/v1/stats", keyRead, "")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("stats: %d %s", a.status, a.body)
	}
	return decode[statsAnswer](f, a.body)
}

func TestStats(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.Limits = map[string]any{"log-events": 1000, "log-age": 1.5} })
	f.publish("anna", `{"type":"a","id":"x"}`)
	f.publish("anna", `{"type":"a","id":"x"}`)
	f.socket("/ws?since=0", f.token(auth.Claims{}))
	f.socket("/hubs/events", f.token(auth.Claims{User: "berta"}))
	f.hubPoll("/notifications/hub", f.token(auth.Claims{User: "berta"}))
	f.send(http.MethodPost, "/events/negotiate", f.token(auth.Claims{}), "")
	f.send(http.MethodGet, "/events?wait=0&since=9", f.token(auth.Claims{User: "carla"}), "") // ahead: a gap
	f.publish("berta", `{"type":"b"}`)
	f.disconnect("dora", "", `{"refuseSeconds":60}`, 0)
	for f.broker.Stats().Connections > 3 { // carla's poll
		f.send(http.MethodGet, "/healthz", "", "")
	}
	got := f.statsNow()
	if got.UptimeSeconds <= 0 || got.Log.Bytes <= 0 {
		t.Errorf("%+v", got)
	}
	got.UptimeSeconds, got.Log.Bytes = 0, 0
	want := statsAnswer{
		Users: userStats{Online: 2, WithLog: 2, KeptOut: 1},
		Connections: connectionStats{
			Total: 3, Negotiated: 1, ByTransport: map[string]int{"ws": 2, "sse": 0, "poll": 1},
			ByDialect: map[string]int{"native": 1, "signalr": 1, "bitwarden": 1},
		},
		Events: eventStats{Published: 2, Duplicates: 1, Delivered: 2, Replayed: 1}, Gaps: 1,
		Log: logStats{Events: 2}, Limits: map[string]any{"log-events": 1000.0, "log-age": 1.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.api.disk = func() DiskUse { return DiskUse{Bytes: 7, Records: 3} }
	if got := f.statsNow().Log.Disk; got == nil || *got != (DiskUse{7, 3}) {
		t.Errorf("disk %+v", got)
	}
}

// Rates look back to the oldest sample of the last minute, and no further.
func TestRates(t *testing.T) {
	start := time.Now()
	var r rates
	count := func(second int) sample {
		n := uint64(second) * 10 // ten a second
		if second > 200 {
			n = 2000 // until it was quiet
		}
		return newSample(start.Add(time.Duration(second)*time.Second), &broker.Stats{Published: n, Delivered: 3 * n, Replayed: n / 10})
	}
	near := func(got, want float64) bool { return got > want-0.01 && got < want+0.01 }
	if got := r.until(count(1)); got != (ratesAnswer{}) {
		t.Errorf("without a sample: %+v", got)
	}
	for second := 0; second <= 300; second++ {
		if second%5 == 0 {
			r.add(count(second))
			continue
		}
		got := r.until(count(second))
		window := min(float64(second), 60)
		if got.WindowSeconds > 60 || got.WindowSeconds < window-5 {
			t.Fatalf("after %d s it looks back %v s", second, got.WindowSeconds)
		}
		switch {
		case second < 200 && !(near(got.Published, 10) && near(got.Delivered, 30) && near(got.Replayed, 1)),
			second > 265 && got.Published+got.Delivered+got.Replayed != 0:
			t.Fatalf("after %d s: %+v", second, got)
		}
	}
	if got := r.until(count(1000)); got != (ratesAnswer{}) {
		t.Errorf("long after the last sample: %+v", got)
	}
}

// What is sampled is what the broker counts.
func TestStatsShowRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory)
		f.api.Sample(time.Now())
		for range 20 {
			f.publish("anna", `{"type":"a"}`)
		}
		time.Sleep(10 * time.Second)
		if got := f.statsNow(); got.Rates != (ratesAnswer{WindowSeconds: 10, Published: 2}) || got.UptimeSeconds != 10 {
			t.Errorf("%+v", got)
		}
	})
}
