package signalr

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/broker"
	"hubline/transports"
)

func (f *fixture) member(user, channel string, in bool) {
	f.t.Helper()
	change := f.b.RemoveMember
	if in {
		change = f.b.AddMember
	}
	if _, err := change(channel, user); err != nil {
		f.t.Fatal(err)
	}
	synctest.Wait()
}

type deaf struct{}

func (deaf) Wake() {}

// arrive connects another user until the test ends.
func (f *fixture) arrive(user string) {
	f.t.Helper()
	s, _, err := f.b.Subscribe(broker.Options{User: user, Waker: deaf{}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	synctest.Wait()
}

func TestMembersAreToldOnTheGenericHub(t *testing.T) {
	for _, tr := range transports.All() {
		t.Run(string(tr), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				h := NewEvents(Config{}, f.b)
				f.member("u", "presence-x", true)
				f.member("bob", "presence-x", true)
				quiet, control := dialAs(t, h, "1", tr, Options{}), dialAs(t, h, "2", tr, Options{Control: true})
				meta, packed := dialAs(t, h, "3", tr, Options{Control: true, Meta: true}), (*pipe)(nil)
				f.arrive("bob") // before the handshakes
				quiet.shake(jsonShake)
				control.shake(jsonShake)
				meta.shake(jsonShake)
				joined := `{"type":1,"target":"hubline.member_joined","arguments":[{"channel":"presence-x","user":"bob"}]}`
				left := strings.Replace(joined, "joined", "left", 1)
				if tr != transports.ServerSentEvents {
					packed = dialAs(t, h, "4", tr, Options{Control: true})
					packed.shake(packedShake)
					packed.take()
				}
				for _, p := range []*pipe{control, meta} {
					got := p.take()
					if last := strings.TrimSuffix(got[len(got)-1].text, "\x1e"); len(got) != 2 || last != joined {
						t.Errorf("after the handshake: %+v", got)
					}
				}
				f.member("bob", "presence-x", false)
				control.want(left)
				meta.want(left) // a control message has no meta argument
				quiet.want()
				if packed != nil {
					got := packed.take()
					if len(got) != 1 || !strings.Contains(got[0].text, "\xb3hubline.member_left\x91\x82\xa7channel\xaapresence-x\xa4user\xa3bob") {
						t.Errorf("MessagePack: %+v", got)
					}
				}
				f.publish("n", "1")
				quiet.want(event(f, 1, "n", "1"))
				control.want(event(f, 1, "n", "1"))
			})
		})
	}
}

// Clients of the Bitwarden family are told nothing, whatever they ask for.
func TestMembersAreNotToldToBitwarden(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewBitwarden(Config{}, f.b, Family{})
		f.member("u", "presence-x", true)
		f.member("bob", "presence-x", true)
		p := connect(t, h, Options{Control: true})
		f.arrive("bob")
		p.want()
	})
}

// With stateful reconnect notices are counted and sent again like all messages.
func TestNoticesAreKeptForAReconnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		f.member("u", "presence-x", true)
		p := dial(t, h, transports.WebSockets, Options{Control: true, Stateful: true})
		p.shake(`{"protocol":"json","version":2}` + "\x1e")
		p.call(`{"type":6}`)
		p.take()
		for i := range 2 {
			user := fmt.Sprint("bob", i)
			f.arrive(user)
			f.member(user, "presence-x", true)
		}
		p.take()
		p.cut()
		p.resume()
		p.call(`{"type":9,"sequenceId":1}`)
		var got []string
		for _, m := range p.take() {
			got = append(got, m.text)
		}
		all := strings.Join(got, "\n")
		if !strings.Contains(all, "bob0") || !strings.Contains(all, "bob1") || strings.Count(all, "member_joined") != 2 {
			t.Errorf("after the reconnect: %q", got)
		}
	})
}
