package broker

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"hubline/replay"
)

// Every position that a client can ask for, with a log of ten events of which
// the newest eight are kept.
func TestWelcome(t *testing.T) {
	tests := []struct {
		since, device string
		start         uint64
		replayed      int
		recovered     bool
		gap, resume   string
		deliveries    string
	}{
		{since: "latest", start: 10, recovered: true, resume: "E-10"},
		{since: "0", start: 2, replayed: 8, resume: "E-2", deliveries: "3 4 5 6 7 8 9 10"},
		{since: "E-10", start: 10, recovered: true, resume: "E-10"},
		{since: "E-9", start: 9, replayed: 1, recovered: true, resume: "E-9", deliveries: "10"},
		{since: "9", start: 9, replayed: 1, recovered: true, resume: "E-9", deliveries: "10"},
		{since: "E-2", start: 2, replayed: 8, recovered: true, resume: "E-2", deliveries: "3 4 5 6 7 8 9 10"},
		{since: "E-1", start: 2, replayed: 8, gap: "[2..2 limit]", resume: "E-1", deliveries: "3 4 5 6 7 8 9 10"},
		{since: "E-0", start: 2, replayed: 8, gap: "[1..2 limit]", resume: "E-0", deliveries: "3 4 5 6 7 8 9 10"},
		{since: "E-11", start: 10, gap: "[11..11 ahead]", resume: "E-10"},
		{since: "X-9", start: 2, replayed: 8, gap: "[0..2 epoch]", resume: "X-9", deliveries: "3 4 5 6 7 8 9 10"},
		{since: "device", device: "known", start: 7, replayed: 3, recovered: true, resume: "E-7", deliveries: "8 9 10"},
		{since: "device", device: "stranger", start: 10, resume: "E-10"},
		{since: "device", start: 10, resume: "E-10"},
	}
	for _, tt := range tests {
		t.Run(tt.since+" "+tt.device, func(t *testing.T) {
			f := newFixture(t, Config{}, replay.Config{MaxEvents: 8})
			f.publishN("ann", 10)
			f.subscribe(Options{Device: "known"}, "latest").Acknowledge(replay.Cursor{Seq: 7})
			c := f.subscribe(Options{Device: tt.device}, tt.since)
			epoch := f.store.State("ann").Epoch
			if c.Epoch != epoch || c.Start != tt.start || c.Head != 10 || c.Oldest != 3 ||
				c.Replayed != tt.replayed || c.Recovered != tt.recovered {
				t.Errorf("welcome = %+v", c.Welcome)
			}
			wantText(t, "gap", gapText(c.Gap), tt.gap)
			resume := "E" + fmt.Sprint("-", c.Resume.Seq)
			if c.Resume.Epoch != epoch {
				resume = "X" + fmt.Sprint("-", c.Resume.Seq)
			}
			wantText(t, "resume", resume, tt.resume)
			wantText(t, "deliveries", c.take(), tt.deliveries)
			f.publish("ann", nil)
			wantText(t, "live", c.take(), "11")
		})
	}
}

func TestEventsForOthersAreLeftOut(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	match := func(ev *replay.Event) bool { return ev.Type != "no" }
	old := f.subscribe(Options{Device: "a"}, "0")
	plain := f.subscribe(Options{}, "0")
	picky := f.subscribe(Options{Device: "b", Match: match}, "0")
	other := f.subscribe(Options{User: "bob", Device: "a"}, "0")
	for _, r := range []struct {
		change    func(*replay.Event)
		delivered int
	}{
		{nil, 3},
		{func(ev *replay.Event) { ev.Device = "a" }, 1},
		{func(ev *replay.Event) { ev.Device = "none" }, 0},
		{func(ev *replay.Event) { ev.ExceptDevice = "a" }, 2},
		{func(ev *replay.Event) { ev.Type = "no" }, 2},
	} {
		if got := f.publish("ann", r.change).Delivered; got != r.delivered {
			t.Errorf("delivered to %d, want %d", got, r.delivered)
		}
	}
	for _, tt := range []struct {
		name string
		c    *client
		want string
		rung int64
	}{
		{"device a", old, "1 2 5", 3},
		{"no device", plain, "1 4 5", 3},
		{"device b with a filter", picky, "1 4", 2},
		{"another user", other, "", 0},
	} {
		if n := tt.c.bell.rung.Load(); n != tt.rung {
			t.Errorf("%s was woken %d times, want %d", tt.name, n, tt.rung)
		}
		wantText(t, tt.name, tt.c.take(), tt.want)
	}
	// The same from the log.
	wantText(t, "device a, from the log", f.subscribe(Options{Device: "a"}, "0").take(), "1 2 5")
	wantText(t, "no device, from the log", f.subscribe(Options{}, "0").take(), "1 4 5")
	late := f.subscribe(Options{Device: "b", Match: match}, "0")
	if late.Replayed != 2 || !late.Recovered {
		t.Errorf("welcome = %+v", late.Welcome)
	}
	wantText(t, "device b, from the log", late.take(), "1 4")
}

