package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/replay"
	"hubline/replay/ledger"
)

// inBoth runs a test with events in memory and with a ledger.
func inBoth(t *testing.T, cfg Config, do func(t *testing.T, f *fixture, l *tape)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { do(t, newFixture(t, cfg, replay.Config{}), nil) })
	})
	t.Run("disk", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newTape()
			do(t, newDurable(t, l, cfg, replay.Config{}).fixture, l)
		})
	})
}

func (f *fixture) toChannel(channel string, key Key) Receipt {
	f.t.Helper()
	ev := f.event()
	ev.Channel = channel
	r, err := f.PublishToChannel(channel, ev, key)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// enrolled puts users into a channel, "channel: user user".
func (f *fixture) enrolled(lists ...string) {
	f.t.Helper()
	for _, list := range lists {
		channel, users, _ := strings.Cut(list, ": ")
		for user := range strings.FieldsSeq(users) {
			if added, err := f.AddMember(channel, user); err != nil || !added {
				f.t.Fatalf("%s in %s: %v, %v", user, channel, added, err)
			}
		}
	}
}

// log is the ids of all events that a user has.
func (f *fixture) log(user string) string {
	entries, _ := f.store.Read(user, 0, make([]replay.Entry, 0, 100), 1<<20, nil)
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Event.ID
	}
	return strings.Join(ids, " ")
}

