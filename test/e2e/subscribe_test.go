package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

func TestSinceChoosesWhereToBegin(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	first := s.Publish("alice", "t", "1")
	s.PublishMany("alice", "t", 4)
	token := s.Token("alice")
	epoch, _, _ := strings.Cut(first.Cursor, "-")
	eachTransport(t, func(t *testing.T, transport string) {
		for since, next := range map[string]uint64{
			"": 6, "latest": 6, "0": 1, "3": 4, epoch + "-3": 4, epoch + "-0": 1, "5": 6, epoch + "-5": 6, "device": 6,
		} {
			t.Run("since="+since, func(t *testing.T) {
				s := s.In(t)
				user := fmt.Sprintf("copy-%s-%s", transport, since)
				token := s.Token(user, harness.Claims{"device": "new"})
				from := s.Publish(user, "t", "1")
				since := strings.Replace(since, epoch, strings.Split(from.Cursor, "-")[0], 1)
				s.PublishMany(user, "t", 4)
				c := connect(t, s, transport, client.Options{Token: token, Since: since, Query: query("control", "1")})
				if transport == "poll" && next == 6 && (since == "" || since == "latest" || since == "device") {
					// The first poll must be there before the event is published.
					c = connect(t, s, transport, client.Options{Token: token, Since: since, Query: query("wait", "0")})
					if m := c.want(client.Move); m.Cursor.Seq != 5 {
						t.Fatalf("cursor of the empty answer = %s, want seq 5", m.Cursor)
					}
				}
				if transport != "poll" {
					r := c.wantReady()
					if want := from.Cursor[:len(from.Cursor)-1] + fmt.Sprint(next-1); r.Cursor != want || r.Oldest != 1 ||
						r.Replayed != int(6-next) || !r.Recovered && since != "device" || len(r.ConnectionID) < 16 {
						t.Errorf("ready = %+v, want cursor %s, oldest 1, replayed %d, recovered", r, want, 6-next)
					}
				}
				s.Publish(user, "t", "6")
				c.wantSeqs(next, 6)
			})
		}
		for _, garbage := range []string{
			"x", "-", "-1", "+1", "1.0", "1e3", "007", " 1", "1 ", epoch + "-", epoch + "-x", epoch + "-007", "-5", "K7Q2-5", "a_b-5",
			epoch + "-5-5", "18446744073709551616", strings.Repeat("9", 300), "null", "LATEST", "5\x00", "é-1",
			"device", // of which the token has none
		} {
			r := refusal(t, s, transport, client.Options{Token: token, Since: garbage})
			wantProblem(t, r.Status, r.Header, r.Body, http.StatusBadRequest, "cursor")
			if strings.Contains(string(r.Body), strings.Repeat("9", 50)) {
				t.Error("the answer repeats the garbage")
			}
		}
	})
}

func TestTheSameEventHasTheSameCursorEverywhere(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.PublishMany("alice", "t", 3)
	token := s.Token("alice")
	cursor := "0"
	// A client may change the transport after every event.
	for i, transport := range []string{"sse", "poll", "ws", "sse", "ws", "poll"} {
		r := s.Publish("alice", "t", "1")
		c := connect(t, s, transport, client.Options{Token: token, Since: cursor})
		m := c.wantReadyless(harness.Receipt{})
		if m.Cursor.Seq != uint64(i)+1 {
			t.Fatalf("%s resumed from %s with %s", transport, cursor, m.Cursor)
		}
		if r.Seq != uint64(i)+4 {
			t.Fatalf("receipt %+v", r)
		}
		cursor = m.Cursor.String()
		c.Close()
	}
}

func TestLastEventIDWinsOverSince(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := s.PublishMany("alice", "t", 5)
	epoch, _, _ := strings.Cut(last.Cursor, "-")
	token := s.Token("alice")
	c := connect(t, s, "sse", client.Options{Token: token, Since: "0", LastEventID: epoch + "-3"})
	if r := c.wantReady(); r.Replayed != 2 || r.Cursor != epoch+"-3" {
		t.Errorf("ready = %+v", r)
	}
	c.wantSeqs(4, 5)
	c = connect(t, s, "sse", client.Options{Token: token, Since: epoch + "-1", LastEventID: last.Cursor})
	if r := c.wantReady(); r.Replayed != 0 || !r.Recovered {
		t.Errorf("ready = %+v: the newest event's id asks for nothing old", r)
	}
	r := refusal(t, s, "sse", client.Options{Token: token, LastEventID: "garbage"})
	wantProblem(t, r.Status, r.Header, r.Body, http.StatusBadRequest, "cursor")
}

