package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
	"hubline/broker"
)

// replayed is the answer to a replay.
type replayed struct {
	Epoch                   string
	From, To                uint64
	DryRun                  bool
	Matching, Sent, NotSent int
	Gaps                    []struct {
		From, To uint64
		Reason   string
	}
	Connections []struct {
		ConnectionID, Transport string
		Device                  *string
		Sent, NotSent           int
		Last                    *uint64
	}
	Events []struct {
		Seq                            uint64
		ID, Type, Device, ExceptDevice string
		TS                             int64
	}
}

func (f *fixture) replay(user, body string) replayed {
	f.Helper()
	a := f.send(http.MethodPost, "/api/v1/users/"+user+"/replays", keyAdmin, body)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		f.Fatalf("replay: %d %s", a.status, a.body)
	}
	r := decode[replayed](f, a.body)
	if r.Gaps == nil || r.Connections == nil {
		f.Errorf("null in place of a list: %s", a.body)
	}
	return r
}

// to lists the recipients: transport, device, sent and not sent, last.
func (r replayed) to() (all []string) {
	for _, c := range r.Connections {
		last := "none"
		if c.Last != nil {
			last = fmt.Sprint(*c.Last)
		}
		all = append(all, fmt.Sprintf("%s %s %d+%d %s", c.Transport, deref(c.Device), c.Sent, c.NotSent, last))
	}
	slices.Sort(all)
	return all
}

