package broker

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/internal/leaktest"
	"hubline/replay"
)

// theater is a broker of which a test says in words who comes and goes.
type theater struct {
	*fixture
	open map[string]*client // by name: the user, and what follows a dot
}

// bubble runs a test with a theater on the fake clock. The broker is swept whenever time
// passes.
func inTheater(t *testing.T, cfg Config, f func(th *theater)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(&theater{newFixture(t, cfg, replay.Config{}), map[string]*client{}})
	})
}

// do does what words say: "open ann.2", "mute ann.3" (without notices), "close ann.2",
// "put ann x", "drop ann x" and "wait 3s".
func (th *theater) do(words string) {
	th.t.Helper()
	for one := range strings.SplitSeq(words, ", ") {
		th.act(strings.Fields(one))
	}
	synctest.Wait()
}

func (th *theater) act(word []string) {
	th.t.Helper()
	user, _, _ := strings.Cut(word[1], ".")
	var err error
	switch word[0] {
	case "open", "mute":
		th.open[word[1]] = th.subscribe(Options{User: user, Notices: word[0] == "open"}, "latest")
	case "close":
		th.open[word[1]].Close()
	case "put":
		_, err = th.AddMember(PresencePrefix+word[2], user)
	case "drop":
		_, err = th.RemoveMember(PresencePrefix+word[2], user)
	case "wait":
		var d time.Duration
		d, err = time.ParseDuration(word[1])
		time.Sleep(d)
		th.SweepPresence(time.Now())
	default:
		err = errors.New("not known")
	}
	if err != nil {
		th.t.Fatal(word, err)
	}
}

func TestMembersAreToldOfOneAnother(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps [][2]string // what is done, and what ann is told of it
	}{
		{"come and go", [][2]string{
			{"open bob", "+bob@x"},
			{"close bob", ""},
			{"wait 4999ms", ""},
			{"wait 1ms", "-bob@x"},
			{"open bob", "+bob@x"},
		}},
		{"a reconnect within the grace is hidden", [][2]string{
			{"open bob", "+bob@x"},
			{"close bob, wait 4999ms, open bob, wait 1h", ""},
			{"close bob, wait 4s, open bob, close bob, wait 4s", ""},
			{"wait 1s", "-bob@x"},
		}},
		{"the last connection counts", [][2]string{
			{"open bob, open bob.2", "+bob@x"},
			{"close bob, wait 1h", ""},
			{"close bob.2, wait 5s", "-bob@x"},
		}},
		{"a late end of an old connection hides no new one", [][2]string{
			{"open bob.old", "+bob@x"},
			{"open bob.new, wait 1m, close bob.old, wait 1h", ""},
			{"close bob.old, close bob.old, wait 1h", ""},
			{"close bob.new, wait 5s", "-bob@x"},
		}},
		{"a membership ends at once", [][2]string{
			{"open bob", "+bob@x"},
			{"drop bob x", "-bob@x"},
			{"close bob, wait 1h, open bob", ""},
			{"put bob x", "+bob@x"},
		}},
		{"a membership ends in the grace", [][2]string{
			{"open bob", "+bob@x"},
			{"close bob, wait 1s", ""},
			{"drop bob x", "-bob@x"},
			{"put bob x, wait 1h", ""},
			{"open bob", "+bob@x"},
		}},
		{"a membership that begins in the grace waits for a connection", [][2]string{
			{"put bob y, put ann y, open bob", "+ann@y +bob@x +bob@y"},
			{"drop bob x, close bob, put bob x", "-bob@x"},
			{"wait 1s, open bob", "+bob@x"},
		}},
		{"a member without a connection is nothing to tell of", [][2]string{
			{"put cid x, drop cid x, wait 1h", ""},
		}},
		{"one's own membership", [][2]string{
			{"put ann y", "+ann@y"},
			{"drop ann y", "-ann@y"},
			{"open ann.2, close ann.2, open ann.3, wait 1h", ""},
		}},
		{"others' channels", [][2]string{
			{"open cid, put bob y, put cid y, drop cid y", ""},
		}},
		{"what is undone at once is told all the same", [][2]string{
			{"open bob, drop bob x", "+bob@x -bob@x"},
		}},
		{"a third change takes the second away", [][2]string{
			{"open bob, close bob, wait 5s, open bob", "+bob@x"},
			{"drop bob x, wait 0s, put bob x, wait 0s, drop bob x", "-bob@x"},
		}},
		{"who leaves a channel hears nothing old of it", [][2]string{
			{"put bob y, open bob", "+bob@x"},
			{"put ann y, wait 0s, drop bob y, wait 0s, drop ann y", ""},
			{"drop ann x, put ann x", "-ann@x +ann@x"},
			{"drop bob x, drop ann x", "-ann@x"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTheater(t, Config{}, func(th *theater) {
				th.do("put ann x, put bob x, open ann, mute ann.mute")
				for _, s := range tt.steps {
					before := th.open["ann"].bell.rung.Load()
					th.do(s[0])
					if s[1] != "" && th.open["ann"].bell.rung.Load() == before {
						t.Errorf("%s: nobody was woken", s[0])
					}
					wantText(t, s[0], th.open["ann"].take(), s[1])
				}
				wantText(t, "without notices", th.open["ann.mute"].take(), "")
				if th.open["ann"].beside != nil {
					t.Error("memory is kept")
				}
			})
		})
	}
}