// What expires unread is missed by those it was meant for, and by nobody else.
func TestOnlyReceiversMissWhatExpires(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publish("ann", nil)
	f.publish("ann", func(ev *replay.Event) { ev.Device, ev.Expires = "a", ev.Time })
	f.publish("ann", nil)
	wantText(t, "its device", f.subscribe(Options{Device: "a"}, "0").take(), "1 [2..2 expired] 3")
	wantText(t, "another device", f.subscribe(Options{Device: "b"}, "0").take(), "1 3")
}

func TestConnectionBounds(t *testing.T) {
	f := newFixture(t, Config{MaxConnections: 5, MaxConnectionsPerUser: 3}, replay.Config{})
	var open []*client
	connect := func(user string) error {
		c, err := f.trySubscribe(Options{User: user}, "latest")
		if err == nil {
			open = append(open, c)
		}
		return err
	}
	for range 3 {
		if err := connect("ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := connect("ann"); !errors.Is(err, ErrTooManyConnections) {
		t.Errorf("4th of a user: %v", err)
	}
	for range 2 {
		if err := connect("bob"); err != nil {
			t.Fatal(err) // the refused one holds no place
		}
	}
	if err := connect("cid"); !errors.Is(err, ErrFull) {
		t.Errorf("6th in all: %v", err)
	}
	if st := f.Stats(); st.Connections != 5 || st.Users != 2 || st.Refused != 2 || f.store.Stats().Pinned != 2 {
		t.Errorf("stats = %+v, %d pinned", st, f.store.Stats().Pinned)
	}
	open[0].Close()
	open[0].Close() // counts once
	if err := connect("ann"); err != nil {
		t.Error(err)
	}
	if err := connect("cid"); !errors.Is(err, ErrFull) {
		t.Errorf("6th in all: %v", err)
	}
	for _, c := range open {
		c.Close()
	}
}

// A negative bound counts as none given: no user without a connection may be
// pinned by a refusal.
func TestNegativeBoundsAreDefaults(t *testing.T) {
	f := newFixture(t, Config{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, nil}, replay.Config{})
	c := f.subscribe(Options{}, "latest")
	f.publishN("ann", 3)
	wantText(t, "queued", c.take(), "1 2 3")
	if f.cfg != (Config{}).withDefaults() {
		t.Errorf("config = %+v", f.cfg)
	}
}

func TestDrainRefusesWhatIsNew(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	c := f.subscribe(Options{}, "latest")
	f.publish("ann", nil)
	f.Drain()
	if _, err := f.Publish("ann", f.event(), Key{}); !errors.Is(err, ErrDraining) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := f.Broadcast(f.event(), Key{}); !errors.Is(err, ErrDraining) {
		t.Errorf("Broadcast: %v", err)
	}
	if _, err := f.trySubscribe(Options{}, "0"); !errors.Is(err, ErrDraining) {
		t.Errorf("Subscribe: %v", err)
	}
	wantText(t, "what waited", c.take(), "1")
	if st := f.Stats(); st.Connections != 1 || st.Published != 1 || st.Delivered != 1 {
		t.Errorf("stats = %+v", st)
	}
}

func TestClosingInAnyOrderUnlinksOne(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		f := newFixture(t, Config{}, replay.Config{})
		var cs []*client
		for range 3 {
			cs = append(cs, f.subscribe(Options{}, "latest"))
		}
		for left := 3; left > 0; left-- {
			if got := f.publish("ann", nil).Delivered; got != left {
				t.Errorf("order %v: delivered to %d, want %d", order, got, left)
			}
			cs[order[3-left]].Close()
		}
		if got := f.publish("ann", nil).Delivered; got != 0 {
			t.Errorf("order %v: delivered to %d after all were closed", order, got)
		}
	}
}

// All methods but Next may be called at any time by anybody: the race detector
// watches, and in the end nothing is left.
func TestMethodsMayBeCalledConcurrently(t *testing.T) {
	for range 200 {
		f := newFixture(t, Config{QueueEvents: 2}, replay.Config{MaxEvents: 4})
		f.publishN("ann", 3)
		c := f.subscribe(Options{Device: "d"}, "0")
		var wg sync.WaitGroup
		wg.Go(func() { f.publishN("ann", 6) })
		wg.Go(func() {
			last := uint64(0)
			for range 10 {
				for _, d := range c.Next(make([]Delivery, 0, 2), 1<<20) {
					if d.Seq <= last {
						t.Errorf("%d after %d", d.Seq, last)
					}
					last = d.Seq
				}
				c.Acknowledge(c.Position())
			}
		})
		wg.Go(func() { c.Acknowledge(c.Position()) })
		wg.Go(func() { f.Stats() })
		wg.Go(c.Close)
		wg.Go(c.Close)
		wg.Wait()
		if got, _ := f.DeviceCursor("ann", "d"); got.Seq > f.store.State("ann").Head {
			t.Errorf("saved %v", got)
		}
	}
}
