package broker

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hubline/replay"
)

// t0 is the time of all events, in Unix milliseconds, and of the store's clock.
const t0 = 1_763_596_800_000

// eventSize is what an event without texts and data counts in bytes.
var eventSize = new(replay.Event).Size()

func newStore(cfg replay.Config) *replay.Store {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.UnixMilli(t0) }
	}
	return replay.NewStore(cfg)
}

// fixture is a broker whose end is checked: when a test is over nothing may be
// connected, pinned or waiting.
type fixture struct {
	*Broker
	t testing.TB
	n int
}

func newFixture(t testing.TB, cfg Config, log replay.Config) *fixture {
	t.Helper()
	f := &fixture{Broker: New(cfg, newStore(log)), t: t}
	t.Cleanup(func() {
		if err := checkEmpty(f.Broker); err != nil {
			t.Error(err)
		}
	})
	return f
}

// checkEmpty looks for what subscriptions that were all closed left behind.
func checkEmpty(b *Broker) error {
	if st := b.Stats(); st.Connections != 0 || st.Users != 0 {
		return fmt.Errorf("%d connections of %d users are left", st.Connections, st.Users)
	}
	if n := b.store.Stats().Pinned; n != 0 {
		return fmt.Errorf("%d logs are still pinned", n)
	}
	return nil
}

// event makes one with an id of its own that the publisher did not choose.
func (f *fixture) event() *replay.Event {
	f.n++
	return &replay.Event{ID: fmt.Sprint("id", f.n), Type: "t", Time: t0}
}

// publish gives user an event that change has been applied to, if it is not nil.
func (f *fixture) publish(user string, change func(*replay.Event)) Receipt {
	f.t.Helper()
	ev := f.event()
	if change != nil {
		change(ev)
	}
	r, err := f.Publish(user, ev, Key{})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *fixture) publishN(user string, n int) {
	f.t.Helper()
	for range n {
		f.publish(user, nil)
	}
}

// bell is a Waker that counts.
type bell struct{ rung atomic.Int64 }

func (b *bell) Wake() { b.rung.Add(1) }

// client is a subscription with its welcome.
type client struct {
	*Subscription
	Welcome
	bell *bell
}

// subscribe connects until the end of the test. since is as in a URL, with E
// for the epoch of the user's log and X for another.
func (f *fixture) subscribe(o Options, since string) *client {
	f.t.Helper()
	c, err := f.trySubscribe(o, since)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// since reads a text in which E is the user's epoch and X another.
func (f *fixture) since(user, text string) replay.Since {
	f.t.Helper()
	epoch := f.store.State(user).Epoch
	s, err := replay.ParseSince(strings.NewReplacer("E-", epoch+"-", "X-", "other-").Replace(text))
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) trySubscribe(o Options, since string) (*client, error) {
	f.t.Helper()
	if o.User == "" {
		o.User = "ann"
	}
	o.Since = f.since(o.User, since)
	var err error
	c := &client{bell: &bell{}}
	o.Waker = c.bell
	c.Subscription, c.Welcome, err = f.Subscribe(o)
	return c, err
}

// waiting reports whether Next has something, or may have.
func (s *Subscription) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && (s.queue.count > 0 || s.behind || s.beside != nil)
}

// take returns what waits as text: seqs, and gaps in brackets.
func (c *client) take() string { return c.takeBy(readPage) }

// takeBy takes in pages of n.
func (c *client) takeBy(n int) string {
	var parts []string
	dst := make([]Delivery, 0, n)
	for {
		page := c.Next(dst, 1<<20)
		if len(page) == 0 {
			return strings.Join(parts, " ")
		}
		for _, d := range page {
			parts = append(parts, d.text())
		}
	}
}

func (d *Delivery) text() string {
	if n := d.Notice; n != nil {
		return [...]string{"+", "-", "?"}[n.Kind] + n.User + "@" + strings.TrimPrefix(n.Channel, PresencePrefix)
	}
	if d.Gap != nil {
		return gapText(d.Gap)
	}
	if d.Redelivered() {
		return fmt.Sprint(d.Seq, "again")
	}
	return fmt.Sprint(d.Seq)
}

func gapText(g *replay.Gap) string {
	if g == nil {
		return ""
	}
	return fmt.Sprintf("[%d..%d %s]", g.From, g.To, g.Reason)
}

func wantText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
