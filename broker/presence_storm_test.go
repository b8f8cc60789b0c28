package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// A presence storm is users with several connections that come and go, memberships that
// begin and end, and clients who do what clients are told to do: look up the list when
// they become members or are told that it has changed, and follow the notices. Some take
// what waits at once and some late. At rest every client knows the truth.
type presenceStorm struct {
	*Broker
	channels []string
	over     chan struct{} // closed when all has been compared

	mu    sync.Mutex
	wrong []string
	told  map[NoticeKind]int
}

func (s *presenceStorm) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wrong) < 10 {
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
}

// follower is a client that follows notices.
type follower struct {
	storm *presenceStorm
	user  string
	sub   *Subscription
	bell  chan struct{}
	lists map[string]map[string]bool // who is in, by channel that it is a member of
	heard map[[2]string]NoticeKind   // the last notice of a channel and user, while both last
}

func (c *follower) Wake() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// follow connects and takes what waits until done is closed, and what is left then.
func (s *presenceStorm) follow(r *rand.Rand, user string, late time.Duration, done <-chan struct{}) {
	c := &follower{s, user, nil, make(chan struct{}, 1), map[string]map[string]bool{}, map[[2]string]NoticeKind{}}
	sub, _, err := s.Subscribe(Options{User: user, Waker: c, Notices: true})
	if err != nil {
		s.fail("Subscribe: %v", err)
		return
	}
	defer sub.Close()
	c.sub = sub
	for _, channel := range s.channels {
		if s.isIn(channel, user) { // connected, and a member
			c.look(channel)
		}
	}
	for over := false; !over; {
		select {
		case <-c.bell:
			if late > 0 {
				time.Sleep(time.Duration(r.Int64N(int64(late))))
			}
		case <-done:
			over = true
		}
		c.take()
	}
	c.compare()
}

func (c *follower) look(channel string) {
	users, _ := c.storm.Present(channel, 1000)
	c.lists[channel] = map[string]bool{}
	for _, user := range users {
		c.lists[channel][user] = true
	}
	for key := range c.heard {
		if key[0] == channel {
			delete(c.heard, key)
		}
	}
}

func (c *follower) take() {
	dst := make([]Delivery, 0, 8)
	for {
		got := c.sub.Next(dst, 1<<20)
		if len(got) == 0 {
			return
		}
		for i := range got {
			c.notice(got[i].Notice)
		}
	}
}

func (c *follower) notice(n *Notice) {
	s := c.storm
	s.mu.Lock()
	s.told[n.Kind]++
	s.mu.Unlock()
	key := [2]string{n.Channel, n.User}
	last, known := c.heard[key]
	switch {
	case n.Kind == MembersChanged:
		for _, channel := range s.channels {
			if n.Channel == "" || n.Channel == channel {
				c.look(channel)
			}
		}
		return
	case n.User == c.user && n.Kind == MemberJoined:
		c.look(n.Channel)
	case n.User == c.user:
		delete(c.lists, n.Channel)
	case c.lists[n.Channel] == nil:
		s.fail("%s is told of %s, and is no member", c.user, n.Channel)
		return
	case known && last == n.Kind:
		s.fail("%s is told twice of %s in %s: %d", c.user, n.User, n.Channel, n.Kind)
	case n.User == steady && known:
		s.fail("%s is told that %s has come or gone: %d", c.user, n.User, n.Kind)
	}
	c.heard[key] = n.Kind
	if n.User != c.user {
		c.lists[n.Channel][n.User] = n.Kind == MemberJoined
	}
}

// compare holds what the client knows against the truth, at rest.
func (c *follower) compare() {
	for _, channel := range c.storm.channels {
		if !c.storm.isIn(channel, c.user) {
			continue
		}
		var know []string
		for user, in := range c.lists[channel] {
			if in && user != c.user {
				know = append(know, user)
			}
		}
		slices.Sort(know)
		truth, _ := c.storm.Present(channel, 1000)
		truth = slices.DeleteFunc(truth, func(user string) bool { return user == c.user })
		if !slices.Equal(know, truth) {
			c.storm.fail("%s knows that in %s are %v, and there are %v", c.user, channel, know, truth)
		}
	}
}

const (
	stormGrace = 100 * time.Millisecond
	// steady is a user whose reconnects are all within the grace, and whose old connections
	// end late.
	steady = "steady"
)

func (s *presenceStorm) connect(user string) *Subscription {
	sub, _, err := s.Subscribe(Options{User: user, Waker: yielder{}})
	if err != nil {
		s.fail("Subscribe: %v", err)
	}
	return sub
}