func TestReplay(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.replay.MaxEvents = 6 })
	for i := range 8 {
		f.publish("anna", fmt.Sprintf(`{"type":"t%d","data":%d}`, i%2, i+1))
	}
	f.publish("anna", `{"type":"t0","device":"tv"}`)
	phone := f.socket("/ws?control=1", f.token(auth.Claims{Device: "phone"}))
	message(t, phone)
	tv := f.socket("/hubs/events?meta=1", f.token(auth.Claims{Device: "tv"}))
	say(t, tv, `{"protocol":"json","version":1}`)
	hear(t, tv, "{}")
	f.socket("/ws", f.token(auth.Claims{User: "berta"}))

	dry := f.replay("anna", `{"since":0,"dryRun":true}`)
	if dry.From != 4 || dry.To != 9 || dry.Matching != 6 || !dry.DryRun || dry.Sent != 11 || dry.NotSent != 0 || len(dry.Gaps) != 0 || len(dry.Events) != 6 {
		t.Errorf("dry run: %+v", dry)
	}
	if ev := dry.Events[5]; ev.Seq != 9 || ev.Type != "t0" || ev.Device != "tv" || ev.ID == "" || ev.TS == 0 {
		t.Errorf("listed %+v", ev)
	}
	want := []string{"ws phone 5+0 8", "ws tv 6+0 9"}
	if diff := cmp.Diff(want, dry.to()); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	if dry.Connections[0].ConnectionID == "" || dry.Connections[0].ConnectionID == dry.Connections[1].ConnectionID {
		t.Errorf("connections %+v", dry.Connections)
	}
	if n := f.metric("hubline_replays_total"); n != "0" {
		t.Errorf("%s replays counted", n)
	}

	r := f.replay("anna", fmt.Sprintf(`{"since":"%s-2","until":"%s-6","types":["t1","none"]}`, dry.Epoch, dry.Epoch))
	if r.From != 4 || r.To != 6 || r.Matching != 2 || r.DryRun || r.Events != nil || len(r.Gaps) != 1 || r.Gaps[0].From != 3 || r.Gaps[0].To != 3 || r.Gaps[0].Reason != "limit" {
		t.Errorf("replay: %+v", r)
	}
	for _, seq := range []uint64{4, 6} {
		if ev := decode[envelope](t, message(t, phone)); ev.Seq != seq || !ev.Replayed || ev.Cursor != fmt.Sprintf("%s-%d", dry.Epoch, seq) {
			t.Errorf("the phone got %+v, want %d", ev, seq)
		}
		var m struct {
			Headers   map[string]string
			Target    string
			Arguments []json.RawMessage
		}
		text := strings.TrimSuffix(message(t, tv), "\x1e")
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Arguments) != 2 || m.Headers["seq"] != fmt.Sprint(seq) || m.Target != "t1" || !strings.Contains(string(m.Arguments[1]), `"replayed":true`) {
			t.Errorf("the tv got %s", text)
		}
	}
	// A number is a bare seq; one device; nothing to tell; beyond the head.
	if diff := cmp.Diff([]string{"ws tv 1+0 9"}, f.replay("anna", `{"since":8,"device":"tv"}`).to()); diff != "" {
		t.Errorf("one device (-want +got):\n%s", diff)
	}
	message(t, tv)
	if r := f.replay("anna", `{"since":9,"until":12,"types":null,"device":null,"dryRun":null}`); r.Sent != 0 || r.From != 10 || r.To != 9 || len(r.Gaps) != 1 || r.Gaps[0].Reason != "ahead" {
		t.Errorf("at the head: %+v", r)
	}
	if r := f.replay("anna", `{"since":"zzzz-4"}`); len(r.Gaps) != 1 || r.Gaps[0].Reason != "epoch" || r.Matching != 6 {
		t.Errorf("another epoch: %+v", r)
	}
	if r := f.replay("nobody", `{"since":"0","dryRun":false}`); r.Epoch == "" || r.Matching != 0 || len(r.Connections) != 0 {
		t.Errorf("a user never heard of: %+v", r)
	}
	for name, want := range map[string]string{
		"hubline_replays_total": "5", "hubline_redelivered_events_total": "16", "hubline_redelivered_events_rejected_total": "0",
	} {
		if got := f.metric(name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

// Who did what to whom is found in the log, dry runs too, and refusals are not.
func TestReplaysAreAudited(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"secret.kind","data":"secret data"}`)
	f.socket("/ws", f.token(auth.Claims{Device: "phone"}))
	token := f.token(auth.Claims{User: "root", Scopes: auth.ScopeAdmin})
	for _, credentials := range []string{keyAdmin, token, keyRead} {
		f.send(http.MethodPost, "/api/v1/users/anna/replays", credentials, `{"since":"0","until":7,"types":["secret.kind"],"device":"phone","dryRun":true}`)
	}
	f.send(http.MethodPost, "/api/v1/users/anna/replays", keyAdmin, `{}`)
	var got []string
	for line := range strings.Lines(f.logs.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["msg"] == "events redelivered" {
			got = append(got, fmt.Sprint(m["level"], m["by"], m["user"], m["since"], m["until"], m["types"], m["device"], m["dry_run"], m["events"], m["connections"], m["sent"], m["not_sent"]))
		}
		if strings.Contains(line, "secret data") {
			t.Error("the log has payloads")
		}
	}
	want := []string{
		fmt.Sprint("INFO", "key:"+keyName(keyAdmin), "anna", "0", "7", []string{"secret.kind"}, "phone", true, 1, 1, 1, 0),
		fmt.Sprint("INFO", "user:root", "anna", "0", "7", []string{"secret.kind"}, "phone", true, 1, 1, 1, 0),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What does not fit into a connection's queue is said.
func TestReplayIsBounded(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.broker = broker.Config{QueueEvents: 3} })
	for range 5 {
		f.publish("anna", `{"type":"a"}`)
	}
	f.socket("/ws", f.token(auth.Claims{Device: "phone"}))
	r := f.replay("anna", `{"since":0}`)
	if diff := cmp.Diff([]string{"ws phone 3+2 3"}, r.to()); diff != "" || r.Sent != 3 || r.NotSent != 2 {
		t.Errorf("%+v (-want +got):\n%s", r, diff)
	}
	if got := f.metric("hubline_redelivered_events_rejected_total"); got != "2" {
		t.Errorf("%s rejected", got)
	}
}

// The bytes on the wire of each transport.
func TestReplayedOnEachTransport(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"a","data":1}`)
	f.publish("anna", `{"type":"a","data":2}`)
	epoch := f.log("anna", "").Epoch
	token := f.token(auth.Claims{})

	stream, err := f.client.Do(f.request(http.MethodGet, "/events?named=1", token, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	read := func() (event []string) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line = strings.TrimSuffix(line, "\n"); line == "" && len(event) > 0 {
				return event
			}
			if line != "" && line[0] != ':' && !strings.HasPrefix(line, "retry") {
				event = append(event, line)
			}
		}
	}
	read() // hubline.ready
	bitwarden := f.socket("/notifications/hub", token)
	say(t, bitwarden, `{"protocol":"json","version":1}`)
	hear(t, bitwarden, "{}")
	answered := make(chan answer, 1)
	go func() { answered <- f.send(http.MethodGet, "/events?wait=50&since="+epoch+"-2", token, "") }() // ends with the replay
	for f.broker.Stats().Connections < 3 {
		if t.Context().Err() != nil {
			t.Fatal("the poll does not come")
		}
		f.send(http.MethodGet, "/healthz", "", "")
	}
	if diff := cmp.Diff([]string{"poll  1+0 1", "sse  1+0 1", "ws  1+0 1"}, f.replay("anna", `{"since":0,"until":1}`).to()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := read()
	if len(got) != 2 || got[0] != "event: a" || !strings.Contains(got[1], `"replayed":true,"data":1}`) {
		t.Errorf("the stream got %q", got)
	}
	page := decode[events](t, (<-answered).body)
	if len(page.Events) != 1 || page.Events[0].Seq != 1 || !page.Events[0].Replayed || page.Cursor != epoch+"-2" || page.Gap != nil {
		t.Errorf("the poll got %+v", page)
	}
	f.publish("anna", `{"type":"5","data":3}`)
	if got := read(); len(got) != 3 || got[0] != "id: "+epoch+"-3" {
		t.Errorf("the stream got %q", got)
	}
	live := message(t, bitwarden)
	f.replay("anna", `{"since":2}`)
	if again := message(t, bitwarden); again != live || !strings.Contains(live, `"Payload":3`) {
		t.Errorf("the Bitwarden hub sent %s, and then %s", live, again)
	}
}

// StreamEvents is a recipient of its own, under its connection's name.
func TestReplayToAStreamOfEvents(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"a","data":1}`)
	c := f.socket("/hubs/events", f.token(auth.Claims{}))
	say(t, c, `{"protocol":"json","version":1}`)
	hear(t, c, "{}")
	say(t, c, `{"type":4,"invocationId":"1","target":"StreamEvents","arguments":["0"]}`)
	message(t, c)
	r := f.replay("anna", `{"since":0}`)
	if len(r.Connections) != 2 || r.Connections[0].ConnectionID != r.Connections[1].ConnectionID || r.Connections[1].Transport != "ws" {
		t.Errorf("%+v", r.Connections)
	}
	n := 0
	for range 2 {
		if text := message(t, c); strings.Contains(text, `"item":{`) && strings.Contains(text, `"replayed":true`) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d marked envelopes", n)
	}
	_ = c.Close(websocket.StatusNormalClosure, "")
}

func TestReplayWhileTheServerStops(t *testing.T) {
	f := newFixture(t)
	f.broker.Drain()
	f.wantProblem(f.send(http.MethodPost, "/api/v1/users/anna/replays", keyAdmin, `{"since":0}`), http.StatusServiceUnavailable, "stopping")
}
