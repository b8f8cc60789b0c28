package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/replay"
)

// disconnect ends connections and wants so many to have been told.
func (f *fixture) disconnect(user, query, body string, want int) disconnectAnswer {
	f.Helper()
	a := f.send(http.MethodDelete, "/api/v1/users/"+user+"/connections"+query, keyAdmin, body)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("disconnect: %d %s", a.status, a.body)
	}
	got := decode[disconnectAnswer](f, a.body)
	if want >= 0 && got.Disconnected != want {
		f.Errorf("%d connections were told, want %d", got.Disconnected, want)
	}
	return got
}

// lastWords reads a WebSocket to its end.
func lastWords(t testing.TB, c *websocket.Conn) (text string, code websocket.StatusCode, reason string) {
	t.Helper()
	for {
		_, b, err := c.Read(t.Context())
		if e, ok := errors.AsType[websocket.CloseError](err); ok {
			return text, e.Code, e.Reason
		}
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
}

// Every transport and dialect is told in its own words.
func TestDisconnectOnEveryTransport(t *testing.T) {
	long := strings.Repeat("ä", 70) // 140 bytes, of which 122 are whole letters within 123
	for _, tt := range []struct{ body, closed, hub, notice string }{
		{"", "Disconnected by server", `{"type":7,"error":"Disconnected by server"}`, `"message":"Disconnected by server"`},
		{`{"reason":""}`, "", `{"type":7}`, `"retryAfterMs":0}`},
		{`{"reason":"moved \"elsewhere\""}`, `moved "elsewhere"`, `{"type":7,"error":"moved \"elsewhere\""}`, `"message":"moved \"elsewhere\""`},
		{`{"reason":"` + long + `"}`, long[:122], `"error":"` + long[:122] + `"`, `"message":"` + long[:122] + `"`},
	} {
		f := newFixture(t)
		token := f.token(auth.Claims{})
		other := f.socket("/ws", f.token(auth.Claims{User: "berta"}))

		quiet, loud := f.socket("/ws", token), f.socket("/ws?control=1", token)
		hub, family := f.socket("/hubs/events", token), f.socket("/notifications/hub", token)
		for _, c := range []*websocket.Conn{hub, family} {
			say(t, c, jsonShake)
			hear(t, c, "{}")
		}
		stream, err := f.client.Do(f.request(http.MethodGet, "/events", token, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Body.Close()
		id := f.hubPoll("/hubs/events", token)
		var polls sync.WaitGroup
		var hubSaid, pollSaid answer
		polls.Go(func() { hubSaid = f.send(http.MethodGet, "/hubs/events?id="+id, token, "") })
		polls.Go(func() { pollSaid = f.send(http.MethodGet, "/events?wait=60", token, "") })
		for f.broker.Stats().Connections < 8 { // the poll is there
			if t.Context().Err() != nil {
				t.Fatal("the poll does not come")
			}
			f.send(http.MethodGet, "/healthz", "", "")
		}
		f.disconnect("anna", "", tt.body, 7)

		if text, code, reason := lastWords(t, quiet); text != "" || code != 1000 || reason != tt.closed {
			t.Errorf("%s: socket without control messages: %q %d %q", tt.body, text, code, reason)
		}
		if text, code, reason := lastWords(t, loud); !strings.Contains(text, `"hubline.closing"`) || !strings.Contains(text, `"reason":"disconnected"`) ||
			!strings.Contains(text, tt.notice) || code != 1000 || reason != tt.closed {
			t.Errorf("%s: socket: %q %d %q", tt.body, text, code, reason)
		}
		for _, c := range []*websocket.Conn{hub, family} {
			if text, code, reason := lastWords(t, c); !strings.Contains(text, tt.hub) || strings.Contains(text, "allowReconnect") || code != 1000 || reason != "" {
				t.Errorf("%s: hub: %q %d %q", tt.body, text, code, reason)
			}
		}
		said, err := io.ReadAll(stream.Body)
		if err != nil || !strings.Contains(string(said), "event: hubline.closing") || !strings.Contains(string(said), tt.notice) {
			t.Errorf("%s: stream: %v\n%s", tt.body, err, said)
		}
		polls.Wait()
		if !strings.Contains(hubSaid.body, tt.hub) {
			t.Errorf("%s: hub's poll: %+v", tt.body, hubSaid)
		}
		if pollSaid.status != http.StatusOK || decode[events](t, pollSaid.body).Cursor == "" {
			t.Errorf("%s: poll: %+v", tt.body, pollSaid)
		}
		// Nobody else is.
		f.publish("berta", `{"type":"a"}`)
		if got := message(t, other); !strings.Contains(got, `"type":"a"`) {
			t.Errorf("berta got %s", got)
		}
		// Each has ended when the server has read the client's close frame.
		for f.metric(`hubline_connections_closed_total{reason="disconnected",transport="ws"}`) != "4" {
			if t.Context().Err() != nil {
				t.Fatal("not all are counted")
			}
		}
	}
}

// What was accepted before comes before the goodbye.
func TestDisconnectComesBehindWhatWaits(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/ws", f.token(auth.Claims{}))
	f.publish("anna", `{"type":"last"}`)
	f.disconnect("anna", "", "", 1)
	if text, code, _ := lastWords(t, c); !strings.Contains(text, `"last"`) || code != 1000 {
		t.Errorf("%q %d", text, code)
	}
}

func TestDisconnectOneDevice(t *testing.T) {
	f := newFixture(t)
	phone, tv, none := f.socket("/ws", f.token(auth.Claims{Device: "phone"})), f.socket("/ws", f.token(auth.Claims{Device: "tv"})), f.socket("/ws", f.token(auth.Claims{}))
	f.disconnect("anna", "?device=watch", "", 0)
	f.disconnect("anna", "?device=phone", `{"refuseSeconds":60}`, 1)
	if _, code, _ := lastWords(t, phone); code != 1000 {
		t.Errorf("code %d", code)
	}
	f.publish("anna", `{"type":"a"}`)
	for _, c := range []*websocket.Conn{tv, none} {
		if got := message(t, c); !strings.Contains(got, `"type":"a"`) {
			t.Errorf("got %s", got)
		}
	}
	f.wantProblem(f.send(http.MethodGet, "/events?wait=0", f.token(auth.Claims{Device: "phone"}), ""), http.StatusForbidden, "kept-out")
	f.socket("/ws", f.token(auth.Claims{Device: "tv"}))
	f.disconnect("nobody", "", "", 0)
	for _, query := range []string{"?device=", "?device=a%00", "?device=" + strings.Repeat("d", 129), "?%zz"} {
		f.wantProblem(f.send(http.MethodDelete, "/api/v1/users/anna/connections"+query, keyAdmin, ""), http.StatusBadRequest, "bad-request")
	}
	f.wantProblem(f.send(http.MethodDelete, "/api/v1/users/anna/connections", keyAdmin, `{"refuse":1}`), http.StatusBadRequest, "bad-request")
	f.wantProblem(f.send(http.MethodDelete, "/api/v1/users/anna/connections", keyAdmin, `{"reason":"`+strings.Repeat("x", maxDisconnectBytes)+`"}`), http.StatusRequestEntityTooLarge, "too-large")
	for _, want := range []string{`"by":"key:` + keyName(keyAdmin), `"device":"phone"`, `"connections":1`, "connections ended by an administrator"} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}

// Who is kept out is refused everywhere, with the time that is left, and let in again.
func TestKeptOut(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	ticket := decode[offer](t, f.send(http.MethodPost, "/events/negotiate", token, "").body).ConnectionToken
	hub := decode[offer](t, f.send(http.MethodPost, "/hubs/events/negotiate?negotiateVersion=1", token, "").body).ConnectionToken
	before := time.Now()
	if got := f.disconnect("anna", "", `{"refuseSeconds":60}`, 0); got.RefusedUntil == nil || time.UnixMilli(*got.RefusedUntil).Sub(before).Round(time.Second) < time.Minute {
		t.Errorf("refused until %v", got.RefusedUntil)
	}
	for _, path := range []string{"/events", "/events?wait=0", "/events?wait=0&id=" + ticket} {
		a := f.send(http.MethodGet, path, token, "")
		f.wantProblem(a, http.StatusForbidden, "kept-out")
		if left := a.header.Get("Retry-After"); left != "60" && left != "59" {
			t.Errorf("%s: Retry-After %q", path, left)
		}
	}
	f.wantProblem(f.send(http.MethodPost, "/events/negotiate", token, ""), http.StatusForbidden, "kept-out")
	for _, path := range []string{"/hubs/events", "/notifications/hub", "/hub"} {
		if a := f.send(http.MethodPost, path+"/negotiate", token, ""); a.status != http.StatusForbidden || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", path, a)
		}
		if _, resp, err := f.dialSocket(path, token); err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", path, err)
		}
	}
	if a := f.send(http.MethodGet, "/hubs/events?id="+hub, token, ""); a.status != http.StatusForbidden {
		t.Errorf("negotiated before: %+v", a)
	}
	if _, resp, err := f.dialSocket("/ws", token); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("socket: %v", err)
	}
	f.socket("/ws", f.token(auth.Claims{User: "berta"}))
	if got := f.metric("hubline_kept_out_rejected_total"); got != "12" {
		t.Errorf("%s were rejected", got)
	}
	// Without refuseSeconds nothing changes about it, 0 lifts it.
	if got := f.disconnect("anna", "", "", 0); got.RefusedUntil != nil || f.metric("hubline_kept_out") != "1" {
		t.Errorf("%+v", got)
	}
	f.disconnect("anna", "", `{"refuseSeconds":0}`, 0)
	f.socket("/ws", token)

	// There is a bound, over which nobody is disconnected.
	for _, user := range []string{"a", "b", "c", "d"} {
		f.disconnect(user, "", `{"refuseSeconds":60}`, 0)
	}
	f.disconnect("d", "", `{"refuseSeconds":90}`, 0)
	f.wantProblem(f.send(http.MethodDelete, "/api/v1/users/anna/connections", keyAdmin, `{"refuseSeconds":60}`), http.StatusServiceUnavailable, "too-many-kept-out")
	if n := f.broker.Stats().Connections; n != 2 {
		t.Errorf("%d connections are left", n)
	}
}