func TestAChannelsEventEntersTheLogOfEachMember(t *testing.T) {
	inBoth(t, Config{}, func(t *testing.T, f *fixture, _ *tape) {
		f.enrolled("c: ann bob cid")
		f.publish("bob", nil)
		ann, bob := f.subscribe(Options{User: "ann"}, "latest"), f.subscribe(Options{User: "bob"}, "latest")
		f.subscribe(Options{User: "dan"}, "latest")
		if r := f.toChannel("c", Key{}); r.ID != "id2" || r.Members != 3 || r.Delivered != 2 || r.Cursor != (replay.Cursor{}) || r.Duplicate {
			t.Errorf("%+v", r)
		}
		wantText(t, "ann", ann.take(), "1")
		wantText(t, "bob", bob.take(), "2")
		wantText(t, "cid, who was away", f.subscribe(Options{User: "cid"}, "0").take(), "1")
		for user, want := range map[string]string{"ann": "id2", "bob": "id1 id2", "cid": "id2", "dan": ""} {
			wantText(t, "log of "+user, f.log(user), want)
		}
		if st := f.Stats(); st.Published != 2 || st.Delivered != 2 || st.Channels != 1 || st.Memberships != 3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestMembershipHoldsUntilItIsEnded(t *testing.T) {
	inBoth(t, Config{}, func(t *testing.T, f *fixture, _ *tape) {
		f.enrolled("c: bob ann", "d: ann")
		if added, err := f.AddMember("c", "ann"); added || err != nil {
			t.Errorf("added again: %v, %v", added, err)
		}
		f.subscribe(Options{User: "ann"}, "latest")
		if list, total := f.Members("c", "", 10); fmt.Sprint(list, total) != "[{ann true} {bob false}] 2" {
			t.Error(list, total)
		}
		for after, want := range map[string]string{"": "[{ann true}] 2", "ann": "[{bob false}] 2", "bob": "[] 2"} {
			if list, total := f.Members("c", after, 1); fmt.Sprint(list, total) != want {
				t.Errorf("after %q: %v %d", after, list, total)
			}
		}
		if got := fmt.Sprint(f.Channels("ann"), f.Channels("bob"), f.Channels("cid")); got != "[c d] [c] []" {
			t.Error(got)
		}
		for _, want := range []bool{true, false} {
			if removed, err := f.RemoveMember("c", "ann"); removed != want || err != nil {
				t.Errorf("removed: %v, %v", removed, err)
			}
		}
		if removed, err := f.RemoveMember("never", "seen"); removed || err != nil {
			t.Errorf("removed from nowhere: %v, %v", removed, err)
		}
		if f.IsMember("c", "ann") || !f.IsMember("c", "bob") || !f.IsMember("d", "ann") || f.IsMember("x", "ann") {
			t.Error("membership is another")
		}
		if r := f.toChannel("c", Key{}); r.Members != 1 || r.Delivered != 0 {
			t.Errorf("%+v", r)
		}
		wantText(t, "log of ann", f.log("ann"), "")
		if r := f.toChannel("empty", Key{}); r.Members != 0 || r.ID == "" {
			t.Errorf("%+v", r)
		}
	})
}

func TestMembershipsAreBounded(t *testing.T) {
	inBoth(t, Config{MaxChannelsPerUser: 2, MaxChannelMembers: 3, MaxMemberships: 5}, func(t *testing.T, f *fixture, _ *tape) {
		f.enrolled("c: ann bob cid", "d: ann")
		for _, tt := range []struct {
			channel, user string
			want          error
		}{
			{"e", "ann", ErrTooManyChannels},
			{"c", "dan", ErrTooManyMembers},
			{"d", "dan", nil},
			{"d", "eve", ErrTooManyMemberships},
			{"c", "ann", nil}, // a member already
		} {
			if _, err := f.AddMember(tt.channel, tt.user); !errors.Is(err, tt.want) {
				t.Errorf("%s in %s: %v, want %v", tt.user, tt.channel, err, tt.want)
			}
		}
		if _, err := f.RemoveMember("c", "ann"); err != nil {
			t.Error(err)
		}
		f.enrolled("c: eve")
	})
}

func TestARepeatToAChannelIsAnsweredLikeTheFirst(t *testing.T) {
	inBoth(t, Config{}, func(t *testing.T, f *fixture, l *tape) {
		f.enrolled("c: ann bob", "d: ann")
		key := Key{Name: "k", Digest: [16]byte{1}}
		first := f.toChannel("c", key)
		again := f.toChannel("c", key)
		if !again.Duplicate || again.ID != first.ID || again.Members != 2 {
			t.Errorf("%+v, then %+v", first, again)
		}
		if r := f.toChannel("d", key); r.Duplicate {
			t.Error("the key of another channel counts")
		}
		if _, err := f.PublishToChannel("c", f.event(), Key{Name: "k"}); !errors.Is(err, ErrConflict) {
			t.Errorf("other content: %v", err)
		}
		named := &replay.Event{ID: "mine", IDGiven: true, Type: "t", Channel: "c", Time: t0}
		for i := range 2 {
			if r, err := f.PublishToChannel("c", named, Key{}); err != nil || r.Duplicate != (i == 1) || r.Members != 2 {
				t.Errorf("%d: %+v, %v", i, r, err)
			}
		}
		wantText(t, "log of bob", f.log("bob"), first.ID+" mine")
		if l == nil {
			return
		}
		// What memory has forgotten the ledger knows.
		f.Close()
		g := newDurable(t, l, Config{}, replay.Config{})
		if r := g.toChannel("c", key); !r.Duplicate || r.ID != first.ID || r.Members != 2 || r.Cursor != (replay.Cursor{}) {
			t.Errorf("after a restart: %+v", r)
		}
	})
}

// Repeats that are under way at the same time are one publish.
func TestRepeatsToAChannelAtTheSameTime(t *testing.T) {
	inBoth(t, Config{}, func(t *testing.T, f *fixture, l *tape) {
		if l != nil {
			l.before = func(int) error { time.Sleep(time.Millisecond); return nil }
		}
		f.enrolled("c: ann bob")
		answers := make(chan Receipt, 20)
		for range cap(answers) {
			go func() { // ends with its answer
				r, err := f.PublishToChannel("c", &replay.Event{ID: "x", Type: "t", Time: t0}, Key{Name: "k"})
				if err != nil {
					t.Error(err)
				}
				answers <- r
			}()
		}
		firsts := 0
		for range cap(answers) {
			if r := <-answers; !r.Duplicate {
				firsts++
			}
		}
		if firsts != 1 || f.log("ann") != "x" || f.log("bob") != "x" {
			t.Errorf("%d were first, logs %q and %q", firsts, f.log("ann"), f.log("bob"))
		}
	})
}

func TestMembershipsOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := newDurable(t, l, Config{}, replay.Config{})
		f.enrolled("c: ann bob cid", "d: ann bob")
		if _, err := f.RemoveMember("c", "bob"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		f = newDurable(t, l, Config{MaxChannelMembers: 1}, replay.Config{}) // less than there are
		if list, _ := f.Members("c", "", 9); fmt.Sprint(list) != "[{ann false} {cid false}]" {
			t.Error(list)
		}
		if got := fmt.Sprint(f.Channels("ann"), f.Channels("bob")); got != "[c d] [d]" {
			t.Error(got)
		}
		if r := f.toChannel("c", Key{}); r.Members != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// A membership that cannot be written is none, and neither is one that fails with it.
func TestWhatTheDiskRefusesIsNoMembership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		full := false
		l.before = func(int) error {
			time.Sleep(time.Millisecond)
			if full {
				return ErrNoSpace
			}
			return nil
		}
		f := newDurable(t, l, Config{}, replay.Config{})
		f.enrolled("c: ann bob")
		full = true
		errs := make(chan error, 4)
		for _, change := range []func() (bool, error){
			func() (bool, error) { return f.AddMember("c", "cid") },
			func() (bool, error) { return f.RemoveMember("c", "ann") },
			func() (bool, error) { return f.AddMember("d", "cid") },
			func() (bool, error) { _, err := f.PublishToChannel("c", f.event(), Key{}); return false, err },
		} {
			go func() { _, err := change(); errs <- err }() // ends with its answer
		}
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, ErrNoSpace) {
				t.Error(err)
			}
		}
		full = false
		if got := fmt.Sprint(f.Channels("ann"), f.Channels("bob"), f.Channels("cid")); got != "[c] [c] []" {
			t.Error(got)
		}
		wantText(t, "log of ann", f.log("ann"), "")
		if r := f.toChannel("c", Key{}); r.Members != 2 {
			t.Errorf("%+v", r)
		}
		// A change that changes nothing needs no disk.
		full = true
		if added, err := f.AddMember("c", "ann"); added || err != nil {
			t.Errorf("%v, %v", added, err)
		}
	})
}

