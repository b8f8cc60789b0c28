package broker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// devicesText lists devices: name, connections, cursor, seconds since they were seen.
func devicesText(devices []Device) string {
	var parts []string
	for _, d := range devices {
		cursor, seen := "none", "never"
		if d.Cursor != nil {
			cursor = fmt.Sprint(d.Cursor.Seq)
		}
		if !d.LastSeen.IsZero() {
			seen = fmt.Sprint(time.Since(d.LastSeen).Seconds())
		}
		parts = append(parts, fmt.Sprintf("%s:%d:%s:%s", d.Name, d.Connections, cursor, seen))
	}
	return strings.Join(parts, " ")
}

func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{}, replay.Config{})
		f.publishN("ann", 5)
		devices := func(stored func(string) []Device) string {
			all, st := f.Devices("ann", stored)
			if st.Head != 5 {
				t.Errorf("state %+v", st)
			}
			return devicesText(all)
		}
		wantText(t, "none", devices(nil), "")
		f.subscribe(Options{}, "latest")                            // has no device
		f.subscribe(Options{User: "bob", Device: "bobs"}, "latest") // is not ann's
		phone, tablet := f.subscribe(Options{Device: "phone"}, "2"), f.subscribe(Options{Device: "tablet"}, "latest")
		again := f.subscribe(Options{Device: "phone"}, "latest")
		phone.Acknowledge(replay.Cursor{Seq: 3})
		wantText(t, "connected", devices(nil), "phone:2:3:0 tablet:1:none:0")
		time.Sleep(time.Second)
		tablet.Close()
		phone.Close()
		time.Sleep(2 * time.Second)
		wantText(t, "one has gone", devices(nil), "phone:1:3:0 tablet:0:none:2")
		again.Close()
		time.Sleep(time.Second)
		wantText(t, "both have gone", devices(nil), "phone:0:3:1 tablet:0:none:3")
		wantText(t, "with what is stored", devices(func(user string) []Device {
			old := time.Now().Add(-time.Hour)
			if user != "ann" {
				t.Errorf("asked for %s", user)
			}
			return []Device{
				{Name: "old", Cursor: &replay.Cursor{Seq: 1}, LastSeen: old, Connections: 7},
				{Name: "phone", Cursor: &replay.Cursor{Seq: 2}, LastSeen: old},
				{Name: "tablet", Cursor: &replay.Cursor{Seq: 4}, LastSeen: old},
			}
		}), "old:0:1:3600 phone:0:3:1 tablet:0:4:3")
	})
}

// The memory of devices that have gone agrees with a list of them in their order.
func TestSeenAgreesWithAList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(rt, "max")
		s := newSeen(limit)
		type sight struct{ user, device string }
		var list []sight // the newest last
		for n := range rapid.IntRange(1, 60).Draw(rt, "n") {
			it := sight{fmt.Sprint("u", rapid.IntRange(0, 4).Draw(rt, "user")), fmt.Sprint("d", rapid.IntRange(0, 9).Draw(rt, "device"))}
			s.note(it.user, it.device, time.Unix(int64(n), 0))
			next := list[:0:0]
			for _, x := range list {
				if x != it {
					next = append(next, x)
				}
			}
			list = append(next, it)
			if len(list) > limit { // who was seen least recently goes, the user at hand last
				newest := map[string]int{}
				for i, x := range list {
					newest[x.user] = i
				}
				victim := list[0].user
				for user, i := range newest {
					if i < newest[victim] {
						victim = user
					}
				}
				next, dropped := list[:0:0], false
				for _, x := range list {
					if x.user == victim && (victim != it.user || !dropped) {
						dropped = true
						continue
					}
					next = append(next, x)
				}
				list = next
			}
			want, got := map[string]string{}, map[string]string{}
			for _, x := range list {
				want[x.user] += x.device + " "
			}
			total := 0
			for _, user := range s.users.Keys() {
				for _, x := range s.of(user) {
					got[user] += x.device + " "
					total++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || total != s.count || total > limit {
				rt.Fatalf("seen %v (%d), want %v, at most %d", got, s.count, want, limit)
			}
		}
	})
}

func TestDevicesOfOneUserAreBounded(t *testing.T) {
	s := newSeen(1000)
	for i := range maxSeenPerUser + 3 {
		s.note("ann", fmt.Sprint(i), time.Unix(int64(i), 0))
	}
	if list := s.of("ann"); len(list) != maxSeenPerUser || list[0].device != "3" || s.count != maxSeenPerUser {
		t.Errorf("%d of %d, the first is %s", len(list), s.count, list[0].device)
	}
}