// reconnect keeps the steady user in, by turns with a short pause and with an old
// connection that ends behind the new one.
func (s *presenceStorm) reconnect(r *rand.Rand, n int) {
	sub := s.connect(steady)
	for range n {
		time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
		old := sub
		if r.IntN(2) == 0 {
			old.Close()
			time.Sleep(time.Duration(r.Int64N(int64(stormGrace))))
			sub = s.connect(steady)
			continue
		}
		sub = s.connect(steady)
		time.Sleep(time.Duration(r.Int64N(int64(2 * stormGrace))))
		old.Close()
	}
	<-s.over
	sub.Close()
}

// flap opens and closes connections of a user, some of which stay.
func (s *presenceStorm) flap(r *rand.Rand, user string, n int) {
	var open []*Subscription
	for range n {
		if len(open) > 0 && r.IntN(2) == 0 {
			i := r.IntN(len(open))
			open[i].Close()
			open = slices.Delete(open, i, i+1)
		} else if len(open) < 3 {
			open = append(open, s.connect(user))
		}
		time.Sleep(time.Duration(r.IntN(3)) * time.Duration(r.IntN(100)) * time.Millisecond)
	}
	<-s.over
	for _, sub := range open {
		sub.Close()
	}
}

// enrol begins and ends memberships of some users.
func (s *presenceStorm) enrol(r *rand.Rand, users []string, n int) {
	for range n {
		change := s.AddMember
		if r.IntN(2) == 0 {
			change = s.RemoveMember
		}
		// What the disk refuses is as it was.
		_, _ = change(s.channels[r.IntN(len(s.channels))], users[r.IntN(len(users))])
		if r.IntN(3) > 0 {
			time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		}
	}
}

func (s *presenceStorm) sweep(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case now := <-time.After(23 * time.Millisecond):
			s.SweepPresence(now)
		}
	}
}

func TestPresenceStorm(t *testing.T) {
	told := map[NoticeKind]int{}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		disk, fails := rapid.Bool().Draw(rt, "disk"), rapid.Bool().Draw(rt, "fails")
		flappers, changes := rapid.IntRange(1, 6).Draw(rt, "flappers"), rapid.IntRange(1, 40).Draw(rt, "changes")
		bound := rapid.SampledFrom([]int{1, 2, 4, maxNotices}).Draw(rt, "bound")
		s := &presenceStorm{channels: []string{"presence-a", "presence-b", "presence-c"}, told: told}
		synctest.Test(t, func(*testing.T) {
			cfg, log := Config{PresenceGrace: stormGrace}, replay.Config{}
			var l *tape
			if disk {
				l = newTape()
				cfg.Ledger, log.Backing = l, l
			}
			s.Broker = New(cfg, newStore(log))
			s.maxNotices = bound
			s.rage(seed, flappers, changes, func() {
				if disk {
					l.before = slowTape(seed, fails).before
				}
			})
			s.Close()
			if err := checkEmpty(s.Broker); err != nil {
				s.fail("%v", err)
			}
		})
		for _, wrong := range s.wrong {
			rt.Error(wrong)
		}
	})
	if told[MemberJoined] == 0 || told[MemberLeft] == 0 || told[MembersChanged] == 0 {
		t.Errorf("the storm was too calm: %v", told)
	}
	t.Logf("told %v", told)
}

// rage has all of it happen at once. begin is called when all is set up.
func (s *presenceStorm) rage(seed uint64, flappers, changes int, begin func()) {
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) } //nolint:gosec // a test
	users := []string{"comes-and-goes"}
	for i := range flappers {
		users = append(users, fmt.Sprint("flapper", i))
	}
	watchers := []string{"watcher0", "watcher1"}
	for _, channel := range s.channels {
		for _, user := range slices.Concat(users, watchers, []string{steady}) {
			if _, err := s.AddMember(channel, user); err != nil {
				s.fail("AddMember: %v", err)
			}
		}
	}
	begin()
	rest := make(chan struct{})
	s.over = make(chan struct{})
	var all, watching sync.WaitGroup
	all.Go(func() { s.sweep(rest) }) // ends with rest
	for i, user := range append(watchers, users[0]) {
		for k, late := range []time.Duration{0, 300 * time.Millisecond} {
			watching.Go(func() { s.follow(random(uint64(10*i+k)), user, late, rest) }) // ends with rest
		}
	}
	all.Go(func() { s.reconnect(random(100), changes) }) // ends by itself
	for i, user := range users[1:] {
		all.Go(func() { s.flap(random(uint64(200+i)), user, changes) }) // ends by itself
	}
	for i := range 2 {
		all.Go(func() { s.enrol(random(uint64(300+i)), users, changes) }) // ends by itself
	}
	time.Sleep(20 * time.Second) // longer than all of it
	synctest.Wait()
	close(rest)
	watching.Wait()
	close(s.over)
	all.Wait()
}
