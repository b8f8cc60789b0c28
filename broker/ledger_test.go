package broker

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/replay"
)

// durable is a fixture with a ledger, on the fake clock.
type durable struct {
	*fixture
	tape *tape
}

func newDurable(t *testing.T, l *tape, cfg Config, log replay.Config) *durable {
	t.Helper()
	cfg.Ledger, log.Backing = l, l
	f := newFixture(t, cfg, log)
	t.Cleanup(f.Close)
	return &durable{f, l}
}

func TestNothingIsSeenBeforeItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		write := make(chan error)
		l.before = func(int) error { return <-write }
		d := newDurable(t, l, Config{}, replay.Config{})
		c := d.subscribe(Options{}, "latest")
		p := d.Submit("ann", d.event(), Key{})
		synctest.Wait()
		wantText(t, "before", c.take(), "")
		if st := d.Store().State("ann"); st.Head != 0 {
			t.Errorf("the log is at %d", st.Head)
		}
		write <- nil
		r, err := p.Wait()
		if err != nil || r.Cursor.Seq != 1 || r.Delivered != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
		wantText(t, "written", c.take(), "1")
		c.Close()
		close(write)
	})
}

// All that waits is one commit, and each publisher's events keep their order.
func TestWhoWaitsIsWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		l.before = func(int) error { time.Sleep(time.Second); return nil }
		d := newDurable(t, l, Config{}, replay.Config{})
		began := time.Now()
		var all []*Pending
		for i := range 100 {
			all = append(all, d.Submit(fmt.Sprint("user", i%7), d.event(), Key{}))
		}
		for i, p := range all {
			if r, err := p.Wait(); err != nil || r.Cursor.Seq != uint64(i/7+1) {
				t.Errorf("event %d: %+v, %v", i, r, err)
			}
		}
		if took := time.Since(began); took > 2*time.Second || l.appends > 2 {
			t.Errorf("took %v in %d commits", took, l.appends)
		}
	})
}

func TestWhatIsNotWrittenIsNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		fail := errors.New("cause")
		l.before = func(n int) error {
			switch n {
			case 2:
				return fmt.Errorf("%w: %w", ErrNoSpace, fail)
			case 4:
				return ErrLog
			}
			return nil
		}
		d := newDurable(t, l, Config{}, replay.Config{})
		c := d.subscribe(Options{}, "latest")
		key := Key{Name: "k", Digest: [16]byte{1}}
		for i, want := range []error{nil, ErrNoSpace, nil, ErrLog, nil} {
			r, err := d.Publish("ann", &replay.Event{ID: fmt.Sprint(i), Type: "t", Time: t0}, key)
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("publish %d: %+v, %v; want %v", i, r, err, want)
			}
			key.Name += "k" // it is not remembered of what was refused
		}
		wantText(t, "received", c.take(), "1 2 3")
		c.Close()
	})
}

// Facts that must be written again are, also when nothing is published, and what is
// published does not wait for all of them.
func TestFactsAreWrittenAgainBetweenCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		d := newDurable(t, l, Config{}, replay.Config{})
		left := func() int {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.restate
		}
		ask := func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.restate = 1000
		}
		ask()
		time.Sleep(cursorInterval)
		synctest.Wait()
		if n := left(); n != 0 {
			t.Errorf("%d portions are left", n)
		}
		ask()
		between := 0
		l.before = func(int) error { between = left(); return nil }
		if _, err := d.Publish("ann", d.event(), Key{}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := left(); n != 0 || between != 999 {
			t.Errorf("%d portions are left, %d when it was published", n, between)
		}
	})
}

// A publish that is repeated while the first one is on its way gets its answer.
func TestRepeatsOfWhatIsNotYetWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		write := make(chan error)
		l.before = func(int) error { return <-write }
		d := newDurable(t, l, Config{}, replay.Config{})
		ev := func() *replay.Event { return &replay.Event{ID: "given", IDGiven: true, Type: "t", Time: t0} }
		key := Key{Name: "k", Digest: [16]byte{1}}
		first := d.Submit("ann", ev(), key)
		byKey := d.Submit("ann", d.event(), key)
		byID := d.Submit("ann", ev(), Key{})
		other := d.Submit("bob", ev(), key)
		if _, err := d.Submit("ann", d.event(), Key{Name: "k"}).Wait(); !errors.Is(err, ErrConflict) {
			t.Errorf("another content: %v", err)
		}
		close(write)
		for name, p := range map[string]*Pending{"key": byKey, "id": byID} {
			if r, err := p.Wait(); err != nil || !r.Duplicate || r.ID != "given" || r.Cursor.Seq != 1 {
				t.Errorf("by %s: %+v, %v", name, r, err)
			}
		}
		for _, p := range []*Pending{first, other} {
			if r, err := p.Wait(); err != nil || r.Duplicate || r.Cursor.Seq != 1 {
				t.Errorf("got %+v, %v", r, err)
			}
		}
		if r, err := d.Publish("ann", ev(), Key{}); err != nil || !r.Duplicate {
			t.Errorf("afterwards: %+v, %v", r, err)
		}
	})
}

