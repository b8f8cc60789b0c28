package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/signalr"
)

// stateful serves a hub with stateful reconnect.
func stateful(t *testing.T, o Options) (*Server, *signalr.Hub, string) {
	t.Helper()
	hub := chat()
	s := New(Config{})
	o.Stateful = true
	s.Handle("/chat", hub, o)
	return s, hub, start(t, s) + "/chat"
}

// dialSocket upgrades at a URL that negotiation gave.
func dialSocket(t *testing.T, url string) (*websocket.Conn, int) {
	t.Helper()
	c, resp, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, http.StatusSwitchingProtocols
}

func send(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text+"\x1e")); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, b, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\x1e")
}

func want(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if got := receive(t, c); got != text {
		t.Fatalf("got %s, want %s", got, text)
	}
}

func negotiateStateful(t *testing.T, url, asks string) (string, bool) {
	t.Helper()
	_, body := do(t, "POST", url+"/negotiate?negotiateVersion=1&useStatefulReconnect="+asks, "")
	var n struct {
		UseStatefulReconnect bool
		ConnectionToken      string
	}
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		t.Fatal(err)
	}
	if n.UseStatefulReconnect != strings.Contains(body, `{"useStatefulReconnect":true,`) {
		t.Errorf("got %s", body)
	}
	return url + "?id=" + n.ConnectionToken, n.UseStatefulReconnect
}

// connectStateful makes a connection that survives its sockets, and returns where
// further ones are to be dialed.
func connectStateful(t *testing.T, url string) (string, *websocket.Conn) {
	t.Helper()
	at, _ := negotiateStateful(t, url, "true")
	c, _ := dialSocket(t, at)
	send(t, c, `{"protocol":"json","version":2}`)
	want(t, c, "{}")
	return at, c
}

func TestStatefulIsGrantedToWhoAsks(t *testing.T) {
	t.Parallel()
	_, _, url := stateful(t, Options{})
	for asks, want := range map[string]bool{"true": true, "TRUE": true, "%20True%20": true, "1": false, "": false, "false": false} {
		if _, granted := negotiateStateful(t, url, asks); granted != want {
			t.Errorf("%q was granted: %v", asks, granted)
		}
	}
	s := New(Config{})
	s.Handle("/plain", chat(), Options{})
	plain := start(t, s) + "/plain"
	if _, granted := negotiateStateful(t, plain, "true"); granted {
		t.Error("granted where it is off")
	}
	at, _ := negotiateStateful(t, plain, "true")
	c, _ := dialSocket(t, at)
	send(t, c, `{"protocol":"json","version":1}`)
	want(t, c, "{}")
	if _, status := dialSocket(t, at); status != http.StatusConflict {
		t.Errorf("a second socket got %d", status)
	}
}

// A handshake that was POSTed before the socket: that one is the first all the same.
func TestHandshakeBeforeTheSocket(t *testing.T) {
	t.Parallel()
	s, hub, url := stateful(t, Options{})
	at, _ := negotiateStateful(t, url, "true")
	if resp, body := do(t, "POST", at, `{"protocol":"json","version":2}`+"\x1e"); resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	a, _ := dialSocket(t, at)
	want(t, a, "{}")
	_ = a.CloseNow()
	b, _ := dialSocket(t, at)
	want(t, b, `{"type":9,"sequenceId":1}`)
	send(t, b, `{"type":9,"sequenceId":1}`)
	if err := hub.Connections(s.conns.Connections()[0].ConnectionID()).Send("t", 1); err != nil {
		t.Fatal(err)
	}
	want(t, b, `{"type":1,"target":"t","arguments":[1]}`)
}

// Reference section 6.4: a lost socket, a live one that is taken over, a goodbye.
func TestAnotherSocket(t *testing.T) {
	t.Parallel()
	s, hub, url := stateful(t, Options{})
	at, a := connectStateful(t, url)
	id := s.conns.Connections()[0].ConnectionID()
	_ = a.CloseNow() // without a close frame

	b, status := dialSocket(t, at)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("got %d", status)
	}
	want(t, b, `{"type":9,"sequenceId":1}`)
	send(t, b, `{"type":9,"sequenceId":1}`)
	if err := hub.Connections(id).Send("t", 1); err != nil {
		t.Fatal(err)
	}
	want(t, b, `{"type":1,"target":"t","arguments":[1]}`)

	c, status := dialSocket(t, at) // b lives
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("got %d", status)
	}
	want(t, c, `{"type":9,"sequenceId":1}`)
	want(t, c, `{"type":1,"target":"t","arguments":[1]}`)
	if _, _, err := b.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the former socket ended with %v", err)
	}
	if n := len(s.conns.Connections()); n != 1 {
		t.Errorf("%d connections", n)
	}
	send(t, c, `{"type":7}`)
	want(t, c, `{"type":7}`)
	if _, status := dialSocket(t, at); status != http.StatusNoContent {
		t.Errorf("behind the goodbye: %d", status)
	}
}

