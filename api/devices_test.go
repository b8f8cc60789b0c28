package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/replay"
)

// devicesOf reads the devices of a user: name, connections, lag, and whether there is a
// cursor and a time.
func (f *fixture) devicesOf(user string) (all []string) {
	f.Helper()
	a := f.send(http.MethodGet, "/api/v1/users/"+user+"/devices", keyRead, "")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("devices: %d %s", a.status, a.body)
	}
	got := decode[devicesAnswer](f, a.body)
	if log := f.log(user, "?since=latest"); log.Epoch != got.Epoch || log.Head != got.Head || got.Devices == nil {
		f.Errorf("%+v, the log is at %+v", got, log)
	}
	for _, d := range got.Devices {
		lag := "unknown"
		if d.Lag != nil {
			lag = fmt.Sprint(*d.Lag)
		}
		if d.Online != (d.Connections > 0) {
			f.Errorf("%+v", d)
		}
		if d.LastSeen != nil && time.Since(time.UnixMilli(*d.LastSeen)) > time.Minute {
			lag += " long ago"
		}
		all = append(all, fmt.Sprintf("%s:%d lag %s, cursor %v, seen %v", d.Device, d.Connections, lag, d.Cursor != nil, d.LastSeen != nil))
	}
	return all
}

func TestDevices(t *testing.T) {
	f := newFixture(t)
	want := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, f.devicesOf("anna")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want()
	for range 5 {
		f.publish("anna", `{"type":"a"}`)
	}
	f.socket("/ws", f.token(auth.Claims{}))
	phone := f.token(auth.Claims{Device: "phone"})
	f.socket("/ws", phone)
	f.socket("/ws", phone)
	want("phone:2 lag 0, cursor true, seen true")
	// A poll that has gone leaves its cursor, and when it went.
	f.send(http.MethodGet, "/events?wait=0&since=2", f.token(auth.Claims{Device: "tv"}), "")
	for f.broker.Stats().Connections > 3 {
		if t.Context().Err() != nil {
			t.Fatal("the poll does not end")
		}
		f.send(http.MethodGet, "/healthz", "", "")
	}
	want("phone:2 lag 0, cursor true, seen true", "tv:0 lag 3, cursor true, seen true")
	f.publish("anna", `{"type":"a"}`)
	// What only a store remembers.
	f.api.stored = func(user string) []broker.Device {
		return []broker.Device{
			{Name: "of-" + user, Cursor: &replay.Cursor{Epoch: f.broker.Store().State(user).Epoch, Seq: 6}, LastSeen: time.Now().Add(-time.Hour)},
			{Name: "other-life", Cursor: &replay.Cursor{Epoch: "zzzz", Seq: 6}},
			{Name: "tv", Cursor: &replay.Cursor{Epoch: "zzzz", Seq: 1}},
		}
	}
	want("of-anna:0 lag 0 long ago, cursor true, seen true", "other-life:0 lag unknown, cursor true, seen false",
		"phone:2 lag 1, cursor true, seen true", "tv:0 lag 4, cursor true, seen true")
}

func TestFiltersOfALog(t *testing.T) {
	f := newFixture(t)
	start := time.Now().UnixMilli()
	put := func(ms int64, kind, device, except string) {
		ev := &replay.Event{ID: fmt.Sprint("i", ms), Type: kind, Time: start + ms, Device: device, ExceptDevice: except}
		must(f.broker.Publish("anna", ev, broker.Key{}))
	}
	put(0, "a", "", "")
	put(10, "b", "tv", "")
	put(20, "a", "", "tv")
	put(30, "b", "", "")
	for _, tt := range []struct {
		query string
		want  []uint64
	}{
		{fmt.Sprintf("?from=%d", start+10), []uint64{2, 3, 4}},
		{fmt.Sprintf("?from=%d", start+11), []uint64{3, 4}},
		{fmt.Sprintf("?to=%d", start+20), []uint64{1, 2, 3}},
		{fmt.Sprintf("?to=%d", start+19), []uint64{1, 2}},
		{fmt.Sprintf("?from=%d&to=%d", start+10, start+10), []uint64{2}},
		{fmt.Sprintf("?from=%d&to=%d&types=a", start, start+30), []uint64{1, 3}},
		{fmt.Sprintf("?from=%d&limit=1&since=2", start), []uint64{3}},
		{"?from=0&to=0", nil},
		{"?to=9007199254740991", []uint64{1, 2, 3, 4}},
		{"?device=tv", []uint64{1, 2, 4}},
		{"?device=phone", []uint64{1, 3, 4}},
		{"?device=phone&types=b", []uint64{4}},
		{"?device=", []uint64{1, 2, 3, 4}},
	} {
		got := f.log("anna", tt.query)
		if diff := cmp.Diff(tt.want, got.seqs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
	if got := f.log("anna", fmt.Sprintf("?from=%d", start+1000)); got.Cursor != got.Epoch+"-4" {
		t.Errorf("what is not wanted is not passed: %+v", got)
	}
	for _, query := range []string{"?from=x", "?from=-1", "?from=1.5", "?to=9007199254740992", "?from=2&to=1", "?device=a%00"} {
		f.wantProblem(f.send(http.MethodGet, "/api/v1/users/anna/events"+query, keyRead, ""), http.StatusBadRequest, "bad-request")
	}
}