func TestDrainRefusesMemberships(t *testing.T) {
	inBoth(t, Config{}, func(t *testing.T, f *fixture, _ *tape) {
		f.enrolled("c: ann")
		f.Drain()
		if _, err := f.AddMember("c", "bob"); !errors.Is(err, ErrDraining) {
			t.Error(err)
		}
		if _, err := f.RemoveMember("c", "ann"); !errors.Is(err, ErrDraining) {
			t.Error(err)
		}
		if _, err := f.PublishToChannel("c", f.event(), Key{}); !errors.Is(err, ErrDraining) {
			t.Error(err)
		}
	})
}

// A channel with more members than a commit has entries is written whole.
func TestALargeChannelIsOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := newDurable(t, l, Config{}, replay.Config{})
		const n = 2*spareEntries + 1
		for i := range n {
			if _, err := f.AddMember("c", fmt.Sprint("user", i)); err != nil {
				t.Fatal(err)
			}
		}
		before := l.appends
		f.subscribe(Options{User: "user7"}, "latest")
		if r := f.toChannel("c", Key{}); r.Members != n || r.Delivered != 1 || l.appends != before+1 {
			t.Errorf("%+v in %d commits", r, l.appends-before)
		}
		synctest.Wait() // what was answered may not be put away yet
		if c := cap(f.committer.entries); c > spareEntries {
			t.Errorf("room for %d entries is kept", c)
		}
		f.publishN("user7", 3)
		wantText(t, "log of user7", f.log("user7"), "id1 id2 id3 id4")
	})
}

