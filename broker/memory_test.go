package broker

import (
	"fmt"
	"testing"
	"unsafe"

	"hubline/internal/leaktest"
	"hubline/replay"
)

// What an idle connection costs here: its subscription and, once for each
// connected user, the user and the empty log with its pin.
func TestIdleSubscriptionIsSmall(t *testing.T) {
	const n = 5_000
	for _, tt := range []struct {
		name string
		user func(i int) string
		max  int64 // bytes per connection
	}{
		{"each of another user", func(i int) string { return fmt.Sprintf("user-%08d", i) }, 520},
		{"all of one user", func(int) string { return "user" }, 160},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{MaxConnectionsPerUser: n + 1}, replay.Config{})
			wake := &bell{}
			connect := func(i int) *Subscription {
				s, _, err := f.Subscribe(Options{User: tt.user(i), Device: "device", Waker: wake})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			subs := make([]*Subscription, n)
			subs[0] = connect(0)
			before := leaktest.Heap()
			for i := 1; i < n; i++ {
				subs[i] = connect(i)
			}
			got := (leaktest.Heap() - before) / n
			t.Logf("%d bytes per connection", got)
			if got > tt.max {
				t.Errorf("%d bytes per connection, budget %d", got, tt.max)
			}
			if st := f.Stats(); st.Connections != n {
				t.Errorf("population %d, want %d", st.Connections, n)
			}
			for _, s := range subs {
				s.Close()
			}
		})
	}
	if n := unsafe.Sizeof(Subscription{}); n > 144 {
		t.Errorf("a Subscription has %d bytes", n)
	}
	if n := unsafe.Sizeof(shard{}); n%64 != 0 {
		t.Errorf("a shard has %d bytes, no whole cache lines", n)
	}
}

// A connection that takes nothing costs no more than its bounds, and the
// publisher is not held up.
func TestAStalledConnectionCostsItsBoundAtMost(t *testing.T) {
	const bound = 64 << 10
	f := newFixture(t, Config{QueueBytes: bound}, replay.Config{MaxEvents: 1})
	f.subscribe(Options{}, "latest")
	before := leaktest.Heap()
	for range 20_000 {
		f.publish("ann", func(ev *replay.Event) { ev.Data = make([]byte, 1000) })
		if got := f.users("ann").first.queue.bytes; got > bound {
			t.Fatalf("%d bytes wait", got)
		}
	}
	if got := leaktest.Heap() - before; got > 2*bound {
		t.Errorf("%d bytes are held", got)
	}
}

func (f *fixture) users(name string) *user { return f.shard(name).users[name] }

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool drops rings at random")
	}
	f := newFixture(t, Config{}, replay.Config{})
	var cs []*client
	for range 3 {
		cs = append(cs, f.subscribe(Options{Device: "d", Match: func(ev *replay.Event) bool { return ev.Type == "t" }}, "latest"))
	}
	u, frame := f.users("ann"), &Frame{Event: f.event()}
	dst := make([]Delivery, 0, readPage)
	seq := uint64(0)
	hand := func(n int) {
		u.shard.mu.Lock()
		for range n {
			seq++
			u.shard.handOverLocked(u, seq, frame.Event, frame)
		}
		u.shard.mu.Unlock()
		for _, c := range cs {
			for len(c.Next(dst, 1<<20)) > 0 {
			}
		}
	}
	offline := f.event()
	f.publishN("bob", 2000)
	key := Key{Name: "k"}
	if _, err := f.Publish("ann", f.event(), key); err != nil {
		t.Fatal(err)
	}
	for range 1500 { // the log has reached its size
		f.publish("ann", nil)
		hand(0)
	}
	publish := func(user string, ev *replay.Event, key Key) func() {
		return func() {
			if _, err := f.Publish(user, ev, key); err != nil {
				t.Error(err)
			}
		}
	}
	live := publish("ann", offline, Key{})
	alone, toAlone := f.subscribe(Options{User: "cid"}, "latest"), publish("cid", offline, Key{})
	takeAlone := func() {
		for len(alone.Next(dst, 1<<20)) > 0 {
		}
	}
	for range 1500 {
		toAlone()
		takeAlone()
	}
	for _, tt := range []struct {
		name string
		max  float64
		op   func()
	}{
		{"hand one over and take it", 0, func() { hand(1) }},
		{"hand over as many as a small queue takes", 0, func() { hand(smallQueue) }},
		{"publish to nobody connected", 0, publish("bob", offline, Key{})},
		{"repeat a publish", 0, publish("ann", offline, key)},
		{"publish, hand over and take", 1, func() { live(); hand(0) }}, // the frame
		{"the same for a user's only connection", 0, func() { toAlone(); takeAlone() }},
		{"position", 0, func() { cs[0].Position() }},
		{"acknowledge", 0, func() { cs[0].Acknowledge(replay.Cursor{Seq: 1}) }},
		{"form", 0, func() { frame.Form(0, func(ev *replay.Event) any { return ev }) }},
	} {
		tt.op()
		if n := testing.AllocsPerRun(1000, tt.op); n > tt.max {
			t.Errorf("%s allocates %v times", tt.name, n)
		}
	}
}

// Reading from the log allocates no more than the announcement of a gap.
func TestReadingAllocatesNothing(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", 1000)
	c := f.subscribe(Options{}, "0")
	dst := make([]Delivery, 0, 1)
	if n := testing.AllocsPerRun(500, func() {
		if len(c.Next(dst, 1<<20)) != 1 {
			t.Error("nothing was taken")
		}
	}); n != 0 {
		t.Errorf("a read allocates %v times", n)
	}
}