// Notices go before events, of which they take nothing away.
func TestNoticesWaitBesideEvents(t *testing.T) {
	inTheater(t, Config{QueueEvents: 2}, func(th *theater) {
		th.do("put ann x, put bob x, open ann, open bob")
		th.publishN("ann", 3)
		th.do("drop bob x")
		ann := th.open["ann"]
		dst := make([]Delivery, 0, 8)
		if got := ann.Next(dst, 1); len(got) != 1 || got[0].text() != "+bob@x" || got[0].Placed() {
			t.Errorf("with room for one byte: %v", got)
		}
		wantText(t, "the rest", ann.takeBy(1), "-bob@x 1 2 3")
		th.do("close ann, put bob x")
		wantText(t, "closed", ann.take(), "")
	})
}

func TestWhoIsPresent(t *testing.T) {
	inTheater(t, Config{}, func(th *theater) {
		th.do("put ann x, put bob x, put cid x, open ann, open bob, close bob, open dan")
		present := func(want string) {
			t.Helper()
			users, total := th.Present("presence-x", 10)
			list, members := th.Members("presence-x", "", 10)
			wantText(t, "present", fmt.Sprint(users, total, list, members), want)
		}
		present("[ann bob] 2 [{ann true} {bob true} {cid false}] 3")
		if users, total := th.Present("presence-x", 1); fmt.Sprint(users, total) != "[ann] 2" {
			t.Errorf("one of them: %v of %d", users, total)
		}
		th.do("wait 5s")
		present("[ann] 1 [{ann true} {bob false} {cid false}] 3")
		th.do("drop ann x, drop bob x, drop cid x")
		present("[] 0 [] 0")
		if n := len(th.gatherings.channels); n != 0 {
			t.Errorf("%d channels are left", n)
		}
		for i := range th.shards {
			if a := th.shards[i].attendance; a != nil && (len(a.attendees) != 0 || a.first != nil || a.last != nil) {
				t.Errorf("%d users are left", len(a.attendees))
			}
		}
	})
}

// A client that takes nothing costs a bounded amount, is told what to look up, and hears
// of channels that had few changes in full.
func TestNoticesThatWaitAreBounded(t *testing.T) {
	const others = 3 * maxNotices
	inTheater(t, Config{}, func(th *theater) {
		th.do("put ann x, put ann y, put ann z, open ann, put bob y, open bob")
		for i := range others {
			th.do(fmt.Sprint("put u", i, " x, mute u", i))
			if n := len(th.open["ann"].beside.notices); n > maxNotices {
				t.Fatalf("%d wait", n)
			}
		}
		wantText(t, "one busy channel", th.open["ann"].take(), "+bob@y ?@x")
		if got := th.Stats(); got.MembersJoined != others+4 || got.NoticesDropped != others {
			t.Errorf("joined %d, dropped %d", got.MembersJoined, got.NoticesDropped)
		}
		for i := range maxNotices {
			th.do(fmt.Sprint("put u", i, " y"))
		}
		th.do("drop bob y")
		wantText(t, "another one", th.open["ann"].take(), "?@y")
		for i := range maxNotices {
			th.do(fmt.Sprint("drop u", i, " x"))
		}
		th.do("drop u300 x, put bob z")
		wantText(t, "afterwards", th.open["ann"].take(), "?@x +bob@z")
	})
}

// When so many channels have changed that not even they can wait, all have to be looked up.
func TestNoticesOfManyChannels(t *testing.T) {
	inTheater(t, Config{}, func(th *theater) {
		for i := range maxNotices {
			th.do(fmt.Sprintf("put ann x%d, put bob x%d", i, i))
		}
		th.do("put ann y, put cid y, open ann, open bob")
		if n := len(th.open["ann"].beside.notices); n != maxNotices {
			t.Errorf("%d wait", n)
		}
		th.do("open cid, drop ann x1, drop bob x2")
		wantText(t, "too many", th.open["ann"].take(), "?@")
		th.do("drop bob x3")
		wantText(t, "afterwards", th.open["ann"].take(), "-bob@x3")
	})
}