func TestServerSentEventsKeepProxiesFromHoldingThemBack(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c, err := client.DialSSE(t.Context(), client.Options{URL: s.URL, Token: s.Token("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cache := c.Header.Get("Cache-Control")
	for _, word := range []string{"no-cache", "no-transform"} {
		if !strings.Contains(cache, word) {
			t.Errorf("Cache-Control = %q, want %s in it", cache, word)
		}
	}
	if got := c.Header.Get("X-Accel-Buffering"); got != "no" {
		t.Errorf("X-Accel-Buffering = %q", got)
	}
	// Before anything is published: a comment, a time to retry, ready.
	conn := &conn{Stream: c, t: t, transport: "sse"}
	var kinds []client.Kind
	for range 3 {
		kinds = append(kinds, conn.any().Kind)
	}
	if fmt.Sprint(kinds) != "[comment retry hubline.ready]" {
		t.Errorf("first messages = %v", kinds)
	}
}

func TestPadSendsTwoKilobytesFirst(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := connect(t, s, "sse", client.Options{Token: s.Token("alice"), Query: query("pad", "1")})
	if m := c.any(); m.Kind != client.Comment || len(m.Text) < 2<<10-8 {
		t.Errorf("first message is %s of %d bytes", m.Kind, len(m.Text))
	}
}

func TestNamedEventsCarryTheirType(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	plain := connect(t, s, "sse", client.Options{Token: s.Token("alice")})
	named := connect(t, s, "sse", client.Options{Token: s.Token("alice"), Query: query("named", "1")})
	plain.wantReady()
	named.wantReady()
	r := s.Publish("alice", "order.paid", "1")
	if m := plain.wantEvent(r); m.SSEName != "" {
		t.Errorf("event has the name %q, want none", m.SSEName)
	}
	if m := named.wantEvent(r); m.SSEName != "order.paid" {
		t.Errorf("event has the name %q, want its type", m.SSEName)
	}
}

func TestTypesAreFiltered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Publish("alice", "a", "1")
	s.Publish("alice", "b", "2")
	s.Publish("alice", "c", "3")
	eachTransport(t, func(t *testing.T, transport string) {
		c := connect(t, s, transport, client.Options{Token: s.Token("alice"), Since: "0", Query: query("types", "a,c")})
		if transport != "poll" {
			if r := c.wantReady(); r.Replayed != 2 {
				t.Errorf("ready = %+v, want 2 replayed", r)
			}
		}
		if m := c.want(client.Event); m.Type != "a" {
			t.Errorf("got type %q", m.Type)
		}
		if m := c.want(client.Event); m.Type != "c" {
			t.Errorf("got type %q", m.Type)
		}
	})
}

// A client whose filter lets nothing through does not fall out of the log: its
// cursor moves with the log.
func TestAQuietClientsCursorMoves(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--ping-interval", "1s")
	s.Publish("alice", "seen", "1")
	eachTransport(t, func(t *testing.T, transport string) {
		s := s.In(t)
		q := query("types", "seen")
		if transport == "poll" {
			q.Set("wait", "1")
		}
		c := connect(t, s, transport, client.Options{Token: s.Token("alice"), Since: "0", Query: q})
		if m := c.wantReadyless(harness.Receipt{}); m.Type != "seen" {
			t.Fatalf("got %q", m.Type)
		}
		last := s.PublishMany("alice", "unseen", 3)
		for {
			m := c.want(client.Move)
			if m.Cursor.String() == last.Cursor {
				break
			}
			if transport != "poll" || m.Cursor.Seq > last.Seq {
				t.Fatalf("cursor moved to %s, want %s", m.Cursor, last.Cursor)
			}
		}
	})
}

func TestAnotherDevicesEventsAreLeftOut(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	phone := harness.Claims{"device": "phone"}
	laptop := harness.Claims{"did": "laptop"}
	s.PublishEvent("alice", harness.Event{Type: "for-phone", Device: "phone"})
	s.PublishEvent("alice", harness.Event{Type: "not-phone", ExceptDevice: "phone"})
	s.Publish("alice", "all", "1")
	eachTransport(t, func(t *testing.T, transport string) {
		s := s.In(t)
		for _, tt := range []struct {
			claims harness.Claims
			want   string
		}{{phone, "for-phone all"}, {laptop, "not-phone all"}, {nil, "not-phone all"}} {
			c := connect(t, s, transport, client.Options{Token: s.Token("alice", tt.claims), Since: "0"})
			got := c.wantReadyless(harness.Receipt{}).Type + " " + c.want(client.Event).Type
			if got != tt.want {
				t.Errorf("device %v got %q, want %q", tt.claims, got, tt.want)
			}
		}
	})
}

// since=device resumes where the device has shown that it has everything: by an
// explicit ack, or by asking for what comes after.
func TestTheDevicesSavedCursor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := s.PublishMany("alice", "t", 10)
	epoch, _, _ := strings.Cut(last.Cursor, "-")
	laptop := s.Token("alice", harness.Claims{"device": "laptop"})
	resume := func(want uint64) {
		t.Helper()
		c := connect(t, s, "sse", client.Options{Token: laptop, Since: "device"})
		defer c.Close()
		if r := c.wantReady(); r.Cursor != fmt.Sprintf("%s-%d", epoch, want) {
			t.Errorf("ready = %+v, want cursor seq %d", r, want)
		}
	}
	resume(10) // nothing is saved yet: live only

	ws, err := client.DialWS(t.Context(), client.Options{URL: s.URL, Token: laptop, Since: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	c := &conn{Stream: ws, t: t, transport: "ws"}
	c.wantReady()
	c.wantSeqs(1, 10)
	send := func(text string) {
		t.Helper()
		if err := ws.Send(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		// The answer to a ping says that what was sent before it was read.
		if err := ws.Send(t.Context(), `{"type":"ping"}`); err != nil {
			t.Fatal(err)
		}
		c.want(client.Pong)
	}
	send(fmt.Sprintf(`{"type":"ack","cursor":"%s-4"}`, epoch))
	resume(4)
	send(`{"type":"ack","cursor":"6"}`)
	resume(6)
	for _, bad := range []string{`"zzzz-9"`, `"99"`, `"x"`, `{}`, `null`} {
		send(`{"type":"ack","cursor":` + bad + `}`)
	}
	resume(6)

	poll := client.NewPoller(client.Options{URL: s.URL, Token: laptop, Since: epoch + "-8", Query: query("wait", "0")})
	if _, err := poll.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	resume(8)
	// Another device of the same user has a cursor of its own.
	other := connect(t, s, "sse", client.Options{Token: s.Token("alice", harness.Claims{"device": "phone"}), Since: "device"})
	if r := other.wantReady(); r.Cursor != last.Cursor {
		t.Errorf("the other device's ready = %+v, want live only", r)
	}
}