// Only who has asked for it may bring another socket.
func TestAnotherSocketForAPlainConnection(t *testing.T) {
	t.Parallel()
	_, _, url := stateful(t, Options{})
	at, _ := negotiateStateful(t, url, "true")
	c, _ := dialSocket(t, at)
	if _, status := dialSocket(t, at); status != http.StatusConflict {
		t.Errorf("before the handshake: %d", status)
	}
	send(t, c, `{"protocol":"json","version":1}`)
	want(t, c, "{}")
	if _, status := dialSocket(t, at); status != http.StatusConflict {
		t.Errorf("with version 1: %d", status)
	}
	send(t, c, `{"type":7}`)
	want(t, c, `{"type":7}`)
}

// The close frame of a client that leaves ends the connection.
func TestAClosedSocketIsNotMissed(t *testing.T) {
	t.Parallel()
	s, _, url := stateful(t, Options{})
	at, c := connectStateful(t, url)
	_ = c.Close(websocket.StatusNormalClosure, "")
	for len(s.conns.Connections()) > 0 {
		if t.Context().Err() != nil {
			t.Fatal("the connection lives on")
		}
	}
	if _, status := dialSocket(t, at); status != http.StatusNotFound {
		t.Errorf("got %d", status)
	}
}

func TestTakeOversAreRare(t *testing.T) {
	t.Parallel()
	_, _, url := stateful(t, Options{})
	at, _ := connectStateful(t, url)
	for range 20 {
		switch _, status := dialSocket(t, at); status {
		case http.StatusSwitchingProtocols, http.StatusConflict: // the one before is still at it
		case http.StatusTooManyRequests:
			return
		default:
			t.Fatalf("got %d", status)
		}
	}
	t.Error("20 at once were allowed")
}

// Whatever socket is cut, at whatever moment: what is invoked is invoked once and
// in order, and so are its answers.
func TestSocketsAreCutUnderLoad(t *testing.T) {
	t.Parallel()
	const calls = 400
	hub := signalr.New(signalr.Config{MaxQueuedCalls: 10_000})
	var made []int
	hub.Handle("Note", func(n int) int { made = append(made, n); return n })
	s := New(Config{})
	s.Handle("/chat", hub, Options{Stateful: true})
	at, c := connectStateful(t, start(t, s)+"/chat")

	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	sent, next, latest := 0, 1, 0
	var held []string
	first := 1
	// read takes messages until an answer came, or the socket is gone.
	read := func(ctx context.Context) bool {
		_, b, err := c.Read(ctx)
		if err != nil {
			return false
		}
		for text := range strings.SplitSeq(strings.TrimSuffix(string(b), "\x1e"), "\x1e") {
			var m struct {
				Type       int
				SequenceID int
				Result     int
			}
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Fatal(err)
			}
			switch m.Type {
			case 3:
				if next > latest {
					if m.Result != latest {
						t.Fatalf("answer %d came at %d", m.Result, latest)
					}
					latest = next
				}
				next++
			case 8:
				for ; first <= m.SequenceID; first++ {
					held = held[1:]
				}
			case 9:
				next = m.SequenceID
			}
		}
		return true
	}
	cuts := 0
	for latest < calls {
		if sent < calls {
			m := fmt.Sprintf(`{"type":1,"invocationId":"%d","target":"Note","arguments":[%d]}`, sent, sent)
			held = append(held, m)
			sent++
			_ = c.Write(t.Context(), websocket.MessageText, []byte(m+"\x1e")) // may be lost
		}
		if cuts < 5 && sent > (cuts+1)*60 {
			cuts++
			_ = c.CloseNow()
			var status int
			if c, status = dialSocket(t, at); status != http.StatusSwitchingProtocols {
				t.Fatalf("got %d", status)
			}
			send(t, c, fmt.Sprintf(`{"type":9,"sequenceId":%d}`, first))
			for _, m := range held {
				send(t, c, m)
			}
		}
		if r.IntN(2) == 0 || sent == calls {
			if !read(t.Context()) {
				t.Fatal("the socket is gone")
			}
			if r.IntN(4) == 0 {
				send(t, c, fmt.Sprintf(`{"type":8,"sequenceId":%d}`, latest))
			}
		}
	}
	if len(made) != calls {
		t.Fatalf("%d calls were made", len(made))
	}
	for i, n := range made {
		if n != i {
			t.Fatalf("call %d was made as number %d", n, i)
		}
	}
}
