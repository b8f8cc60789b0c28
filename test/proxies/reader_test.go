package proxies

import (
	"context"
	"errors"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// transports are the native ones.
var transports = []string{"sse", "ws", "poll"}

// soon is how long an event may take to get through a proxy that lets it through.
// It is shorter than the time between two pings (15 s), so that none of them can have
// pushed it out of a buffer.
const soon = 10 * time.Second

// reader follows one user over one transport and checks that every event comes once
// and in order, over however many connections.
type reader struct {
	t         *testing.T
	transport string
	o         client.Options
	stream    client.Stream

	since string // where the next connection resumes
	last  uint64 // seq of the newest event
	known bool   // last is known
	// connections is how many it made, attempts too.
	connections int
}

// newReader returns a reader that begins at o.Since, all that is kept if it is empty.
// It connects when it reads.
func newReader(t *testing.T, transport string, o client.Options) *reader {
	t.Helper()
	r := &reader{t: t, transport: transport, o: o, since: o.Since}
	if r.since == "" {
		r.since, r.known = "0", true
	}
	t.Cleanup(r.leave)
	return r
}

// dial opens a stream of any native transport.
func dial(ctx context.Context, transport string, o client.Options) (client.Stream, error) {
	switch transport {
	case "sse":
		s, err := client.DialSSE(ctx, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	case "ws":
		s, err := client.DialWS(ctx, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s := client.NewPoller(o)
	return s, nil
}

// connect opens a connection where the last one ended.
func (r *reader) connect(ctx context.Context) error {
	r.leave()
	o := r.o
	o.Since = r.since
	r.connections++
	s, err := dial(ctx, r.transport, o)
	if err == nil {
		r.stream = s
	}
	return err
}

// leave closes the connection, if there is one.
func (r *reader) leave() {
	if r.stream != nil {
		r.stream.Close()
		r.stream = nil
	}
}

// tear ends the connection with a reset.
func (r *reader) tear() {
	if r.stream != nil {
		r.stream.Abort()
		r.stream = nil
	}
}

// welcome connects and reads to hubline.ready, or to the first answer of a poll:
// from then on the reader misses nothing.
func (r *reader) welcome() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), soon)
	defer cancel()
	wait := r.o.Query
	if r.transport == "poll" {
		r.o.Query = map[string][]string{"wait": {"0"}}
	}
	err := r.connect(ctx)
	r.o.Query = wait
	for known := false; !known && err == nil; {
		var m client.Message
		if m, err = r.stream.Next(ctx); err == nil {
			r.take(&m)
			known = m.Kind == client.Ready || m.Kind == client.Move
		}
	}
	if err != nil {
		r.t.Fatalf("%s: no welcome: %v", r.transport, err)
	}
	if r.transport == "poll" {
		r.leave() // later polls wait
	}
}

// want reads to the event with the seq, which must come soon and over the present
// connection.
func (r *reader) want(seq uint64) {
	r.t.Helper()
	if err := r.read(seq, soon); err != nil {
		r.t.Fatalf("%s: waiting for seq %d after %d: %v", r.transport, seq, r.last, err)
	}
}

// read reads to the event with the seq. It connects if there is no connection, and
// returns the error that ended one.
func (r *reader) read(seq uint64, within time.Duration) error {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	if r.stream == nil {
		if err := r.connect(ctx); err != nil {
			return err
		}
	}
	for r.last < seq {
		m, err := r.stream.Next(ctx)
		if err != nil {
			return err
		}
		r.take(&m)
	}
	return nil
}

// insist reads to the event with the seq over as many connections as it takes.
func (r *reader) insist(seq uint64) {
	r.t.Helper()
	deadline := time.Now().Add(harness.Patience())
	for {
		err := r.read(seq, time.Until(deadline))
		switch {
		case err == nil:
			return
		case errors.Is(err, client.ErrProtocol), time.Now().After(deadline):
			r.t.Fatalf("%s: waiting for seq %d after %d, connection %d: %v", r.transport, seq, r.last, r.connections, err)
		}
		r.tear()
	}
}

// take checks a message and moves the cursor as a client does.
func (r *reader) take(m *client.Message) {
	r.t.Helper()
	switch m.Kind {
	case client.Event:
		if r.known && m.Cursor.Seq != r.last+1 {
			r.t.Fatalf("%s: seq %d came after %d", r.transport, m.Cursor.Seq, r.last)
		}
	case client.Ready, client.Move:
		if r.known && m.Cursor.Seq != r.last {
			r.t.Fatalf("%s: the cursor moved to %s after seq %d", r.transport, m.Cursor, r.last)
		}
	case client.Gap:
		r.t.Fatalf("%s: gap %+v, although everything is kept", r.transport, m.Gap)
	default:
		return
	}
	r.last, r.known, r.since = m.Cursor.Seq, true, m.Cursor.String()
}

// limited is a context for what must not take as long as the whole test.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience())
	t.Cleanup(cancel)
	return ctx
}

// pause lets some milliseconds of the server's time go by, between two attempts at
// something: a long poll that ends by itself.
func pause(t *testing.T, s *harness.Server) {
	t.Helper()
	p := client.NewPoller(client.Options{URL: s.URL, Token: s.Token("clock"), Query: map[string][]string{"wait": {"0.015"}}})
	defer p.Close()
	if _, err := p.Poll(limited(t)); err != nil {
		t.Fatal(err)
	}
}
