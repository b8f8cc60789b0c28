package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hubline/replay"
)

var (
	modelUsers   = []string{"ann", "bob", "cid"}
	modelDevices = []string{"", "d1", "d2"}
	modelTypes   = []string{"a", "b"}
)

// oracleSub is a subscription without locks, rings or pages: what waits is a
// list of seqs, and a connection that fell behind looks into the list of all
// events.
type oracleSub struct {
	*client
	user, device, match string
	rung                int64
	queue               []uint64
	again               []oracleAgain
	pos                 uint64
	behind              bool
}

// model runs a broker and what it should do side by side.
type model struct {
	*fixture
	cfg       Config
	maxEvents uint64
	events    map[string][]*replay.Event // all, by user; seq 1 first
	subs      []*oracleSub
	saved     map[deviceID]uint64
	n         int
}

func newModel(t *rapid.T, f func(Config, replay.Config) *fixture) *model {
	m := &model{
		cfg: Config{
			QueueEvents:           rapid.IntRange(1, 6).Draw(t, "queueEvents"),
			QueueBytes:            rapid.IntRange(1, 6).Draw(t, "queueBytes") * (eventSize + 10),
			MaxConnections:        rapid.IntRange(1, 8).Draw(t, "maxConnections"),
			MaxConnectionsPerUser: rapid.IntRange(1, 4).Draw(t, "maxConnectionsPerUser"),
		},
		maxEvents: rapid.Uint64Range(1, 40).Draw(t, "maxEvents"),
		events:    map[string][]*replay.Event{},
		saved:     map[deviceID]uint64{},
	}
	m.fixture = f(m.cfg, replay.Config{MaxEvents: int(m.maxEvents)}) //nolint:gosec // small
	return m
}

func (m *model) head(user string) uint64 { return uint64(len(m.events[user])) }

func (m *model) floor(user string) uint64 {
	if h := m.head(user); h > m.maxEvents {
		return h - m.maxEvents
	}
	return 0
}

func (o *oracleSub) wanted(ev *replay.Event) bool {
	return (ev.Device == "" || ev.Device == o.device) && (ev.ExceptDevice == "" || ev.ExceptDevice != o.device) &&
		(o.match == "" || o.match == ev.Type)
}

func (m *model) event(t *rapid.T) *replay.Event {
	m.n++
	ev := &replay.Event{ID: fmt.Sprint(m.n), Time: t0, Type: rapid.SampledFrom(modelTypes).Draw(t, "type")}
	switch device := rapid.SampledFrom(modelDevices).Draw(t, "device"); rapid.IntRange(0, 3).Draw(t, "target") {
	case 0:
		ev.Device = device
	case 1:
		ev.ExceptDevice = device
	}
	return ev
}

// append does what an event does to the user's subscriptions.
func (m *model) append(user string, ev *replay.Event) (delivered int) {
	m.events[user] = append(m.events[user], ev)
	for _, o := range m.subs {
		if o.user != user || !o.wanted(ev) {
			continue
		}
		delivered++
		o.rung++
		bytes := ev.Size()
		for _, seq := range o.queue {
			bytes += m.events[user][seq-1].Size()
		}
		switch {
		case o.behind:
		case len(o.queue) == m.cfg.QueueEvents, len(o.queue) > 0 && bytes > m.cfg.QueueBytes:
			o.pos, o.queue, o.behind = o.queue[0]-1, nil, true
		default:
			o.queue = append(o.queue, m.head(user))
		}
	}
	return delivered
}

func (m *model) publish(t *rapid.T) {
	user, ev := rapid.SampledFrom(modelUsers).Draw(t, "user"), m.event(t)
	r, err := m.Publish(user, ev, Key{})
	want := Receipt{ID: ev.ID, Cursor: replay.Cursor{Epoch: m.store.State(user).Epoch}, Delivered: m.append(user, ev)}
	want.Cursor.Seq = m.head(user)
	if err != nil || r != want {
		t.Fatalf("Publish = %+v, %v, want %+v", r, err, want)
	}
}

func (m *model) broadcast(t *rapid.T) {
	ev := m.event(t)
	want := BroadcastReceipt{ID: ev.ID}
	for _, user := range modelUsers {
		if m.head(user) > 0 || slices.ContainsFunc(m.subs, func(o *oracleSub) bool { return o.user == user }) {
			want.Users++
			want.Delivered += m.append(user, ev)
		}
	}
	if r, err := m.Broadcast(ev, Key{}); err != nil || r != want {
		t.Fatalf("Broadcast = %+v, %v, want %+v", r, err, want)
	}
}

