package transports_test

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

func negotiate(t testing.TB, s *transports.Server, scope, user string) *transports.Connection {
	t.Helper()
	c, err := s.Negotiate(scope, user, "addr", nil, 15*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
		seen := map[string]bool{}
		for range 1000 {
			c := negotiate(t, s, "/hub", "user")
			for _, id := range []string{c.Token(), c.ConnectionID()} {
				if !form.MatchString(id) || seen[id] {
					t.Fatalf("id %q is ill-formed or not new", id)
				}
				seen[id] = true
			}
		}
		same, err := s.Negotiate("/hub", "other", "addr", nil, time.Second, true)
		if err != nil || same.Token() != same.ConnectionID() {
			t.Errorf("token %q, id %q, %v; want the same", same.Token(), same.ConnectionID(), err)
		}
	})
}

func TestTokenIsGoodForItsEndpointOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c := negotiate(t, s, "/a", "user")
		if _, ok := s.Lookup("/b", c.Token()); ok {
			t.Error("Lookup found another endpoint's")
		}
		if _, ok := s.Take("/b", c.Token(), transports.WebSockets); ok {
			t.Error("Take took another endpoint's")
		}
		if _, ok := s.Lookup("/a", c.ConnectionID()); ok {
			t.Error("Lookup found it by its public name")
		}
		if got, ok := s.Lookup("/a", c.Token()); !ok || got != c {
			t.Error("Lookup did not find it")
		}
		if got, ok := s.Take("/a", c.Token(), transports.WebSockets); !ok || got != c {
			t.Error("Take did not take it")
		}
		hidden := s.Open("/a", "user", "addr", nil, transports.WebSockets, false)
		if _, ok := s.Lookup("/a", hidden.Token()); ok {
			t.Error("Lookup found one that is not addressable")
		}
	})
}

func TestTicketIsGoodOnce(t *testing.T) {
	s := newServer(t, transports.Config{})
	for range 200 {
		c := negotiate(t, s, "/a", "user")
		var taken atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, ok := s.Take("/a", c.Token(), transports.WebSockets); ok {
					taken.Add(1)
				}
			})
		}
		all.Wait()
		if n := taken.Load(); n != 1 {
			t.Fatalf("the ticket was taken %d times", n)
		}
		if _, ok := s.Lookup("/a", c.Token()); ok {
			t.Error("a used ticket is still known")
		}
	}
}

func TestConnectionIsClaimedOnce(t *testing.T) {
	s := newServer(t, transports.Config{})
	for range 200 {
		c := negotiate(t, s, "/a", "user")
		var claimed atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if c.Claim(transports.LongPolling) {
					claimed.Add(1)
				}
			})
		}
		all.Wait()
		if n := claimed.Load(); n != 1 {
			t.Fatalf("the connection was claimed %d times", n)
		}
		if got := c.Transport(); got != transports.LongPolling {
			t.Errorf("transport = %q", got)
		}
	}
}

func TestNegotiatedConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{MaxNegotiated: 10, MaxNegotiatedPerUser: 3})
		var first *transports.Connection
		for i := range 3 {
			if c := negotiate(t, s, "/a", "greedy"); i == 0 {
				first = c
			}
		}
		refused := func(user string) bool {
			_, err := s.Negotiate("/a", user, "addr", nil, time.Second, false)
			return errors.Is(err, transports.ErrTooMany)
		}
		if !refused("greedy") {
			t.Error("a fourth of one user's is not refused")
		}
		for i := range 7 {
			negotiate(t, s, "/a", fmt.Sprint(i))
		}
		if !refused("late") {
			t.Error("an eleventh is not refused")
		}
		if n := s.Negotiated(); n != 10 {
			t.Errorf("%d are negotiated, want 10", n)
		}
		// A place is free when one is used or has expired.
		first.Claim(transports.WebSockets)
		negotiate(t, s, "/a", "greedy")
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if n := s.Negotiated(); n != 0 {
			t.Errorf("%d are negotiated after their time, want none", n)
		}
		negotiate(t, s, "/a", "greedy")
		first.End(transports.ReasonDone)
	})
}

func TestUnusedTicketExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		time.Sleep(300 * time.Millisecond) // out of step with the sweeper
		used, unused, late := negotiate(t, s, "/a", "u"), negotiate(t, s, "/a", "u"), negotiate(t, s, "/a", "u")
		ends := 0
		unused.OnEnd(func() { ends++ })
		time.Sleep(15*time.Second - 1)
		if _, ok := s.Take("/a", used.Token(), transports.WebSockets); !ok {
			t.Error("the ticket was not good to the end of its time")
		}
		time.Sleep(time.Nanosecond)
		if _, ok := s.Take("/a", late.Token(), transports.WebSockets); ok {
			t.Error("the ticket was good after its time, before the sweeper came")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, ok := s.Lookup("/a", unused.Token()); ok || !unused.Ended() || ends != 1 {
			t.Errorf("found = %v, ended = %v, OnEnd called %d times", ok, unused.Ended(), ends)
		}
		time.Sleep(time.Minute)
		if used.Ended() {
			t.Error("a used ticket has expired")
		}
	})
}
