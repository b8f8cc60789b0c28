package broker

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/replay"
)

// Users with a log, with a connection, with both: each gets it once. Who was
// never seen, or has left without a log, gets nothing.
func TestBroadcastReachesEveryUserOnce(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	var cs []*client
	for i := range 100 {
		user := fmt.Sprint("user", i)
		if i%2 == 0 {
			f.publish(user, nil)
		}
		for range i % 3 {
			cs = append(cs, f.subscribe(Options{User: user}, "latest"))
		}
	}
	f.subscribe(Options{User: "gone"}, "latest").Close()
	reached := 0
	for i := range 100 {
		if i%2 == 0 || i%3 > 0 {
			reached++
		}
	}
	want := BroadcastReceipt{ID: "b", Users: reached, Delivered: len(cs)}
	if r, err := f.Broadcast(&replay.Event{ID: "b", Type: "t", Time: t0}, Key{}); r != want || err != nil {
		t.Errorf("receipt = %+v, %v, want %+v", r, err, want)
	}
	for i := range 100 {
		head := uint64(0)
		if i%2 == 0 {
			head++
		}
		if i%2 == 0 || i%3 > 0 {
			head++
		}
		if got := f.store.State(fmt.Sprint("user", i)).Head; got != head {
			t.Errorf("user %d: head %d, want %d", i, got, head)
		}
	}
	for _, c := range cs {
		if got := c.Next(make([]Delivery, 0, 2), 1<<20); len(got) != 1 || got[0].Event.ID != "b" || got[0].Frame == nil {
			t.Errorf("delivered %+v", got)
		}
	}
	if got := f.store.State("gone").Head; got != 0 {
		t.Errorf("the one who left has %d events", got)
	}
}

func TestRepeatedBroadcasts(t *testing.T) {
	tests := []struct {
		name     string
		attempts []attempt // seq: which broadcast's answer
	}{
		{"without key or id", []attempt{{seq: 1}, {seq: 2}}},
		{"same key", []attempt{{key: "k", seq: 1}, {key: "k", seq: 1, dup: true}}},
		{"same key, other content", []attempt{{key: "k", seq: 1}, {key: "k", body: 1}, {key: "k", seq: 1, dup: true}}},
		{"same id", []attempt{{id: "i", seq: 1}, {id: "i", seq: 1, dup: true}}},
		{"same id, other content", []attempt{{id: "i", seq: 1}, {id: "i", body: 1}}},
		{"same id with another key", []attempt{{key: "k", id: "i", seq: 1}, {key: "l", id: "i", seq: 1, dup: true}, {key: "l", seq: 1, dup: true}}},
		{"a key that is another's id", []attempt{{id: "i", seq: 1}, {key: "i", seq: 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{}, replay.Config{})
			f.subscribe(Options{}, "latest")
			f.publish("bob", nil)
			before := f.Stats().Published
			answers := map[uint64]BroadcastReceipt{}
			for i, a := range tt.attempts {
				ev := a.event(f)
				r, err := f.Broadcast(ev, a.name())
				if a.seq == 0 {
					if !errors.Is(err, ErrConflict) || r != (BroadcastReceipt{}) {
						t.Errorf("%d: %+v, %v, want a conflict", i, r, err)
					}
					continue
				}
				if !a.dup {
					answers[a.seq] = BroadcastReceipt{ID: ev.ID, Users: 2, Delivered: 1}
				}
				want := answers[a.seq]
				want.Duplicate = a.dup
				if err != nil || r != want {
					t.Errorf("%d: %+v, %v, want %+v", i, r, err, want)
				}
			}
			n := uint64(len(answers))
			if got := f.store.State("ann").Head; got != n || f.Stats().Published-before != n {
				t.Errorf("ann's head is %d, %d published, want %d", got, f.Stats().Published-before, n)
			}
		})
	}
}

