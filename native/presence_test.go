package native

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/broker"
	"hubline/transports"
)

// arrive connects another user until the test ends, and makes it a member.
func (f *fixture) arrive(user, channel string) *broker.Subscription {
	f.t.Helper()
	if _, err := f.b.AddMember(channel, user); err != nil {
		f.t.Fatal(err)
	}
	s, _, err := f.b.Subscribe(broker.Options{User: user, Waker: f.pipe(ws)})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	return s
}

func (f *fixture) member(user, channel string, in bool) {
	f.t.Helper()
	change := f.b.RemoveMember
	if in {
		change = f.b.AddMember
	}
	if _, err := change(channel, user); err != nil {
		f.t.Fatal(err)
	}
}

func TestMembersAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.member("u", "presence-x", true)
		control, quiet := f.dial(ws, Options{Control: true}), f.dial(ws, Options{})
		stream, named, typed := f.dial(sse, Options{Control: true}), f.dial(sse, Options{Control: true, Named: true}), f.dial(ws, Options{Control: true, Types: []string{"t"}})
		poll := f.poll(Options{Control: true, Since: f.since("E-0")}, 10)
		all := []*pipe{control, quiet, stream, named, typed}
		for _, p := range all {
			p.take()
		}
		f.arrive(`b"b`, "presence-x")
		synctest.Wait()
		f.member(`b"b`, "presence-x", false)
		joined := `{"type":"hubline.member_joined","channel":"presence-x","data":{"user":"b\"b"}}`
		left := `{"type":"hubline.member_left","channel":"presence-x","data":{"user":"b\"b"}}`
		control.want(joined, left)
		typed.want(joined, left)
		stream.want("event=hubline.member_joined "+joined, "event=hubline.member_left "+left) // no id
		named.want("event=hubline.member_joined "+joined, "event=hubline.member_left "+left)
		quiet.want()
		poll.want() // it goes on waiting
		f.publish("t")
		control.want(event(1, "t"))
		poll.want(`{"events":[` + event(1, "t") + `],"cursor":"E-1","gap":null}`)
	})
}

// A connection that took nothing for a while is told to look, and what.
func TestMembersHaveChanged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.member("u", "presence-x", true)
		p := f.dial(ws, Options{Control: true})
		p.take()
		p.stalled.Lock()
		for i := range 300 {
			f.arrive(fmt.Sprint("user", i), "presence-x")
		}
		synctest.Wait()
		p.stalled.Unlock()
		p.want(`{"type":"hubline.members_changed","channel":"presence-x","data":{}}`)
		p.stalled.Lock()
		for i := range 257 {
			f.member("u", fmt.Sprint("presence-", i), true)
		}
		synctest.Wait()
		p.stalled.Unlock()
		p.want(`{"type":"hubline.members_changed","data":{}}`)
	})
}

// The answer to a subscribe says who is there, as far as there is room.
func TestSubscribeIsAnsweredWithThePresent(t *testing.T) {
	for _, tt := range []struct {
		channel      string
		others       int
		name         string
		listed, more int
	}{
		{"presence-x", 0, "a", 1, 1},
		{"presence-x", 3, "a", 4, 4},
		{"presence-x", 400, "a", maxListed, 401},
		{"presence-x", 100, strings.Repeat("a", 200), maxListedBytes / 203, 101},
		{"x", 3, "a", 0, 0},
	} {
		t.Run(fmt.Sprint(tt.channel, tt.others), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				cfg := Config{Channels: func(_ context.Context, _ transports.Conn, channel string, _ bool) error {
					f.member("u", channel, true)
					return nil
				}}.WithDefaults()
				p := f.dialWith(&cfg, ws, Options{})
				for i := range tt.others {
					f.arrive(fmt.Sprintf("%s%03d", tt.name, i), tt.channel)
				}
				p.ask("subscribe", tt.channel, "r")
				p.take()
				var m struct {
					Type string
					Data Reply
				}
				if err := json.Unmarshal([]byte(p.last), &m); err != nil || !m.Data.OK || len(m.Data.Members) != tt.listed || m.Data.Total != tt.more {
					t.Errorf("%s: %d of %d, %v", m.Type, len(m.Data.Members), m.Data.Total, err)
				}
				if tt.listed > 0 && tt.listed == tt.more && m.Data.Members[tt.listed-1] != "u" {
					t.Errorf("%v", m.Data.Members)
				}
			})
		})
	}
}
