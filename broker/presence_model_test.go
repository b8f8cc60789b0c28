package broker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// presenceOp is one thing that happens.
type presenceOp struct {
	kind, user, channel string
	which               int // of the user's connections
	wait                time.Duration
}

// presenceModel is what presence is, in the words of its definition: from the times of
// connections and memberships alone.
type presenceModel struct {
	th      *theater
	member  map[[2]string]bool // channel and user
	in      map[[2]string]bool
	conns   map[string][]*watcher
	closed  map[string]time.Time // when the last connection ended
	wrong   []string
	reached map[string]int
}

// watcher is a connection and what its client knows.
type watcher struct {
	*client
	expect map[[2]string][]bool // what it is to be told: of whom, and how, in order
}

func (m *presenceModel) set(key [2]string, in bool) {
	if m.in[key] == in {
		return
	}
	m.in[key] = in
	for user, conns := range m.conns {
		if user == key[1] || !m.member[[2]string{key[0], user}] {
			continue
		}
		for _, w := range conns {
			w.add(key, in)
		}
	}
}

// add: of what waits the first or the first two are told, with the newest as the last.
func (w *watcher) add(key [2]string, in bool) {
	if list := w.expect[key]; len(list) == 2 {
		w.expect[key] = list[:1]
	} else {
		w.expect[key] = append(list, in)
	}
}

const modelGrace = 5 * time.Second

func (m *presenceModel) do(op presenceOp) {
	m.reached[op.kind]++
	key := [2]string{op.channel, op.user}
	switch op.kind {
	case "open":
		m.conns[op.user] = append(m.conns[op.user], &watcher{
			m.th.subscribe(Options{User: op.user, Notices: true}, "latest"), map[[2]string][]bool{},
		})
		for key, member := range m.member {
			if member && key[1] == op.user {
				m.set(key, true)
			}
		}
	case "close":
		list := m.conns[op.user]
		if len(list) == 0 {
			return
		}
		i := op.which % len(list)
		list[i].Close()
		m.conns[op.user] = slices.Delete(list, i, i+1)
		m.closed[op.user] = time.Now()
	case "put":
		_, _ = m.th.AddMember(PresencePrefix+op.channel, op.user)
		if m.member[key] {
			return
		}
		m.member[key] = true
		if len(m.conns[op.user]) > 0 {
			m.set(key, true)
			for _, w := range m.conns[op.user] {
				w.add(key, true)
			}
		}
	case "drop":
		_, _ = m.th.RemoveMember(PresencePrefix+op.channel, op.user)
		if !m.member[key] {
			return
		}
		m.member[key] = false
		m.set(key, false)
		for _, w := range m.conns[op.user] {
			own := w.expect[key]
			maps.DeleteFunc(w.expect, func(k [2]string, _ []bool) bool { return k[0] == op.channel })
			if len(own) == 0 || !own[0] {
				w.add(key, false)
			}
		}
	case "wait":
		time.Sleep(op.wait)
		m.th.SweepPresence(time.Now())
		for key, in := range m.in {
			if in && len(m.conns[key[1]]) == 0 && time.Since(m.closed[key[1]]) >= modelGrace {
				m.set(key, false)
			}
		}
	case "take":
		m.take(op)
	}
	synctest.Wait()
}

func (m *presenceModel) take(op presenceOp) {
	list := m.conns[op.user]
	if len(list) == 0 {
		return
	}
	w := list[op.which%len(list)]
	got := map[[2]string][]bool{}
	for one := range strings.FieldsSeq(w.take()) {
		user, channel, _ := strings.Cut(one[1:], "@")
		key := [2]string{channel, user}
		got[key] = append(got[key], one[0] == '+')
	}
	if fmt.Sprint(got) != fmt.Sprint(w.expect) {
		m.fail("%s was told %v, want %v", op.user, got, w.expect)
	}
	if len(got) > 0 {
		m.reached["told"]++
	}
	clear(w.expect)
}

func (m *presenceModel) fail(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

func (m *presenceModel) compare() {
	for _, channel := range presenceChannels {
		var want []string
		for _, user := range presenceUsers {
			if m.in[[2]string{channel, user}] {
				want = append(want, user)
			}
		}
		if got, _ := m.th.Present(PresencePrefix+channel, 99); !slices.Equal(got, want) {
			m.fail("in %s: %v, want %v", channel, got, want)
		}
	}
	for _, user := range presenceUsers {
		if got := len(m.th.ConnectionsOf(user, "")); got != len(m.conns[user]) {
			m.fail("%s has %d connections, want %d", user, got, len(m.conns[user]))
		}
	}
}

var presenceUsers, presenceChannels = []string{"ann", "bob", "cid"}, []string{"x", "y"}

func TestPresenceIsAsItIsDefined(t *testing.T) {
	reached := map[string]int{}
	step := rapid.Custom(func(t *rapid.T) presenceOp {
		return presenceOp{
			kind:    rapid.SampledFrom([]string{"open", "open", "close", "close", "put", "put", "drop", "wait", "take", "take"}).Draw(t, "kind"),
			user:    rapid.SampledFrom(presenceUsers).Draw(t, "user"),
			channel: rapid.SampledFrom(presenceChannels).Draw(t, "channel"),
			which:   rapid.IntRange(0, 2).Draw(t, "which"),
			wait:    time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond,
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(step, 50, 120).Draw(rt, "ops")
		disk := rapid.Bool().Draw(rt, "disk")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			cfg, log := Config{PresenceGrace: modelGrace}, replay.Config{}
			if disk {
				l := newTape()
				cfg.Ledger, log.Backing = l, l
			}
			m := &presenceModel{
				th:     &theater{newFixture(t, cfg, log), map[string]*client{}},
				member: map[[2]string]bool{}, in: map[[2]string]bool{}, conns: map[string][]*watcher{},
				closed: map[string]time.Time{}, reached: reached,
			}
			defer m.th.Close()
			for i, op := range ops {
				m.do(op)
				if m.compare(); len(m.wrong) > 0 {
					m.fail("after %d: %+v", i, op)
					break
				}
			}
			wrong = m.wrong
		})
		if len(wrong) > 0 {
			rt.Fatal(strings.Join(wrong, "\n"))
		}
	})
	if reached["told"] == 0 {
		t.Errorf("nobody was told anything: %v", reached)
	}
}