// A broadcast's keys are no user's, whatever the user is called.
func TestKeysOfBroadcastsAndUsersAreApart(t *testing.T) {
	f := newFixture(t, Config{IdempotencyKeys: 1}, replay.Config{})
	key := Key{Name: "k"}
	for _, user := range []string{"ann", "broadcast", "\x00broadcast"} {
		if r, err := f.Publish(user, f.event(), key); err != nil || r.Duplicate {
			t.Errorf("%q: %+v, %v", user, r, err)
		}
	}
	if r, err := f.Broadcast(f.event(), key); err != nil || r.Duplicate {
		t.Errorf("broadcast: %+v, %v", r, err)
	}
	if r, err := f.Broadcast(f.event(), Key{Name: "l"}); err != nil || r.Duplicate {
		t.Errorf("broadcast with another key: %+v, %v", r, err)
	}
	if r, err := f.Broadcast(f.event(), key); err != nil || r.Duplicate {
		t.Errorf("broadcast with a key that was forgotten: %+v, %v", r, err)
	}
	if n := f.broadcasts.lru.Len(); n != 1 {
		t.Errorf("%d keys are remembered", n)
	}
}

// Concurrent repeats of a broadcast are answered like the first, though its
// work is not done when they come, and all users see broadcasts in one order.
func TestConcurrentBroadcasts(t *testing.T) {
	const broadcasters, keys = 4, 30
	f := newFixture(t, Config{}, replay.Config{})
	var cs []*client
	for i := range 40 {
		cs = append(cs, f.subscribe(Options{User: fmt.Sprint("user", i)}, "latest"))
	}
	var answers [broadcasters][keys]BroadcastReceipt
	var wg sync.WaitGroup
	for p := range broadcasters {
		wg.Go(func() { // ends when all keys were used
			for k := range keys {
				var err error
				ev := &replay.Event{ID: fmt.Sprint("own", p, "-", k), Type: "t", Time: t0}
				if answers[p][k], err = f.Broadcast(ev, Key{Name: fmt.Sprint(k)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for k := range keys {
		firsts := 0
		for p := range broadcasters {
			r := answers[p][k]
			if !r.Duplicate {
				firsts++
			}
			if r.ID != answers[0][k].ID || r.Users != len(cs) || r.Delivered != len(cs) {
				t.Errorf("key %d: %+v", k, r)
			}
		}
		if firsts != 1 {
			t.Errorf("key %d: %d firsts", k, firsts)
		}
	}
	var order []string
	for i, c := range cs {
		var got []string
		for _, d := range c.Next(make([]Delivery, 0, 2*keys), 1<<20) {
			got = append(got, d.Event.ID)
		}
		if i == 0 {
			order = got
		}
		if diff := cmp.Diff(order, got); diff != "" || len(got) != keys {
			t.Errorf("user %d got %d broadcasts, in another order than user 0:\n%s", i, len(got), diff)
		}
	}
}

// A user who comes or goes during a broadcast is either among the connected or
// among the rest, never both and never neither.
func TestBroadcastsWhileUsersComeAndGo(t *testing.T) {
	const users, broadcasts = 3, 60
	f := newFixture(t, Config{}, replay.Config{})
	for i := range users {
		f.publish(fmt.Sprint("user", i), nil)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() { // ends with done
			for {
				select {
				case <-done:
					return
				default:
				}
				sub, _, err := f.Subscribe(Options{User: fmt.Sprint("user", i), Waker: &bell{}})
				if err != nil {
					t.Error(err)
					return
				}
				sub.Close()
			}
		})
	}
	for range broadcasts {
		if r, err := f.Broadcast(f.event(), Key{}); err != nil || r.Users != users {
			t.Errorf("%+v, %v", r, err)
		}
	}
	close(done)
	wg.Wait()
	for i := range users {
		if got := f.store.State(fmt.Sprint("user", i)).Head; got != broadcasts+1 {
			t.Errorf("user %d has %d events, want %d", i, got, broadcasts+1)
		}
	}
}
