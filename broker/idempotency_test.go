package broker

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"hubline/replay"
)

// digestOf stands for the digest of a body.
func digestOf(body byte) [16]byte { return [16]byte{body} }

// attempt is one publish of a sequence, and what it must be answered with.
type attempt struct {
	key, id string
	body    byte // content, as seen by key and by id
	user    string
	seq     uint64 // of the answer; 0: ErrConflict
	dup     bool
}

func (a attempt) event(f *fixture) *replay.Event {
	ev := f.event()
	ev.Data = []byte{'0' + a.body}
	if a.id != "" {
		ev.ID, ev.IDGiven = a.id, true
	}
	return ev
}

func (a attempt) name() Key {
	if a.key == "" {
		return Key{}
	}
	return Key{Name: a.key, Digest: digestOf(a.body)}
}

func TestRepeatedPublishes(t *testing.T) {
	tests := []struct {
		name     string
		attempts []attempt
	}{
		{"without key or id", []attempt{{seq: 1}, {seq: 2}}},
		{"same key", []attempt{{key: "k", seq: 1}, {key: "k", seq: 1, dup: true}, {key: "k", seq: 1, dup: true}}},
		{"same key, other content", []attempt{{key: "k", seq: 1}, {key: "k", body: 1}, {key: "k", seq: 1, dup: true}}},
		{"other key", []attempt{{key: "k", seq: 1}, {key: "l", seq: 2}}},
		{"same id", []attempt{{id: "i", seq: 1}, {id: "i", seq: 1, dup: true}}},
		{"same id, other content", []attempt{{id: "i", seq: 1}, {id: "i", body: 1}, {id: "j", seq: 2}}},
		{"same key and id of another user", []attempt{
			{key: "k", id: "i", seq: 1},
			{key: "k", id: "i", user: "bob", seq: 1},
			{key: "k", id: "i", user: "bob", seq: 1, dup: true},
		}},
		{"a key that is another's id", []attempt{{id: "i", seq: 1}, {key: "i", seq: 2}, {key: "id:i", seq: 3}}},
		{"same id with another key", []attempt{{key: "k", id: "i", seq: 1}, {key: "l", id: "i", seq: 1, dup: true}}},
		{"a key that first came with a repeated id", []attempt{
			{id: "i", seq: 1},
			{key: "k", id: "i", seq: 1, dup: true},
			{key: "k", id: "j", body: 1},
			{key: "k", seq: 1, dup: true},
		}},
		{"same key with another id", []attempt{{key: "k", id: "i", seq: 1}, {key: "k", id: "j", seq: 1, dup: true}, {id: "j", seq: 2}}},
		{"a conflicting id leaves no key", []attempt{{id: "i", seq: 1}, {key: "k", id: "i", body: 1}, {key: "k", body: 1, seq: 2}}},
	}
	for _, tt := range tests {
		for _, connected := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " connected ", connected), func(t *testing.T) {
				f := newFixture(t, Config{}, replay.Config{})
				want := 0
				if connected {
					f.subscribe(Options{}, "latest")
					want = 1
				}
				published := uint64(0)
				ids := map[string]string{} // by user and seq
				for i, a := range tt.attempts {
					user := "ann"
					if a.user != "" {
						user, want = a.user, 0
					}
					ev := a.event(f)
					r, err := f.Publish(user, ev, a.name())
					if a.seq == 0 {
						if !errors.Is(err, ErrConflict) || r != (Receipt{}) {
							t.Errorf("%d: %+v, %v, want a conflict", i, r, err)
						}
						continue
					}
					at := fmt.Sprint(user, a.seq)
					if !a.dup {
						published++
						ids[at] = ev.ID
					}
					epoch := f.store.State(user).Epoch
					if got := (Receipt{ID: ids[at], Cursor: replay.Cursor{Epoch: epoch, Seq: a.seq}, Delivered: want, Duplicate: a.dup}); err != nil || r != got {
						t.Errorf("%d: %+v, %v, want %+v", i, r, err, got)
					}
				}
				st := f.Stats()
				if st.Published != published || f.store.Stats().Appended != published {
					t.Errorf("published %d, appended %d, want %d", st.Published, f.store.Stats().Appended, published)
				}
			})
		}
	}
}

