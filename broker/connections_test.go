package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hubline/replay"
)

// texts describes connections: user, device, what waits and the lag.
func texts(list []Connection) (all []string) {
	for _, c := range list {
		all = append(all, fmt.Sprintf("%s/%s %d %d lag %d", c.User, c.Device, c.Events, c.Bytes/max(1, eventSize), c.Lag))
	}
	return all
}

func TestConnectionsSayWhatWaits(t *testing.T) {
	f := newFixture(t, Config{QueueEvents: 3}, replay.Config{})
	want := func(device string, want ...string) {
		t.Helper()
		if got := texts(f.ConnectionsOf("ann", device)); !slices.Equal(got, want) {
			t.Errorf("of %q: %q, want %q", device, got, want)
		}
	}
	want("")
	phone := f.subscribe(Options{Device: "phone"}, "latest")
	f.subscribe(Options{Device: "tv", Match: func(*replay.Event) bool { return false }}, "latest")
	f.subscribe(Options{User: "bob"}, "latest")
	want("", "ann/tv 0 0 lag 0", "ann/phone 0 0 lag 0")
	f.publishN("ann", 2)
	want("", "ann/tv 0 0 lag 0", "ann/phone 2 2 lag 2")
	f.again("0", "", Redelivery{Device: "phone"}) // there is room for one
	want("phone", "ann/phone 3 3 lag 2")
	wantText(t, "taken", phone.take(), "1 2 1again")
	f.publishN("ann", 4) // one more than the queue takes: the log has them
	want("phone", "ann/phone 0 0 lag 4")
	phone.Close()
	want("phone")
	want("none")
}

// All are listed, part by part, until enough is said.
func TestAllConnectionsAreListed(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	const users = 300
	for i := range users {
		f.subscribe(Options{User: fmt.Sprint("u", i), Device: "d"}, "latest")
	}
	seen, parts := map[string]int{}, 0
	f.Connections(func(list []Connection) bool {
		parts++
		for _, c := range list {
			seen[c.User]++
			if c.Waker == nil || c.Device != "d" {
				t.Errorf("%+v", c)
			}
		}
		f.publish(strings.Clone(list[0].User), nil) // nothing is locked
		return true
	})
	if len(seen) != users || parts < 2 {
		t.Errorf("%d users in %d parts", len(seen), parts)
	}
	for user, n := range seen {
		if n != 1 {
			t.Errorf("%s is listed %d times", user, n)
		}
	}
	parts = 0
	f.Connections(func([]Connection) bool { parts++; return false })
	if parts != 1 {
		t.Errorf("it went on for %d parts", parts)
	}
}
