// Package storm runs the randomized test of order and loss: publishers that publish
// at the same time in every form the API has, and clients that lose their
// connection at any byte, come back over another transport, are slow, or stay away
// too long. Every decision is drawn from a seed; only the timing is not. What came
// of it is judged by package check.
package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hubline/test/internal/check"
	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// Config is one kind of storm.
type Config struct {
	// Flags of the server, and what they allow it to forget (see check.Truth).
	Flags     []string
	Reasons   []string
	LogEvents uint64

	Users, ClientsPerUser, Publishers int
	// Events is how many are published in all, broadcasts counted once.
	Events int
	// DataBytes is the most that an event carries. Zero means 200.
	DataBytes int

	Broadcasts bool // some events go to all users
	Devices    bool // clients are devices, and some events are for or not for one
	Filters    bool // some clients ask for some types only
	TTL        bool // some events expire within the run
	Away       bool // clients stay away while others publish
	Slow       bool // clients stop reading for a while
	// Crowd is how many further users are published to, so that logs are evicted.
	Crowd int
	// Restarts is how often the server is stopped or killed in the middle; with
	// Kills it is always killed.
	Restarts int
	Kills    bool
	// Lives is how often the server is killed at moments drawn at random, also while
	// it starts; Within, if not zero, ends that earlier. Publishers repeat what was not
	// answered until it is, and stop when there are no more kills: Events does not count.
	Lives  int
	Within time.Duration
}

// seedVariable sets the seed of a run that is to be repeated.
const seedVariable = "HUBLINE_SEED"

// Run runs one storm and fails the test on every broken promise.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("repeat with %s=%d", seedVariable, seed)
	if cfg.DataBytes == 0 {
		cfg.DataBytes = 200
	}
	limit, start := 3*harness.Patience(), harness.Start
	if cfg.Lives > 0 {
		limit += cfg.Within
		start = harness.StartToKill
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	s := &storm{
		t: t, cfg: cfg, seed: seed, server: start(t, append(cfg.Flags, "--drain-timeout", "1s")...),
		ends: map[string]client.Cursor{}, progress: make(chan struct{}), up: make(chan struct{}),
	}
	close(s.up)
	s.run(ctx)
}

// storm is one run.
type storm struct {
	t      *testing.T
	cfg    Config
	seed   uint64
	server *harness.Server
	clock  stopwatch

	mu        sync.Mutex
	events    []check.Event
	published int                      // acknowledged
	enough    bool                     // the server will not be killed again
	over      bool                     // nothing is published any more
	ends      map[string]client.Cursor // last event of each user, once it is over
	progress  chan struct{}            // closed and renewed whenever one of these changes
	up        chan struct{}            // closed while the server runs
}

// draw returns the source of decisions of one participant.
func (s *storm) draw(who string) *rand.Rand {
	h := s.seed
	for _, b := range []byte(who) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return rand.New(rand.NewPCG(s.seed, h))
}

func (s *storm) run(ctx context.Context) {
	var publishers, wanderers, controller sync.WaitGroup
	var clients []*wanderer
	for u := range s.cfg.Users {
		for c := range s.cfg.ClientsPerUser {
			w := s.newWanderer(user(u), fmt.Sprintf("%s/%d", user(u), c))
			clients = append(clients, w)
			wanderers.Go(func() { w.run(ctx) })
		}
	}
	for p := range s.cfg.Publishers {
		publishers.Go(func() { s.newPublisher(p).run(ctx) })
	}
	if s.cfg.Lives > 0 {
		controller.Go(func() { s.lives(ctx) })
	} else {
		controller.Go(func() { s.restart(ctx) })
	}
	began := s.clock.now()
	publishers.Wait()
	controller.Wait()
	s.finish(ctx)
	over := s.clock.now()
	wanderers.Wait()
	s.t.Logf("published for %v, received for %v more", over-began, s.clock.now()-over)

	truth := check.Truth{Events: s.events, Reasons: s.cfg.Reasons, LogEvents: s.cfg.LogEvents}
	var histories []check.Client
	for _, w := range clients {
		w.history.Until = s.ends[w.user]
		histories = append(histories, w.history)
	}
	s.judge(truth, histories)
}

// judge reports the first violations, and what the client read before the first.
func (s *storm) judge(truth check.Truth, histories []check.Client) {
	s.t.Helper()
	found := check.Check(truth, histories)
	for i, v := range found {
		if i == 20 {
			s.t.Errorf("… and %d more", len(found)-i)
			break
		}
		s.t.Error(v)
	}
	var connections, events, gaps, recovered, waits int
	for _, h := range histories {
		for i := range h.Steps {
			switch step := &h.Steps[i]; {
			case step.Connected != nil:
				connections++
			case step.Message.Kind == client.Event:
				events++
			case step.Message.Kind == client.Gap:
				gaps++
			case step.Message.Kind == client.Ready && step.Message.Ready.Recovered:
				recovered++
			case step.Message.Kind == client.Move:
				waits++
			}
		}
	}
	s.t.Logf("%d events published, %d received over %d connections, %d recovered, %d gaps, %d cursors moved",
		len(s.events), events, connections, recovered, gaps, waits)
	if len(found) > 0 {
		s.dump(found[0].Who, histories)
	}
}

// dump writes a client's history into the test's artifacts.
func (s *storm) dump(who string, histories []check.Client) {
	for _, h := range histories {
		if h.Name != who && h.User != who {
			continue
		}
		var b strings.Builder
		for i := range h.Steps {
			if c := h.Steps[i].Connected; c != nil {
				fmt.Fprintf(&b, "connected %s since %s\n", c.Transport, c.Since)
				continue
			}
			m := &h.Steps[i].Message
			fmt.Fprintf(&b, "%s %s %s ready=%+v gap=%+v\n", m.Kind, m.Cursor, m.ID, m.Ready, m.Gap)
		}
		path := s.t.ArtifactDir() + "/" + strings.ReplaceAll(h.Name, "/", "-") + ".txt"
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			s.t.Error(err)
		}
		s.t.Logf("history of %s: %s", h.Name, path)
	}
}

func user(n int) string { return "user" + strconv.Itoa(n) }

// finish publishes a last event to each user, which tells the clients that they
// have everything.
func (s *storm) finish(ctx context.Context) {
	for u := range s.cfg.Users {
		e := harness.Event{ID: fmt.Sprintf("end-%s", user(u)), Type: endType, Data: []byte("null")}
		start := s.clock.now()
		r, err := s.server.TryPublish(ctx, user(u), e)
		if err != nil {
			s.t.Errorf("last event: %v", err)
			continue
		}
		s.record(user(u), e, r, start)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	close(s.progress)
	s.progress = make(chan struct{})
}

// endType is the type of a user's last event. Every filter lets it through.
const endType = "end"
