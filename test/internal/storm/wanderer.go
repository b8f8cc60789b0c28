package storm

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"hubline/test/internal/chaos"
	"hubline/test/internal/check"
	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// wanderer is a client that does not stay anywhere for long.
type wanderer struct {
	*storm

	user    string
	rng     *rand.Rand
	proxy   *chaos.Proxy
	token   string
	history check.Client

	cursor string   // where it would resume; empty before the first ready
	older  []string // cursors that it had before
	done   bool     // it has the last event
}

func (s *storm) newWanderer(user, name string) *wanderer {
	w := &wanderer{storm: s, user: user, rng: s.draw(name), proxy: chaos.New(s.t, s.server.Addr)}
	w.history = check.Client{Name: name, User: user}
	claims := harness.Claims{}
	_, number, _ := strings.Cut(name, "/")
	if s.cfg.Devices {
		w.history.Device = "device" + number
		claims["device"] = w.history.Device
	}
	if s.cfg.Filters && number != "0" {
		w.history.Types = [][]string{{"a", endType}, {"b", "c", endType}}[w.rng.IntN(2)]
	}
	w.token = s.server.Token(user, claims)
	return w
}

func (w *wanderer) run(ctx context.Context) {
	for !w.done && ctx.Err() == nil {
		if end, ok := w.ended(w.user); ok && w.reached(end) {
			return
		}
		w.visit(ctx)
	}
	if ctx.Err() != nil {
		w.t.Errorf("%s: gave up waiting at %s", w.history.Name, w.cursor)
	}
}

// reached reports whether the cursor is at the end.
func (w *wanderer) reached(end client.Cursor) bool {
	c, err := client.ParseCursor(w.cursor)
	return err == nil && c.Epoch == end.Epoch && c.Seq >= end.Seq
}

// mood is what is decided before a visit.
type mood struct {
	transport string
	plan      chaos.Plan
	messages  int  // leave after so many; negative: stay
	abort     bool // leave with a reset
	sleepAt   int  // stop reading after so many messages; negative: never
	sleep     int  // until so many more events are published
	ticket    bool
	inQuery   bool
	bare      bool // resume with the bare seq
	header    bool // resume with Last-Event-ID, and something older in the URL
	back      int  // resume from a cursor so far back
	limit     string
	wait      string
}

// decide draws a mood. The number of draws does not depend on the state of others,
// so that a seed gives the same decisions again.
func (w *wanderer) decide() mood {
	rng := w.rng
	m := mood{
		transport: []string{"sse", "ws", "poll", "hub-ws", "hub-sse", "hub-poll"}[rng.IntN(6)],
		plan:      chaos.Plan{CutAfter: -1, Chunk: []int{0, 0, 1, 7, 100}[rng.IntN(5)]},
		messages:  1 + int(rng.ExpFloat64()*40),
		abort:     rng.IntN(2) == 0,
		sleepAt:   -1,
		ticket:    rng.IntN(3) == 0,
		inQuery:   rng.IntN(2) == 0,
		bare:      rng.IntN(10) == 0 && !w.cfg.ends() && w.epochsLast(),
		header:    rng.IntN(2) == 0,
		limit:     []string{"1", "2", "7", "100", "1000"}[rng.IntN(5)],
		wait:      []string{"0", "0.2", "1", "25"}[rng.IntN(4)],
	}
	cut, after, reset := rng.IntN(2) == 0, 200+int64(rng.ExpFloat64()*6000), rng.IntN(2) == 0
	if cut {
		m.plan.CutAfter, m.plan.Reset, m.messages = after, reset, -1
	}
	at, long := rng.IntN(30), 1+rng.IntN(200)
	if w.cfg.Slow && rng.IntN(2) == 0 {
		m.sleepAt, m.sleep = at, long
	}
	if len(w.history.Types) > 0 { // hubs do not filter
		m.transport = strings.TrimPrefix(m.transport, "hub-")
	}
	if back := rng.IntN(20); rng.IntN(12) == 0 {
		m.back = back
	}
	return m
}

// epochsLast reports whether the configuration keeps every epoch, so that a bare
// seq is safe to resume with.
func (w *wanderer) epochsLast() bool {
	return !slices.Contains(w.cfg.Reasons, "epoch")
}

// visit is one connection from its beginning to its end.
func (w *wanderer) visit(ctx context.Context) {
	m := w.decide()
	if away, long := w.rng.IntN(3) == 0, w.rng.IntN(400); w.cfg.Away && away {
		w.waitPublished(ctx, long)
	}
	calm := w.isOver()
	if calm {
		m.plan, m.messages, m.sleepAt = chaos.Untouched, -1, -1
	}
	w.proxy.Next(m.plan)
	mark := len(w.history.Steps)
	stream, err := w.dial(ctx, &m)
	if err != nil {
		// Nothing was read: the attempt is forgotten.
		w.history.Steps = w.history.Steps[:mark]
		w.broke(ctx, &m, err)
		return
	}
	if err := w.read(ctx, stream, &m); err != nil {
		stream.Abort()
		w.broke(ctx, &m, err)
		return
	}
	if m.abort {
		stream.Abort()
	} else {
		stream.Close()
	}
}

// broke judges the end of a connection that the client did not end.
func (w *wanderer) broke(ctx context.Context, m *mood, err error) {
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, client.ErrProtocol):
		w.t.Errorf("%s over %s: %v", w.history.Name, m.transport, err)
	case w.cfg.ends():
		w.running(ctx)
	case m.plan.CutAfter < 0:
		w.t.Errorf("%s over %s: the connection broke although nobody cut it: %v", w.history.Name, m.transport, err)
	}
}

// late is how long a connected client may wait in a storm. A message that only
// leaves with the next keep-alive, 15 s later, was forgotten.
const late = 10 * time.Second

// read takes messages until it is time to leave.
func (w *wanderer) read(ctx context.Context, stream client.Stream, m *mood) error {
	for n := 0; n != m.messages && !w.done; n++ {
		if n == m.sleepAt {
			w.waitPublished(ctx, m.sleep)
		}
		asked := w.clock.now()
		msg, err := stream.Next(ctx)
		if took := w.clock.now() - asked; took > late {
			w.t.Errorf("%s over %s: waited %v for %s %s, though there is always something to come", w.history.Name, m.transport, took, msg.Kind, msg.Cursor)
		}
		if err != nil {
			return err
		}
		w.note(&msg)
	}
	return nil
}

// note records a message and moves the cursor as a client of that transport would.
func (w *wanderer) note(m *client.Message) {
	switch m.Kind {
	case client.Comment, client.Retry, client.Pong, client.Closing, client.Reply:
		return
	case client.Gap:
		if m.SSEID != "" {
			w.move(m.SSEID)
		} else if c, err := client.ParseCursor(w.cursor); err == nil && m.Gap.Reason != "epoch" {
			c.Seq = m.Gap.To
			w.move(c.String())
		}
	case client.Event:
		w.move(m.Cursor.String())
		w.done = w.done || m.Type == endType
	case client.Ready, client.Move:
		w.move(m.Cursor.String())
	}
	w.history.Steps = append(w.history.Steps, check.Step{Message: *m})
}

func (w *wanderer) move(to string) {
	if w.cursor != "" && w.cursor != to {
		w.older = append(w.older, w.cursor)
		if len(w.older) > 32 {
			w.older = w.older[16:]
		}
	}
	w.cursor = to
}