// Times pass without timers, and those that have passed make room.
func TestKeepoutsExpire(t *testing.T) {
	k := keepouts{limit: 2}
	start := time.Now()
	k.set("anna", "", start, 10*time.Second)
	k.set("anna", "tv", start, 20*time.Second)
	for _, tt := range []struct {
		device string
		after  time.Duration
		left   time.Duration
	}{
		{"", 0, 10 * time.Second},
		{"", 9*time.Second + 1, time.Second},
		{"", 10 * time.Second, 0},
		{"tv", 0, 20 * time.Second},
		{"tv", 19500 * time.Millisecond, time.Second},
		{"tv", 20 * time.Second, 0},
		{"phone", 5 * time.Second, 5 * time.Second},
	} {
		p := k.check("anna", tt.device, start.Add(tt.after))
		if got := p != nil; got != (tt.left > 0) || got && p.retryAfter != tt.left {
			t.Errorf("%q after %v: %+v", tt.device, tt.after, p)
		}
	}
	if k.check("berta", "", start) != nil || k.check("", "tv", start) != nil {
		t.Error("somebody else is kept out")
	}
	if k.set("berta", "", start.Add(9*time.Second), time.Second) {
		t.Error("over the bound")
	}
	if !k.set("berta", "", start.Add(11*time.Second), time.Second) || len(k.until) != 2 {
		t.Errorf("no room: %v", k.until)
	}
}