// Keys are forgotten when there are too many, the least recently used first;
// an id is known for as long as the log has it.
func TestForgettingKeys(t *testing.T) {
	f := newFixture(t, Config{IdempotencyKeys: 1}, replay.Config{MaxEvents: 3})
	send := func(key, id string) Receipt {
		t.Helper()
		a := attempt{key: key, id: id}
		r, err := f.Publish("ann", a.event(f), a.name())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	c := f.subscribe(Options{}, "latest")
	first := send("k", "")
	if r := send("k", ""); !r.Duplicate || r.Cursor != first.Cursor {
		t.Errorf("at once: %+v", r)
	}
	send("l", "") // the shard has room for one
	if r := send("k", ""); r.Duplicate || r.Cursor.Seq != 3 {
		t.Errorf("after it was forgotten: %+v", r)
	}
	if n := f.shard("ann").keys.lru.Len(); n != 1 {
		t.Errorf("%d keys are remembered", n)
	}

	kept := send("", "i")
	send("", "j")
	if r := send("", "i"); !r.Duplicate || r.Cursor != kept.Cursor || r.Delivered != 0 || r.ID != "i" {
		t.Errorf("from the log: %+v", r)
	}
	if _, err := f.Publish("ann", attempt{id: "i", body: 1}.event(f), Key{}); !errors.Is(err, ErrConflict) {
		t.Errorf("other content, from the log: %v", err)
	}
	for _, id := range []string{"l", "m", "n"} {
		send("", id)
	}
	if r := send("", "i"); r.Duplicate || r.Cursor.Seq != 9 {
		t.Errorf("after the log forgot it: %+v", r)
	}
	c.take()
}

// Every field that the publisher chooses counts as content, and no other.
func TestContentOfAnEvent(t *testing.T) {
	full := replay.Event{
		ID: "i", Type: "t", Channel: "c", Device: "d", ExceptDevice: "e", ContextID: "x",
		Data: []byte("1"), Arguments: []byte("[]"), Time: 1, Expires: 2, IDGiven: true,
	}
	with := func(change func(*replay.Event)) *replay.Event {
		ev := full
		change(&ev)
		return &ev
	}
	for name, ev := range map[string]*replay.Event{
		"type":         with(func(ev *replay.Event) { ev.Type = "u" }),
		"channel":      with(func(ev *replay.Event) { ev.Channel = "" }),
		"device":       with(func(ev *replay.Event) { ev.Device = "" }),
		"exceptDevice": with(func(ev *replay.Event) { ev.ExceptDevice = "" }),
		"contextId":    with(func(ev *replay.Event) { ev.ContextID = "y" }),
		"data":         with(func(ev *replay.Event) { ev.Data = []byte("1 ") }),
		"arguments":    with(func(ev *replay.Event) { ev.Arguments = nil }),
		"id":           with(func(ev *replay.Event) { ev.ID = "j" }),
		"shifted":      with(func(ev *replay.Event) { ev.Type, ev.Channel = "tc", "" }),
	} {
		if contentDigest(&full) == contentDigest(ev) || sameContent(&full, ev) {
			t.Errorf("another %s is the same content", name)
		}
	}
	later := with(func(ev *replay.Event) { ev.Time, ev.Expires, ev.IDGiven = 3, 4, false })
	if contentDigest(&full) != contentDigest(later) || !sameContent(&full, later) {
		t.Error("what we add counts as content")
	}
}

// Of any number of publishers with the same key one is the first, and all get
// its answer.
func TestConcurrentRepeats(t *testing.T) {
	const publishers, keys = 8, 50
	f := newFixture(t, Config{}, replay.Config{})
	c := f.subscribe(Options{}, "latest")
	var answers [publishers][keys]Receipt
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() { // ends when all keys were used
			for k := range keys {
				ev := &replay.Event{ID: fmt.Sprint("id", k), IDGiven: k%2 == 0, Type: "t", Time: t0}
				key := Key{}
				if k%2 != 0 {
					key = Key{Name: fmt.Sprint("key", k)}
				}
				var err error
				if answers[p][k], err = f.Publish("ann", ev, key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for k := range keys {
		firsts := 0
		for p := range publishers {
			r := answers[p][k]
			if !r.Duplicate {
				firsts++
			}
			if r.Cursor != answers[0][k].Cursor || r.ID != answers[0][k].ID || r.Delivered != 1 {
				t.Errorf("key %d: %+v and %+v", k, r, answers[0][k])
			}
		}
		if firsts != 1 {
			t.Errorf("key %d: %d firsts", k, firsts)
		}
	}
	if n := len(c.Next(make([]Delivery, 0, 2*keys), 1<<20)); n != keys {
		t.Errorf("%d events were delivered", n)
	}
}