// What memory has forgotten the ledger knows: answers, cursors of devices, events.
func TestTheLedgerRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		key := Key{Name: "k", Digest: [16]byte{1}}
		d := newDurable(t, l, Config{}, replay.Config{})
		if _, err := d.Publish("ann", d.event(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Broadcast(d.event(), key); err != nil {
			t.Fatal(err)
		}
		c := d.subscribe(Options{Device: "phone"}, "0")
		wantText(t, "replayed", c.take(), "1 2")
		c.Acknowledge(replay.Cursor{Seq: 1})
		c.Close()
		d.Close()

		d = newDurable(t, l, Config{}, replay.Config{}) // after a restart
		if r, err := d.Publish("ann", d.event(), key); err != nil || !r.Duplicate || r.Cursor.Seq != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
		if r, err := d.Broadcast(d.event(), key); err != nil || !r.Duplicate {
			t.Errorf("got %+v, %v", r, err)
		}
		if _, err := d.Publish("ann", d.event(), Key{Name: "k"}); !errors.Is(err, ErrConflict) {
			t.Errorf("another content: %v", err)
		}
		c = d.subscribe(Options{Device: "phone"}, "device")
		wantText(t, "replayed", c.take(), "2")
		c.Close()
		if r := d.publish("ann", nil); r.Cursor.Seq != 3 || r.Cursor.Epoch != "base" {
			t.Errorf("got %+v", r)
		}
	})
}

// A broadcast reaches those whose log is on disk alone, and waits for nobody.
func TestBroadcastsReachWhoIsOnDiskOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 3 * announceUsers
		l := newTape()
		d := newDurable(t, l, Config{}, replay.Config{MaxUsers: 10, MaxWatermarks: 10})
		for i := range users {
			d.Submit(fmt.Sprint("user", i), d.event(), Key{})
		}
		c := d.subscribe(Options{User: "nobody"}, "latest")
		r, err := d.Broadcast(d.event(), Key{})
		if err != nil || r.Users != users+1 || r.Delivered != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
		wantText(t, "received", c.take(), "1")
		c.Close()
		for i := range users {
			if st := d.Store().Standing(fmt.Sprint("user", i)); st.Head != 2 {
				t.Fatalf("user %d is at %d", i, st.Head)
			}
		}
		entries, _ := d.Store().Read("user7", 0, make([]replay.Entry, 0, 4), 1<<20, nil)
		if len(entries) != 2 || entries[1].Event.ID != r.ID {
			t.Errorf("read %+v", entries)
		}
	})
}

// What waits for the disk is bounded.
func TestWhatWaitsForTheDiskIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		write := make(chan error)
		l.before = func(int) error { return <-write }
		d := newDurable(t, l, Config{}, replay.Config{})
		big := func() *replay.Event { return &replay.Event{Type: "t", Time: t0, Data: make([]byte, 1<<20)} }
		var all []*Pending
		var err error
		for err == nil && len(all) < 100 {
			p := d.Submit("ann", big(), Key{})
			select {
			case <-p.done:
				_, err = p.Wait()
			default:
				all = append(all, p)
			}
			synctest.Wait()
		}
		if !errors.Is(err, ErrBusy) || len(all) < 60 || len(all) > 68 {
			t.Errorf("%d were taken, then %v", len(all), err)
		}
		close(write)
		for _, p := range all {
			if _, err := p.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
}

// Cursors are written in the second in which they move, all at once; what cannot be
// written is kept for the next.
func TestCursorsAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		var fails atomic.Bool
		var attempts atomic.Int32
		l.before = func(int) error {
			attempts.Add(1)
			if fails.Load() {
				return ErrNoSpace
			}
			return nil
		}
		d := newDurable(t, l, Config{DeviceCursors: 1}, replay.Config{})
		d.publishN("ann", 3)
		var devices []*client
		for i := range 5 {
			c := d.subscribe(Options{Device: fmt.Sprint("d", i)}, "latest")
			c.Acknowledge(replay.Cursor{Seq: uint64(i % 3)})
			c.Acknowledge(replay.Cursor{Seq: 3})
			c.Acknowledge(replay.Cursor{Seq: 1}) // not back
			devices = append(devices, c)
		}
		fails.Store(true)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		before := attempts.Load()
		fails.Store(false)
		for i := range devices {
			if at, ok := d.DeviceCursor("ann", fmt.Sprint("d", i)); !ok || at.Seq != 3 {
				t.Errorf("device %d is at %v", i, at)
			}
		}
		written := func() int {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.cursors)
		}
		if n := written(); n != 0 {
			t.Errorf("%d are written", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := attempts.Load() - before; written() != 5 || n != 1 {
			t.Errorf("%d are written in %d attempts", written(), n)
		}
		for _, c := range devices {
			c.Close()
		}
	})
}

func TestCloseWritesWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slowTape(1, false)
		d := newDurable(t, l, Config{}, replay.Config{})
		var publishers sync.WaitGroup
		for range 4 {
			publishers.Go(func() {
				for range 10 {
					if _, err := d.Publish("ann", &replay.Event{Type: "t", Time: t0}, Key{}); err != nil && !errors.Is(err, ErrDraining) {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		d.Close()
		publishers.Wait()
		if st := d.Store().Standing("ann"); st.Head == 0 || st.Head != uint64(len(l.entries)) {
			t.Errorf("the log is at %d, %d are written", st.Head, len(l.entries))
		}
	})
}
