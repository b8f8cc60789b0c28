package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// storm is publishers, broadcasters and clients that come, go and resume, all
// at the same time on a broker whose bounds are hit all the time. It runs on a
// fake clock, so a wake-up that is lost stops everything and is found at once.
type storm struct {
	*Broker
	cfg   stormConfig
	truth truth
}

type stormConfig struct {
	seed                           uint64
	users, publishers, clients     int
	events                         int // each publisher's
	broker                         Config
	log                            replay.Config
	broadcasts, filters, targeting bool
	redeliveries                   int
	ledger, fails                  bool
}

func drawStorm(t *rapid.T) stormConfig {
	n := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	c := stormConfig{
		seed:  rapid.Uint64().Draw(t, "seed"),
		users: n("users", 1, 4), publishers: n("publishers", 1, 4), clients: n("clients", 2, 8), events: n("events", 20, 150),
		broadcasts: yes("broadcasts"), filters: yes("filters"), targeting: yes("targeting"),
		redeliveries: n("redeliveries", 0, 2),
		broker:       Config{QueueEvents: n("queueEvents", 1, 8), QueueBytes: n("queueBytes", 1, 3000)},
		log:          replay.Config{MaxEvents: n("maxEvents", 1, 80)},
	}
	if c.ledger = yes("ledger"); c.ledger {
		c.fails = yes("fails")
	}
	if yes("tight") {
		c.log.MaxUsers, c.log.MaxWatermarks = n("maxUsers", 1, 3), n("maxWatermarks", 1, 3)
		c.log.MaxTotalBytes = rapid.Int64Range(1, 10_000).Draw(t, "maxTotalBytes")
	}
	return c
}

func (s *storm) user(r *rand.Rand) string { return fmt.Sprint("user", r.IntN(s.cfg.users)) }

// publish sends events until it has sent all of its own; others run in between.
func (s *storm) publish(r *rand.Rand, name string) {
	for i := range s.cfg.events {
		ev := &replay.Event{
			ID: fmt.Sprint(name, "-", i), Type: []string{"a", "b"}[r.IntN(2)], Time: t0, Data: make([]byte, r.IntN(300)),
		}
		if s.cfg.targeting {
			switch r.IntN(4) {
			case 0:
				ev.Device = fmt.Sprint("d", r.IntN(3))
			case 1:
				ev.ExceptDevice = fmt.Sprint("d", r.IntN(3))
			}
		}
		if s.cfg.broadcasts && r.IntN(8) == 0 {
			ev.Type, ev.Device, ev.ExceptDevice = "all", "", ""
			if _, err := s.Broadcast(ev, Key{}); err != nil && !s.refused(err) {
				s.truth.fail("Broadcast: %v", err)
			}
		} else {
			user := s.user(r)
			rec, err := s.Publish(user, ev, Key{})
			switch {
			case err == nil:
				s.truth.published(user, rec.Cursor, ev)
			case !s.refused(err):
				s.truth.fail("Publish: %v", err)
			}
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
		}
	}
}

func (s *storm) refused(err error) bool { return s.cfg.fails && errors.Is(err, ErrNoSpace) }

// wander is a client of one user and device that connects again and again and
// goes on where it was, until it has met its user's end.
func (s *storm) wander(r *rand.Rand, done <-chan struct{}) {
	h := &history{user: s.user(r), device: fmt.Sprint("d", r.IntN(3))}
	if s.cfg.filters && r.IntN(2) == 0 {
		h.only = []string{"a", "b"}[r.IntN(2)]
	}
	for !s.connect(r, h, done) {
		time.Sleep(time.Duration(r.IntN(4)) * time.Millisecond)
	}
	s.truth.add(h)
}

// connect is one connection. It reports whether everything is over and read.
func (s *storm) connect(r *rand.Rand, h *history, done <-chan struct{}) (over bool) {
	wake := make(waker, 1)
	o := Options{User: h.user, Device: h.device, Since: h.where(r), Waker: wake}
	if h.only != "" {
		o.Match = h.matches
	}
	sub, w, err := s.Subscribe(o)
	if err != nil {
		s.truth.fail("Subscribe: %v", err)
		return true
	}
	defer sub.Close()
	h.welcomed(o.Since, w)
	leave := time.After(time.Duration(r.IntN(30)) * time.Millisecond)
	dst := make([]Delivery, 0, 1+r.IntN(40))
	for {
		for s.take(r, h, sub, dst) {
		}
		if r.IntN(2) == 0 {
			h.moved(sub.Position())
		}
		select {
		case <-wake:
			continue
		case <-leave:
		case <-done:
			over = true
		}
		// What waits by now has rung before the shard's lock was given up.
		if sub.waiting() && sub.Position().Epoch != "" && len(wake) == 0 {
			s.truth.fail("a wake-up of %s was lost", h.user)
		}
		if over {
			for s.take(r, h, sub, dst) {
			}
			h.ended(sub.Position(), s.store.State(h.user))
		}
		return over
	}
}

// take takes what waits once, and does with it what clients do.
func (s *storm) take(r *rand.Rand, h *history, sub *Subscription, dst []Delivery) bool {
	page := sub.Next(dst, 1<<20)
	if len(page) == 0 {
		return false
	}
	for i := range page {
		h.took(&page[i])
	}
	if r.IntN(2) == 0 {
		h.acked = h.at
		sub.Acknowledge(h.at)
	}
	if r.IntN(3) == 0 { // slow
		time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
	}
	return true
}

// waker is a Waker that one goroutine can wait for.
type waker chan struct{}

func (w waker) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// run is a whole storm; it returns what was wrong.
func (s *storm) run() []string {
	done := make(chan struct{})
	var publishers, clients sync.WaitGroup
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(s.cfg.seed, stream)) }
	for i := range s.cfg.publishers {
		publishers.Go(func() { s.publish(random(uint64(i)), fmt.Sprint("p", i)) }) // ends when all is sent
	}
	for i := range s.cfg.clients {
		clients.Go(func() { s.wander(random(uint64(100+i)), done) }) // ends after done
	}
	for i := range s.cfg.redeliveries {
		clients.Go(func() { s.again(random(uint64(200+i)), done) }) // ends with done
	}
	publishers.Wait()
	close(done)
	clients.Wait()
	s.Close()
	if err := checkEmpty(s.Broker); err != nil {
		s.truth.fail("%v", err)
	}
	return s.truth.judge()
}

func TestStorm(t *testing.T) {
	total, again := Stats{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		cfg := drawStorm(rt)
		synctest.Test(t, func(*testing.T) {
			if cfg.ledger {
				l := slowTape(cfg.seed, cfg.fails)
				cfg.broker.Ledger, cfg.log.Backing = l, l
			}
			s := &storm{Broker: New(cfg.broker, newStore(cfg.log)), cfg: cfg}
			s.truth.events, s.truth.broadcasts = map[string]*replay.Event{}, map[string]string{}
			for _, wrong := range s.run() {
				rt.Error(wrong)
			}
			st := s.Stats()
			total.Lagged += st.Lagged
			total.Gaps += st.Gaps
			total.Replayed += st.Replayed
			total.Delivered += st.Delivered
			again += s.truth.again()
		})
	})
	if total.Lagged == 0 || total.Gaps == 0 || total.Replayed == 0 || total.Delivered == 0 || again == 0 {
		t.Errorf("something was never met: %+v", total)
	}
	t.Logf("lagged %d times, %d gaps, %d replayed, %d delivered, %d again", total.Lagged, total.Gaps, total.Replayed, total.Delivered, again)
}