// late keeps somebody out in the moment in which a client's events are looked for:
// behind the first look at who is kept out, and before the client is in any list.
type late struct {
	*refusing
	meanwhile atomic.Pointer[func(user string)]
}

// Find implements replay.Backing.
func (l *late) Find(user string) (replay.Standing, bool) {
	if f := l.meanwhile.Load(); f != nil {
		(*f)(user)
	}
	return l.refusing.Find(user)
}

// Whoever is on the way in while an administrator shuts the user out, too late to be
// refused and too early to be found, is refused all the same.
func TestKeptOutOnTheWayIn(t *testing.T) {
	onDisk, change := onDisk(t)
	l := &late{refusing: onDisk}
	f := newFixture(t, change, func(s *setup) { s.broker.Ledger, s.replay.Backing, s.MaxKeptOut = l, l, 100 })
	t.Cleanup(f.broker.Close)
	l.meanwhile.Store(new(func(user string) { f.api.keptOut.set(user, "", time.Now(), time.Minute) }))
	for i, path := range []string{"/events", "/events?wait=0", "/ws", "/hubs/events", "/notifications/hub"} {
		token := f.token(auth.Claims{User: fmt.Sprint("user", i)})
		if strings.HasPrefix(path, "/events") {
			f.wantProblem(f.send(http.MethodGet, path, token, ""), http.StatusForbidden, "kept-out")
		} else if _, resp, err := f.dialSocket(path, token); err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", path, err)
		}
	}
	l.meanwhile.Store(nil)
	if n := f.broker.Stats().Connections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
	if n := len(f.conns.Connections()); n != 0 {
		t.Errorf("%d connections have not ended", n)
	}
}

// Whoever comes while an administrator shuts the user out is refused or ended: no
// connection is left, whenever the two meet.
func TestNobodySlipsPastADisconnect(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.MaxKeptOut = 1000 }).bulk()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test
	for round := range 10 {
		user := fmt.Sprint("u", round)
		token := f.token(auth.Claims{User: user})
		var all sync.WaitGroup
		began := make(chan struct{})
		for range 6 {
			path := []string{"/ws", "/hubs/events", "/events?wait=30", "/events"}[random.IntN(4)]
			all.Go(func() {
				<-began
				if strings.HasPrefix(path, "/events") {
					resp, err := f.client.Do(f.request(http.MethodGet, path, token, ""))
					if err == nil {
						_, _ = bufio.NewReader(resp.Body).WriteTo(io.Discard) // to its end
						resp.Body.Close()
					}
					return
				}
				if c, _, err := f.dialSocket(path, token); err == nil {
					for {
						if _, _, err := c.Read(t.Context()); err != nil {
							return
						}
					}
				}
			})
		}
		spin := random.IntN(4)
		close(began)
		for range spin {
			f.send(http.MethodGet, "/healthz", "", "")
		}
		f.disconnect(user, "", `{"refuseSeconds":600}`, -1)
		all.Wait() // each was refused, or has ended
	}
}