// Publishers on several cores: all members see one order.
func TestAChannelHasOneOrder(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxEvents: 1 << 20, MaxBytes: 1 << 30, MaxTotalBytes: 1 << 40})
	const members, publishers, events = 40, 4, 500
	for i := range members {
		f.enrolled(fmt.Sprint("c: user", i))
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() { // ends when all is sent
			for i := range events {
				if _, err := f.PublishToChannel("c", &replay.Event{ID: fmt.Sprint(p, "-", i), Type: "t", Time: t0}, Key{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	order := func(user string) string {
		entries, _ := f.store.Read(user, 0, make([]replay.Entry, 0, publishers*events), 1<<30, nil)
		ids := make([]string, len(entries))
		for i, e := range entries {
			ids[i] = e.Event.ID
		}
		return strings.Join(ids, " ")
	}
	want := order("user0")
	if n := len(strings.Fields(want)); n != publishers*events {
		t.Errorf("%d events", n)
	}
	for i := range members {
		if got := order(fmt.Sprint("user", i)); got != want {
			t.Fatalf("user%d has another order", i)
		}
	}
}

func TestRevocationsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := newDurable(t, l, Config{}, replay.Config{})
		for _, name := range []string{"one", "two"} {
			if err := f.SaveRevocation("ann", name, []byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		f.enrolled("c: ann")
		if err := f.SaveRevocation("ann", "two", nil); err != nil || len(l.facts) != 2 || l.facts[factName{ledger.Revoked, "ann", "one"}].Value == nil {
			t.Errorf("%v, %v", err, l.facts)
		}
		l.before = func(int) error { return ErrNoSpace }
		if err := f.SaveRevocation("ann", "two", []byte{1}); !errors.Is(err, ErrNoSpace) || len(l.facts) != 2 {
			t.Error(err, l.facts)
		}
	})
	if err := newFixture(t, Config{}, replay.Config{}).SaveRevocation("ann", "one", []byte{1}); err != nil {
		t.Error(err)
	}
}

// The bounds may have been lowered below what there is: a removal that cannot be written
// is undone all the same, or the memory would forget who is a member on disk.
func TestARemovalIsUndoneOverTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := newDurable(t, l, Config{}, replay.Config{})
		f.enrolled("c: ann bob cid", "d: ann", "e: ann")
		lowered := newDurable(t, l, Config{MaxChannelsPerUser: 1, MaxChannelMembers: 1, MaxMemberships: 1}, replay.Config{})
		l.before = func(int) error { return ErrNoSpace }
		if _, err := lowered.RemoveMember("c", "ann"); !errors.Is(err, ErrNoSpace) {
			t.Error(err)
		}
		if got := fmt.Sprint(lowered.Channels("ann")); got != "[c d e]" {
			t.Error(got)
		}
	})
}

// What is published to nobody has an entry of its own if it can be repeated, and none
// otherwise: those behind it in the same commit stand where they were written, and a
// repeat is known behind the next start.
func TestPublishesToNobodyShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		l.before = func(int) error { time.Sleep(time.Millisecond); return nil }
		f := newDurable(t, l, Config{}, replay.Config{})
		key := Key{Name: "k", Digest: [16]byte{1}}
		given := func() *replay.Event {
			return &replay.Event{ID: "given", IDGiven: true, Type: "t", Channel: "empty", Data: []byte("1")}
		}
		first := f.Submit("bob", f.event(), Key{})
		synctest.Wait() // it is being written, and the others wait
		var waiting []*Pending
		for _, p := range []func() *Pending{
			func() *Pending { return f.SubmitToChannel("empty", given(), Key{}) },
			func() *Pending { return f.Submit("ann", f.event(), Key{}) },
			func() *Pending { return f.SubmitToChannel("empty", f.event(), key) },
			func() *Pending { return f.Submit("ann", f.event(), Key{}) },
			func() *Pending { return f.SubmitToChannel("empty", f.event(), Key{}) },
			func() *Pending { return f.Submit("bob", f.event(), Key{}) },
		} {
			waiting = append(waiting, p())
		}
		var got []string
		for _, p := range append([]*Pending{first}, waiting...) {
			r, err := p.Wait()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(r.Cursor.Seq, r.Members))
		}
		wantText(t, "seqs and members", strings.Join(got, ", "), "1 0, 0 0, 1 0, 0 0, 2 0, 0 0, 2 0")
		if l.appends != 2 {
			t.Errorf("%d commits", l.appends)
		}
		again := newDurable(t, l, Config{}, replay.Config{})
		for name, p := range map[string]*Pending{"id": again.SubmitToChannel("empty", given(), Key{}), "key": again.SubmitToChannel("empty", again.event(), key)} {
			if r, err := p.Wait(); err != nil || !r.Duplicate {
				t.Errorf("%s: %+v %v", name, r, err)
			}
		}
	})
}