func TestPresenceChannelsAreBounded(t *testing.T) {
	for _, ledger := range []bool{false, true} {
		t.Run(fmt.Sprint("ledger=", ledger), func(t *testing.T) {
			cfg, log := Config{MaxPresenceMembers: 2}, replay.Config{}
			if ledger {
				l := newTape()
				cfg.Ledger, log.Backing = l, l
			}
			f := newFixture(t, cfg, log)
			defer f.Close()
			for i, want := range []error{nil, nil, ErrTooManyPresent} {
				if _, err := f.AddMember("presence-x", fmt.Sprint("user", i)); !errors.Is(err, want) {
					t.Errorf("%d: %v, want %v", i, err, want)
				}
				if _, err := f.AddMember("presence", fmt.Sprint("user", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Memberships are kept, presence is not: everybody is out, and comes in again.
func TestAfterARestartEverybodyIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		start := func() *theater {
			return &theater{newFixture(t, Config{Ledger: l}, replay.Config{Backing: l}), map[string]*client{}}
		}
		th := start()
		th.do("put bob x, put ann x, put bob y, open ann, open bob")
		wantText(t, "before", th.open["ann"].take(), "+bob@x")
		th.do("close bob, close ann")
		th.Close()
		th = start()
		defer th.Close()
		th.do("open ann")
		wantText(t, "present", fmt.Sprint(th.Present("presence-x", 9)), "[ann] 1")
		th.do("open bob")
		wantText(t, "after", th.open["ann"].take(), "+bob@x")
		l.before = func(int) error { return ErrNoSpace }
		if _, err := th.RemoveMember("presence-x", "bob"); !errors.Is(err, ErrNoSpace) {
			t.Error(err)
		}
		if _, err := th.AddMember("presence-x", "cid"); !errors.Is(err, ErrNoSpace) {
			t.Error(err)
		}
		th.do("open cid")
		wantText(t, "what the disk refuses", th.open["ann"].take(), "")
		l.before = nil
		th.do("drop bob x")
		wantText(t, "what it takes", th.open["ann"].take(), "-bob@x")
	})
}

// Nobody is told of the connections that end because the server does.
func TestNobodyIsToldOfTheEnd(t *testing.T) {
	inTheater(t, Config{}, func(th *theater) {
		th.do("put ann x, put bob x, open ann, open bob")
		th.open["ann"].take()
		th.Drain()
		th.do("close bob, wait 1h")
		wantText(t, "draining", th.open["ann"].take(), "")
		th.Close()
	})
}

// A membership of a presence channel costs what another one does while its user is away,
// and a bounded amount more while the user is in.
func TestASeatIsSmall(t *testing.T) {
	const n, budget = 10_000, 360
	f := newFixture(t, Config{}, replay.Config{})
	join := func(prefix string) int64 {
		before := leaktest.Heap()
		for i := range n {
			if _, err := f.AddMember(fmt.Sprint(prefix, i%100), fmt.Sprintf("%s-user-%08d", prefix, i)); err != nil {
				t.Fatal(err)
			}
		}
		return (leaktest.Heap() - before) / n
	}
	connect := func(prefix string) (subs []*Subscription, each int64) {
		before := leaktest.Heap()
		for i := range n {
			s, _, err := f.Subscribe(Options{User: fmt.Sprintf("%s-user-%08d", prefix, i), Waker: &bell{}})
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, s)
		}
		f.waitAnnounced()
		return subs, (leaktest.Heap() - before) / n
	}
	plain, away := join("channels"), join(PresencePrefix)
	if away > plain+16 { // the names are a little longer
		t.Errorf("%d bytes a membership, %d of a presence channel", plain, away)
	}
	others, without := connect("channels")
	members, with := connect(PresencePrefix)
	t.Logf("%d bytes a membership, %d of a presence channel; %d more of one who is in", plain, away, with-without)
	if with-without > budget {
		t.Errorf("%d bytes for one who is in, budget %d", with-without, budget)
	}
	if _, total := f.Present(PresencePrefix+"1", 0); total != n/100 {
		t.Errorf("population %d", total)
	}
	for _, s := range append(others, members...) {
		s.Close()
	}
	f.SweepPresence(time.Now().Add(time.Hour))
	f.waitAnnounced()
	for i := range f.shards {
		if a := f.shards[i].attendance; a != nil && len(a.attendees) > 0 {
			t.Errorf("%d seats are left when all have gone", len(a.attendees))
		}
	}
}

// waitAnnounced waits until nothing is to be announced.
func (f *fixture) waitAnnounced() {
	for running := true; running; runtime.Gosched() {
		f.gatherings.mu.Lock()
		running = f.gatherings.running
		f.gatherings.mu.Unlock()
	}
}
