package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// A channel storm is publishers, members that come and go, and others who publish to
// the same users, at the same time. Afterwards the logs are held against what is known:
// who was a member for the whole time of a publish got it once, who was none for the
// whole time did not, and whoever got two events of a channel got them in one order,
// which is the order of publishes that did not overlap.
type channelStorm struct {
	*Broker

	mu      sync.Mutex
	now     int // counts steps
	events  map[string]*channelEvent
	changes map[string][]channelChange // by channel and user
	wrong   []string
}

type channelEvent struct {
	channel    string
	begin, end int // of the publish; end is 0 as long as it is not answered
	members    int
}

// channelChange is a change that was answered, between two steps; one that failed
// changed nothing.
type channelChange struct {
	begin, end int
	in         bool
}

func (s *channelStorm) step() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	return s.now
}

func (s *channelStorm) failLocked(format string, args ...any) {
	if len(s.wrong) < 10 {
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
}

const stormUsers, stormChannels = 6, 3

func (s *channelStorm) publish(r *rand.Rand, name string, n int) {
	for i := range n {
		channel := fmt.Sprint("c", r.IntN(stormChannels))
		ev := &replay.Event{ID: fmt.Sprint(name, "-", i), Type: "t", Channel: channel, Time: t0}
		e := &channelEvent{channel: channel, begin: s.step()}
		s.mu.Lock()
		s.events[ev.ID] = e
		s.mu.Unlock()
		rec, err := s.PublishToChannel(channel, ev, Key{})
		end := s.step()
		s.mu.Lock()
		switch {
		case err == nil:
			e.end, e.members = end, rec.Members
		case errors.Is(err, ErrNoSpace):
			delete(s.events, ev.ID)
		default:
			s.failLocked("PublishToChannel: %v", err)
		}
		s.mu.Unlock()
		pause(r)
	}
}

// pause lets others go first at times.
func pause(r *rand.Rand) {
	if r.IntN(2) == 0 {
		time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
	}
}

// yielder is a Waker in whose middle others run: publishes overlap there.
type yielder struct{}

func (yielder) Wake() { runtime.Gosched() }

// comeAndGo changes the memberships of one user, who nobody else changes.
func (s *channelStorm) comeAndGo(r *rand.Rand, user string, n int) {
	in := map[string]bool{}
	for range n {
		channel := fmt.Sprint("c", r.IntN(stormChannels))
		want, begin := r.IntN(3) > 0, s.step()
		change := s.RemoveMember
		if want {
			change = s.AddMember
		}
		changed, err := change(channel, user)
		end := s.step()
		s.mu.Lock()
		switch {
		case err != nil && !errors.Is(err, ErrNoSpace):
			s.failLocked("membership: %v", err)
		case err == nil && changed != (in[channel] != want):
			s.failLocked("%s in %s: changed %v, was %v, wanted %v", user, channel, changed, in[channel], want)
		case changed:
			s.changes[channel+user] = append(s.changes[channel+user], channelChange{begin, end, want})
			in[channel] = want
		}
		s.mu.Unlock()
		pause(r)
	}
}

// was tells what is certain of a membership over a span of steps.
func (s *channelStorm) was(channel, user string, begin, end int) (in, out bool) {
	in, out = false, true
	for _, c := range s.changes[channel+user] {
		switch {
		case c.end < begin: // before
			in, out = c.in, !c.in
		case c.begin < end: // meanwhile
			in, out = false, false
			return in, out
		}
	}
	return in, out
}

func (s *channelStorm) check() {
	order := map[string]map[string]int{} // place of an event's id in a user's log
	for i := range stormUsers {
		user := fmt.Sprint("user", i)
		order[user] = map[string]int{}
		entries, _ := s.store.Read(user, 0, make([]replay.Entry, 0, 10_000), 1<<30, nil)
		for at, e := range entries {
			id := e.Event.ID
			if _, twice := order[user][id]; twice {
				s.failLocked("%s got %s twice", user, id)
			}
			order[user][id] = at
			if e.Event.Channel != "" && s.events[id] == nil {
				s.failLocked("%s got %s, whose publish has failed", user, id)
			}
		}
		for id, e := range s.events {
			_, got := order[user][id]
			if in, out := s.was(e.channel, user, e.begin, e.end); in && !got || out && got {
				s.failLocked("%s got %s of %s: %v, but was in: %v, was out: %v", user, id, e.channel, got, in, out)
			}
		}
	}
	for a, ea := range s.events {
		got := 0
		for _, log := range order {
			if _, ok := log[a]; ok {
				got++
			}
		}
		if got != ea.members {
			s.failLocked("%s has %d members by its receipt, %d got it", a, ea.members, got)
		}
		for b, eb := range s.events {
			if ea.channel == eb.channel && a != b {
				s.checkOrder(order, a, b, ea.end < eb.begin)
			}
		}
	}
}

func (s *channelStorm) checkOrder(order map[string]map[string]int, a, b string, before bool) {
	first := ""
	for user, log := range order {
		at, gotA := log[a]
		bt, gotB := log[b]
		switch {
		case !gotA || !gotB:
			continue
		case before && at > bt:
			s.failLocked("%s got %s after %s, which was published later", user, a, b)
		}
		now := a
		if bt < at {
			now = b
		}
		if first != "" && now != first {
			s.failLocked("%s and %s came in two orders", a, b)
		}
		first = now
	}
}

func TestChannelStorm(t *testing.T) {
	certain := [2]int{}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		disk, fails := rapid.Bool().Draw(rt, "disk"), rapid.Bool().Draw(rt, "fails")
		publishers, events := rapid.IntRange(1, 4).Draw(rt, "publishers"), rapid.IntRange(1, 30).Draw(rt, "events")
		synctest.Test(t, func(*testing.T) {
			var cfg Config
			var log replay.Config
			if disk {
				l := slowTape(seed, fails)
				cfg.Ledger, log.Backing = l, l
			}
			s := &channelStorm{Broker: New(cfg, newStore(log)), events: map[string]*channelEvent{}, changes: map[string][]channelChange{}}
			for i := range stormUsers {
				sub, _, err := s.Subscribe(Options{User: fmt.Sprint("user", i), Waker: yielder{}})
				if err != nil {
					rt.Fatal(err)
				}
				defer sub.Close()
			}
			var wg sync.WaitGroup
			random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) } //nolint:gosec // a test
			for i := range publishers {
				wg.Go(func() { s.publish(random(uint64(i)), fmt.Sprint("p", i), events) }) // ends when all is sent
			}
			for i := range stormUsers {
				wg.Go(func() { s.comeAndGo(random(uint64(100+i)), fmt.Sprint("user", i), events) }) // ends by itself
			}
			wg.Go(func() { // ends by itself
				for i := range events {
					ev := &replay.Event{ID: fmt.Sprint("other-", i), Type: "t", Time: t0}
					if _, err := s.Publish(fmt.Sprint("user", i%stormUsers), ev, Key{}); err != nil && !errors.Is(err, ErrNoSpace) {
						rt.Error(err)
					}
				}
			})
			wg.Wait()
			s.Close()
			s.check()
			for _, wrong := range s.wrong {
				rt.Error(wrong)
			}
			for _, e := range s.events {
				in, out := s.was(e.channel, "user0", e.begin, e.end)
				if in {
					certain[0]++
				}
				if out {
					certain[1]++
				}
			}
		})
	})
	if certain[0] == 0 || certain[1] == 0 {
		t.Errorf("nobody was ever certainly a member, or none: %v", certain)
	}
}