// take is Next: the exact page, and nothing else.
func (m *model) take(t *rapid.T) {
	o := m.sub(t)
	if o == nil {
		return
	}
	room := rapid.IntRange(1, 40).Draw(t, "room")
	var want []string
	for again := true; again; {
		for len(want) < room {
			if o.againDue() {
				want = append(want, fmt.Sprint(o.again[0].seq, "again"))
				o.again = o.again[1:]
			} else if len(o.queue) > 0 {
				o.pos, want = o.queue[0], append(want, fmt.Sprint(o.queue[0]))
				o.queue = o.queue[1:]
			} else {
				break
			}
		}
		again = false
		for len(want) == 0 && o.behind {
			again = true // nothing may come of it, and then what is to come again
			entries := min(room, readPage)
			if floor := m.floor(o.user); o.pos < floor {
				want = append(want, fmt.Sprintf("[%d..%d limit]", o.pos+1, floor))
				o.pos = floor
				entries--
			}
			for ; entries > 0 && o.pos < m.head(o.user); entries-- {
				if o.pos++; o.wanted(m.events[o.user][o.pos-1]) {
					want = append(want, fmt.Sprint(o.pos))
				}
			}
			o.behind = o.pos < m.head(o.user)
		}
		again = again && len(want) == 0
	}
	var got []string
	for _, d := range o.Next(make([]Delivery, 0, room), 1<<20) {
		got = append(got, d.text())
		if d.Gap == nil && d.Event != m.events[o.user][d.Seq-1] || d.Frame != nil && d.Frame.Event != d.Event {
			t.Fatalf("%d is another event", d.Seq)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Next = %s, want %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

func (m *model) sub(t *rapid.T) *oracleSub {
	if len(m.subs) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.subs).Draw(t, "sub")
}

func (m *model) position(t *rapid.T) {
	if o := m.sub(t); o != nil {
		if len(o.queue) == 0 && !o.behind {
			o.pos = m.head(o.user)
		}
		if got, want := o.Position(), (replay.Cursor{Epoch: o.Epoch, Seq: o.pos}); got != want {
			t.Fatalf("Position = %v, want %v", got, want)
		}
	}
}

func (m *model) acknowledge(t *rapid.T) {
	o := m.sub(t)
	if o == nil {
		return
	}
	head := m.head(o.user)
	at := rapid.Uint64Range(0, head+1).Draw(t, "at")
	o.Acknowledge(replay.Cursor{Epoch: rapid.SampledFrom([]string{"", o.Epoch}).Draw(t, "epoch"), Seq: at})
	id := deviceID{o.user, o.device}
	if old, ok := m.saved[id]; o.device != "" && at <= head && (!ok || at > old) {
		m.saved[id] = at
	}
}

func (m *model) close(t *rapid.T) {
	if o := m.sub(t); o != nil {
		o.Close()
		o.Close()
		m.subs = slices.DeleteFunc(m.subs, func(other *oracleSub) bool { return other == o })
	}
}

func (m *model) check(t *rapid.T) {
	users := map[string]bool{}
	for _, o := range m.subs {
		users[o.user] = true
		if o.bell.rung.Load() != o.rung {
			t.Fatalf("woken %d times, want %d", o.bell.rung.Load(), o.rung)
		}
		if got, want := o.waiting(), o.behind || len(o.queue)+len(o.again) > 0; got != want {
			t.Fatalf("waiting = %v, want %v", got, want)
		}
	}
	st := m.Stats()
	if st.Connections != len(m.subs) || st.Users != len(users) || m.store.Stats().Pinned != len(users) {
		t.Fatalf("%+v and %d pinned, want %d connections of %d users", st, m.store.Stats().Pinned, len(m.subs), len(users))
	}
	for id, seq := range m.saved {
		if got, _ := m.DeviceCursor(id.user, id.device); got.Seq != seq {
			t.Fatalf("cursor of %v is %v, want %d", id, got, seq)
		}
	}
}

// One thing after another, every answer is exactly known.
func TestBrokerAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, func(cfg Config, log replay.Config) *fixture {
			return &fixture{Broker: New(cfg, newStore(log)), t: t}
		})
		rt.Repeat(map[string]func(*rapid.T){
			"publish": m.publish, "publish2": m.publish, "publish3": m.publish,
			"broadcast": m.broadcast, "subscribe": m.subscribe, "close": m.close,
			"take": m.take, "take2": m.take, "redeliver": m.redeliver, "position": m.position, "acknowledge": m.acknowledge,
			"": m.check,
		})
		for _, o := range m.subs {
			o.Close()
		}
		if err := checkEmpty(m.Broker); err != nil {
			rt.Fatal(err)
		}
	})
}
