package longpoll

import (
	"net/http"
	"testing"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// carrier returns a connection of a carrier that no request is at.
func carrier(t *testing.T) (*Conn, *dialect.Session) {
	t.Helper()
	s := transports.NewServer(transports.Config{})
	t.Cleanup(func() { s.Shutdown(t.Context(), 0) })
	c := s.Open("/hub", "user", "addr", nil, transports.LongPolling, false)
	d := dialect.New(c)
	c.Bind(d)
	k := NewConn(NewParker(nil, Config{}), c, Options{})
	c.Run(k)
	return k, d
}

// present makes a poll the present one and returns it.
func (k *Conn) present() *Poll {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.poll, k.ends = NewPoll(k.parker, k), time.Now().Add(k.o.PollTimeout)
	return k.poll
}

// A poll was to say that the connection is over, but its client has left.
func TestClientLeavesAnAbortedConnection(t *testing.T) {
	k, d := carrier(t)
	older := k.present()
	newer := k.present()
	k.Abort(transports.ReasonRevoked)
	k.Gone(older) // there is a newer one that will say it
	if d.Reason() != "" {
		t.Errorf("ended with %q", d.Reason())
	}
	k.Gone(newer)
	ended(t, d, transports.ReasonRevoked)
}

// Abort is at once: not even what waits goes out.
func TestAbortSendsNothing(t *testing.T) {
	k, d := carrier(t)
	p := k.present()
	d.Push("unheard")
	k.Abort(transports.ReasonRevoked)
	if a, ok := k.Answer(p); !ok || a.Status != http.StatusNoContent {
		t.Errorf("answered %v, %v", a, ok)
	}
	if d.Waiting() != 1 {
		t.Error("the session was asked")
	}
	ended(t, d, transports.ReasonRevoked)
}

// A server that stops waits a moment for clients between two polls, counted from
// when it told them and from when they were last here; otherwise AwayTimeout counts.
func TestTickEndsWhoIsAway(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name       string
		reason     transports.Reason // of Close, if any
		away, told time.Time
		ends       time.Time
		want       transports.Reason
	}{
		{"no end", "", now, time.Time{}, now.Add(15 * time.Second), transports.ReasonLost},
		{"drain, away for long", transports.ReasonDrain, now.Add(-10 * time.Second), now, now.Add(drainWait), transports.ReasonDrain},
		{"drain, told long ago", transports.ReasonDrain, now, now.Add(-10 * time.Second), now.Add(drainWait), transports.ReasonDrain},
		{"drain, away for too long", transports.ReasonDrain, now.Add(-14 * time.Second), now, now.Add(time.Second), transports.ReasonDrain},
		{"another end", transports.ReasonRevoked, now, now, now.Add(15 * time.Second), transports.ReasonRevoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, d := carrier(t)
			if tt.reason != "" {
				k.Close(tt.reason)
			}
			k.mu.Lock()
			k.away, k.told = tt.away, tt.told
			k.mu.Unlock()
			k.Tick(tt.ends.Add(-1))
			if r := d.Reason(); r != "" {
				t.Errorf("ended with %q too early", r)
			}
			k.Tick(tt.ends)
			ended(t, d, tt.want)
		})
	}
}

// Between two polls the first reason counts as well.
func TestFirstReasonCounts(t *testing.T) {
	k, d := carrier(t)
	k.Close(transports.ReasonRevoked)
	k.Abort(transports.ReasonDrain)
	ended(t, d, transports.ReasonRevoked)
}

// A connection that something else has ended says so, and asks no session.
func TestPollOfAnEndedConnection(t *testing.T) {
	k, d := carrier(t)
	p := k.present()
	d.Push("unheard")
	k.c.End(transports.ReasonInternal)
	if a, ok := k.Answer(p); !ok || a.Status != http.StatusNoContent {
		t.Errorf("answered %v, %v", a, ok)
	}
	if d.Waiting() != 1 {
		t.Error("the session was asked")
	}
	ended(t, d, transports.ReasonInternal)
}

// A newer poll comes while the older one takes what waits: what was taken is
// for the newer one, in order, and the older one is done.
func TestNewerPollDuringTheFilling(t *testing.T) {
	k, d := carrier(t)
	older := k.present()
	var newer *Poll
	d.OnFill = func() {
		if newer == nil {
			newer = k.present()
		}
	}
	d.Push("a")
	if a, ok := k.Answer(older); !ok || a.Status != http.StatusNoContent {
		t.Errorf("the older poll is answered %v, %v", a, ok)
	}
	if n := len(newer.wake); n != 1 {
		t.Error("the newer poll was not woken")
	}
	d.Push("b")
	if a, ok := k.Answer(newer); !ok || string(a.Body) != "ab" {
		t.Errorf("the newer poll is answered %v, %v", a, ok)
	}
	if d.Reason() != "" {
		t.Errorf("ended with %q", d.Reason())
	}
}
