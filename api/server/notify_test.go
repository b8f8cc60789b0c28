package server

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"hubline/api/notify"
	"hubline/internal/spectest"
)

// through returns a Notifier of the server whose requests and answers are held against
// the document.
func through(t testing.TB, s *Server) *notify.Notifier {
	t.Helper()
	text, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spectest.Load(text, "/hub")
	if err != nil {
		t.Fatal(err)
	}
	rt := wire{&spectest.Transport{
		Next: s.local, Document: doc, Base: func(*http.Request) (string, bool) { return "", true },
		Report: func(r *http.Request, fault string) { t.Errorf("%s %s: %s", r.Method, r.URL.Path, fault) },
	}}
	n, err := notify.New(notify.Config{URL: "http://hubline", APIKey: s.APIKey(), HTTPClient: &http.Client{Transport: rt}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wire leaves out headers without a value, as a wire does.
type wire struct{ next http.RoundTripper }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	maps.DeleteFunc(r.Header, func(_ string, v []string) bool { return len(v) == 0 })
	return w.next.RoundTrip(r)
}

// log is all of a user's log.
func log(t testing.TB, n *notify.Notifier, user string) (events []notify.Published) {
	t.Helper()
	for since := ""; ; {
		l, err := n.Events(t.Context(), user, notify.EventsQuery{Since: since, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if l.Gap != nil {
			t.Fatalf("a gap in the log of %s: %+v", user, *l.Gap)
		}
		events = append(events, l.Events...)
		if l.End() {
			return events
		}
		since = l.Cursor
	}
}

// Every method against the real server, as the document has it.
func TestEveryMethod(t *testing.T) {
	s := start(t, Config{Data: t.TempDir() + "/data", Settings: map[string]string{"max-batch-items": "3"}})
	n := through(t, s)
	ctx := t.Context()
	odd := "ann/.. ä%2F?#"

	raw := json.RawMessage(`{ "b":1.0, "a":"\u00e4<" }`)
	r, err := n.SendToUser(ctx, odd, notify.Event{
		Type: "order.paid", Data: raw, Arguments: []any{1, "x"}, Device: "phone", TTL: 90 * time.Minute, ContextID: "c",
	})
	if err != nil || r.Seq != 1 || r.Durability != notify.Disk || r.Duplicate {
		t.Fatalf("%+v, %v", r, err)
	}
	if r2, err := n.SendToUser(ctx, odd, notify.Event{Type: "order.paid", Data: raw, Arguments: []any{1, "x"}, Device: "phone", ContextID: "c", ID: r.ID}); err != nil || !r2.Duplicate || r2.Cursor != r.Cursor {
		t.Errorf("the same again: %+v, %v", r2, err)
	}
	if _, err := n.SendToUser(ctx, odd, notify.Event{Type: "order.paid", ID: r.ID}); !errors.Is(err, notify.ErrConflict) {
		t.Errorf("another event with the same id: %v", err)
	}
	events := log(t, n, odd)
	if len(events) != 1 || events[0].ID != r.ID || string(events[0].Data) != string(raw) || events[0].Cursor != r.Cursor || time.Since(events[0].Time()) > time.Minute {
		t.Errorf("log: %+v", events)
	}

	// Seven users in batches of three, which the client has to find out.
	users := []string{"a", "b", "c", "d", "e", "f", odd}
	results, err := n.SendToUsers(ctx, users, notify.Event{Type: "many", ExceptDevice: "tv"})
	if err != nil {
		t.Fatal(err)
	}
	for i, res := range results {
		list := log(t, n, users[i])
		if res.User != users[i] || res.Receipt.ID != results[0].Receipt.ID || list[len(list)-1].ID != res.Receipt.ID {
			t.Errorf("%+v, log %+v", res, list)
		}
	}

	for _, u := range []string{"b", odd, "a"} {
		if changed, err := n.AddMember(ctx, "private-x=1", u); err != nil || !changed {
			t.Errorf("AddMember: %v, %v", changed, err)
		}
	}
	if changed, err := n.AddMember(ctx, "private-x=1", "a"); err != nil || changed {
		t.Errorf("AddMember again: %v, %v", changed, err)
	}
	if changed, err := n.RemoveMember(ctx, "private-x=1", "b"); err != nil || !changed {
		t.Errorf("RemoveMember: %v, %v", changed, err)
	}
	var members []string
	for m, err := range n.Members(ctx, "private-x=1") {
		if err != nil || m.Online {
			t.Fatal(m, err)
		}
		members = append(members, m.User)
	}
	if !slices.Equal(members, []string{"a", odd}) {
		t.Errorf("members %q", members)
	}
	if list, err := n.Channels(ctx, odd); err != nil || !slices.Equal(list, []string{"private-x=1"}) {
		t.Errorf("channels %q, %v", list, err)
	}
	c, err := n.SendToChannel(ctx, "private-x=1", notify.Event{Type: "news"})
	if err != nil || c.Members != 2 || c.Failed != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if list := log(t, n, odd); list[len(list)-1].Channel != "private-x=1" || list[len(list)-1].ID != c.ID {
		t.Errorf("log %+v", list)
	}
	if b, err := n.Broadcast(ctx, notify.Event{Type: "all"}); err != nil || b.Users != 7 {
		t.Errorf("%+v, %v", b, err)
	}
	page, err := n.Events(ctx, odd, notify.EventsQuery{Since: "1", Limit: 1, Types: []string{"news", "all"}, Device: "phone"})
	if err != nil || len(page.Events) != 1 || page.Events[0].Type != "news" || page.End() {
		t.Errorf("%+v, %v", page, err)
	}

	ln := listen(t)
	go func() { _ = s.Serve(ln) }() // ends with the server
	resp, err := http.DefaultClient.Do(mustRequest(t, "http://"+ln.Addr().String()+"/events", token(t, s, "a")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if p, err := n.Presence(ctx, "a"); err != nil || !p.Online || p.Connections != 1 || p.Devices == nil {
		t.Errorf("%+v, %v", p, err)
	}
	d, err := n.Disconnect(ctx, "a", notify.DisconnectOptions{Reason: "bye", KeepOut: time.Minute})
	if err != nil || d.Connections != 1 || time.Until(d.KeptOutUntil) > time.Minute || time.Until(d.KeptOutUntil) < 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := n.Disconnect(ctx, "a", notify.DisconnectOptions{Device: "phone", LetIn: true}); err != nil || d != (notify.Disconnected{}) {
		t.Errorf("%+v, %v", d, err)
	}
	if v, err := n.Revoke(ctx, notify.Revocation{User: "a", TokenID: "j", IssuedBefore: time.Now()}); err != nil || v.Connections != 0 || v.Until.Before(time.Now()) {
		t.Errorf("%+v, %v", v, err)
	}
	if status, _ := get(t, http.DefaultClient, "http://"+ln.Addr().String()+"/events?wait=0", token(t, s, "a")); status != http.StatusForbidden {
		t.Errorf("who is kept out is answered %d", status)
	}
	wrong, err := notify.New(notify.Config{URL: "http://" + ln.Addr().String(), APIKey: "hlk_wrong"})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := wrong.Presence(ctx, "a"); !errors.Is(err, notify.ErrUnauthorized) {
		t.Errorf("a wrong key: %v", err)
	}
	elsewhere, err := notify.New(notify.Config{URL: "http://" + ln.Addr().String() + "/wrong", APIKey: s.APIKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	if _, err := elsewhere.Presence(ctx, "a"); err == nil {
		t.Error("a wrong address is answered")
	}
}
