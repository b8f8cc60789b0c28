package signalr

import (
	"fmt"
	"strings"
	"testing"

	"hubline/transports"
)

// party is a hub with connections a, b (user ann), c (user cid, MessagePack) and
// d, whose handshake is not done.
func party(t *testing.T) (*Hub, map[string]*pipe) {
	h := New(Config{})
	ps := map[string]*pipe{}
	for _, who := range []struct{ id, user, shake string }{
		{"a", "ann", jsonShake}, {"b", "ann", jsonShake}, {"c", "cid", packedShake}, {"d", "dan", ""},
	} {
		p := dialAs(t, h, who.id, transports.WebSockets, Options{User: who.user})
		if who.shake != "" {
			p.shake(who.shake)
		}
		ps[who.id] = p
	}
	return h, ps
}

// who tells which connections got the message.
func who(t *testing.T, ps map[string]*pipe, text string) string {
	t.Helper()
	var got []string
	for _, id := range []string{"a", "b", "c", "d"} {
		for _, f := range ps[id].take() {
			want := `{"type":1,"target":"t","arguments":["` + text + `",1]}` + "\x1e"
			if id == "c" {
				body := "\x96\x01\x80\xc0\xa1t\x92" + string([]byte{byte(0xa0 + len(text))}) + text + "\x01\x90"
				want = string([]byte{byte(len(body))}) + body
			}
			if f.text != want {
				t.Errorf("%s got %q, want %q", id, f.text, want)
			}
			got = append(got, id)
		}
	}
	return strings.Join(got, "")
}

func TestClients(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h, ps := party(t)
		for id, group := range map[string]string{"a": "g", "c": "g", "b": "k"} {
			if err := h.Join(id, group); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Join("a", "k"); err != nil {
			t.Fatal(err)
		}
		a := Caller{s: ps["a"].s}
		for i, tt := range []struct {
			name string
			to   Clients
			want string
		}{
			{"all", h.All(), "abc"},
			{"all but", h.AllExcept("a", "c", "none"), "b"},
			{"others", a.Others(), "bc"},
			{"connections", h.Connections("b", "none", "c"), "bc"},
			{"user", h.Users("ann"), "ab"},
			{"users", h.Users("ann", "cid", "none"), "abc"},
			{"group", h.Groups("g"), "ac"},
			{"groups, once each", h.Groups("g", "k"), "abc"},
			{"no group", h.Groups("none"), ""},
			{"group but", h.GroupExcept("g", "a"), "c"},
			{"others in the group", a.OthersInGroup("k"), "b"},
		} {
			text := fmt.Sprint("m", i)
			if err := tt.to.Send("t", text, 1); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got := who(t, ps, text); got != tt.want {
				t.Errorf("%s: got by %q, want %q", tt.name, got, tt.want)
			}
			n := 0
			tt.to.Each(func(Caller) { n++ })
			if n != len(tt.want) {
				t.Errorf("%s: Each called %d times", tt.name, n)
			}
		}
		h.Leave("a", "g")
		a.Leave("k")
		if n := len(h.Groups("g", "k").sessions()); n != 2 {
			t.Errorf("%d are left in the groups", n)
		}
		ps["c"].s.Leave(transports.ReasonDone)
		ps["c"].wantEnd(transports.ReasonDone)
		ps["c"].take()
		if h.Groups("g").sessions() != nil || len(h.directory.groups) != 1 || h.Join("c", "g") == nil {
			t.Error("an ended connection is in a group")
		}
		if err := h.All().Send("t", func() {}); err == nil {
			t.Error("a function was sent")
		}
		if got := who(t, ps, ""); got != "" {
			t.Errorf("got by %q", got)
		}
	})
}

// A client that takes nothing is closed, holds nobody up, and costs its bound.
func TestSlowClientIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := New(Config{MaxOutboxBytes: 1000})
		slow := dialAs(t, h, "slow", transports.WebSockets, Options{})
		slow.shake(jsonShake)
		fast := dialAs(t, h, "fast", transports.WebSockets, Options{})
		fast.shake(jsonShake)
		slow.stalled.Lock()
		for range 30 {
			if err := h.All().Send("t", strings.Repeat("x", 100)); err != nil {
				t.Fatal(err)
			}
			if n := len(fast.take()); n != 1 {
				t.Fatalf("the other got %d messages", n)
			}
			slow.s.mu.Lock()
			n := slow.s.waiting
			slow.s.mu.Unlock()
			if n > 1100 {
				t.Fatalf("%d bytes wait", n)
			}
		}
		slow.stalled.Unlock()
		slow.Wake()
		got := slow.take()
		if n := len(got); n < 5 || got[n-1].text != `{"type":7,"allowReconnect":true}`+"\x1e" {
			t.Errorf("got %d messages, the last is %q", n, got[n-1].text)
		}
		slow.wantEnd(transports.ReasonSlow)
	})
}
