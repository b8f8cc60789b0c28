package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/api/webhook"
	"hubline/broker"
)

// change posts to /channels/subscribe or unsubscribe.
func (f *fixture) change(what, token, body string) answer {
	f.Helper()
	return f.send(http.MethodPost, "/channels/"+what, token, body)
}

func (f *fixture) subscribeTo(token, channel string) {
	f.Helper()
	if a := f.change("subscribe", token, `{"channel":"`+channel+`"}`); a.status != http.StatusOK {
		f.Fatalf("subscribe: %d %s", a.status, a.body)
	}
}

// The answers of durable-notifier, to the byte, but for names that are refused here.
func TestMembershipIsAnsweredLikeTheOriginal(t *testing.T) {
	f := newFixture(t)
	anna := f.token(auth.Claims{})
	const missing = `{"error":"Missing or invalid channel name"}`
	for _, tt := range []struct {
		token, body string
		status      int
		want        string
	}{
		{"", `{"channel":"news"}`, 401, `{"error":"Unauthorized"}`},
		{"", `nonsense`, 401, `{"error":"Unauthorized"}`},
		{"eyJ.x.y", `{"channel":"news"}`, 401, `{"error":"Unauthorized"}`},
		{keyAll, `{"channel":"news"}`, 401, `{"error":"Unauthorized"}`},
		{anna, "nonsense", 400, `{"error":"Invalid JSON body"}`},
		{anna, "", 400, `{"error":"Invalid JSON body"}`},
		{anna, `{"channel":"news"} x`, 400, `{"error":"Invalid JSON body"}`},
		{anna, `{}`, 400, missing},
		{anna, `{"channel":""}`, 400, missing},
		{anna, `{"channel":0}`, 400, missing},
		{anna, `{"channel":null}`, 400, missing},
		{anna, `["news"]`, 400, missing},
		{anna, `"news"`, 400, missing},
		{anna, `null`, 400, missing},
		{anna, `{"channel":"a b"}`, 400, missing},
		{anna, `{"channel":"a/b"}`, 400, missing},
		{anna, `{"channel":"ä"}`, 400, missing},
		{anna, `{"channel":"` + strings.Repeat("x", 165) + `"}`, 400, missing},
		{anna, `{"channel":"` + strings.Repeat("x", 164) + `"}`, 200, `{"ok":true}`},
		{anna, `{"channel":"news"}`, 200, `{"ok":true}`},
		{anna, `{"channel":"news","other":[1]}`, 200, `{"ok":true}`},
		{anna, ` { "channel" : "Private-x" } `, 200, `{"ok":true}`},
		{anna, `{"channel":"A0_-=@,.;:z"}`, 200, `{"ok":true}`},
	} {
		for _, what := range []string{"subscribe", "unsubscribe"} {
			a := f.change(what, tt.token, tt.body)
			if a.status != tt.status || a.body != tt.want || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %.40s: %d %s, want %d %s", what, tt.body, a.status, a.body, tt.status, tt.want)
			}
		}
	}
	if got := f.broker.Stats().Memberships; got != 0 {
		t.Errorf("%d memberships are left", got)
	}
	if a := f.change("subscribe", anna, strings.Repeat(" ", maxChannelBody+1)); a.status != 413 {
		t.Errorf("too large: %d %s", a.status, a.body)
	}
}

func TestPrivateChannelsNeedLeave(t *testing.T) {
	f := newFixture(t)
	anna := f.token(auth.Claims{Channels: []string{"private-a", "private-team-*", "presence-*"}})
	berta := f.token(auth.Claims{User: "berta"})
	for _, tt := range []struct {
		token, channel string
		status         int
	}{
		{anna, "private-a", 200},
		{anna, "private-ab", 403},
		{anna, "private-team-7", 200},
		{anna, "presence-x", 200},
		{anna, "private-", 403},
		{anna, "private", 200},
		{berta, "private-a", 403},
		{berta, "presence-x", 403},
		{berta, "open", 200},
	} {
		a := f.change("subscribe", tt.token, `{"channel":"`+tt.channel+`"}`)
		if a.status != tt.status || tt.status == 403 && a.body != `{"error":"Forbidden"}` {
			t.Errorf("%s: %d %s, want %d", tt.channel, a.status, a.body, tt.status)
		}
		// To leave needs no leave.
		if a := f.change("unsubscribe", tt.token, `{"channel":"`+tt.channel+`"}`); a.status != 200 {
			t.Errorf("leave %s: %d %s", tt.channel, a.status, a.body)
		}
	}
}

// webhookFunc is a backend that decides.
type webhookFunc func(*http.Request) (*http.Response, error)

func (f webhookFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheWebhookDecidesWhereTheTokenDoesNot(t *testing.T) {
	status := 200
	hook := webhook.New(webhook.Config{URL: "http://b.example", CacheTTL: -1, Transport: webhookFunc(func(r *http.Request) (*http.Response, error) {
		if status == 0 {
			return nil, errors.New("connection refused")
		}
		return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
	})})
	f := newFixture(t, func(s *setup) { s.Webhook = hook })
	anna := f.token(auth.Claims{Channels: []string{"private-mine"}})
	for _, tt := range []struct {
		says          int
		channel, want string
	}{
		{200, "private-a", "200"},
		{403, "private-b", "403 Forbidden"},
		{500, "private-c", "503 Channel authorization did not answer"},
		{0, "presence-c", "503 Channel authorization did not answer"},
		{403, "private-mine", "200"},
		{403, "open", "200"},
	} {
		status = tt.says
		a := f.change("subscribe", anna, `{"channel":"`+tt.channel+`"}`)
		got := strings.TrimSpace(fmt.Sprint(a.status, " ", decode[struct {
			OK    bool
			Error string
		}](t, a.body).Error))
		if got != tt.want || (a.status == 503) != (a.header.Get("Retry-After") != "") {
			t.Errorf("%s: %s, want %s; Retry-After %q", tt.channel, got, tt.want, a.header.Get("Retry-After"))
		}
	}
	if got := fmt.Sprint(f.broker.Channels("anna")); got != "[open private-a private-mine]" {
		t.Error(got)
	}
	if f.metric("hubline_channel_webhook_failed_total") != "2" || f.metric("hubline_memberships") != "3" {
		t.Error("the metrics say something else")
	}
}

func TestPublishToAChannel(t *testing.T) {
	f := newFixture(t)
	f.subscribeTo(f.token(auth.Claims{}), "news")
	f.subscribeTo(f.token(auth.Claims{User: "berta"}), "news")
	send := func(path, body string, header ...string) receipt {
		t.Helper()
		a := f.send(http.MethodPost, "/api/v1/channels/"+path+"/events", keyPublish, body, header...)
		if a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return decode[receipt](t, a.body)
	}
	f.publish("berta", `{"type":"own"}`)
	r := send("news", `{"type":"a","data":1}`, "Idempotency-Key", "k")
	if r.Members != 2 || r.Failed != 0 || r.Delivered != 0 || r.Duplicate || r.ID == "" {
		t.Errorf("%+v", r)
	}
	if again := send("news", `{"type":"a","data":1}`, "Idempotency-Key", "k"); !again.Duplicate || again.ID != r.ID || again.Members != 2 {
		t.Errorf("%+v", again)
	}
	if a := f.send(http.MethodPost, "/api/v1/channels/news/events", keyPublish, `{"type":"b"}`, "Idempotency-Key", "k"); a.status != 422 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r := send("nobody-is-here", `{"type":"a"}`); r.Members != 0 || r.ID == "" {
		t.Errorf("%+v", r)
	}
	for user, seq := range map[string]uint64{"anna": 1, "berta": 2} {
		log := f.log(user, "")
		last := log.Events[len(log.Events)-1]
		if last.Channel != "news" || last.ID != r.ID || last.Seq != seq || string(last.Data) != "1" {
			t.Errorf("%s: %+v", user, last)
		}
	}
}

func TestMembersAreAdministered(t *testing.T) {
	f := newFixture(t)
	put := func(method, path, key string) answer { return f.send(method, "/api/v1/channels/"+path, key, "") }
	for _, user := range []string{"b", "a", "c", "d%2Fe"} {
		if a := put(http.MethodPut, "news/members/"+user, keyAdmin); a.status != 200 || !strings.Contains(a.body, `"changed":true`) {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := put(http.MethodPut, "private-x/members/a", keyAdmin); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := put(http.MethodPut, "news/members/a", keyAdmin); a.body != `{"channel":"news","user":"a","member":true,"changed":false}` {
		t.Error(a.body)
	}
	if a := put(http.MethodPut, "news/members/a", keyPublish); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	page := put(http.MethodGet, "news/members?limit=3", keyRead)
	if page.body != `{"channel":"news","total":4,"members":[{"user":"a","online":false},{"user":"b","online":false},{"user":"c","online":false}],"next":"c"}` {
		t.Error(page.body)
	}
	if page = put(http.MethodGet, "news/members?limit=3&after=c", keyRead); page.body != `{"channel":"news","total":4,"members":[{"user":"d/e","online":false}],"next":null}` {
		t.Error(page.body)
	}
	if page = put(http.MethodGet, "empty/members", keyRead); page.body != `{"channel":"empty","total":0,"members":[],"next":null}` {
		t.Error(page.body)
	}
	if a := f.send(http.MethodGet, "/api/v1/users/a/channels", keyRead, ""); a.body != `{"channels":["news","private-x"]}` {
		t.Error(a.body)
	}
	if a := f.send(http.MethodGet, "/api/v1/users/z/channels", keyRead, ""); a.body != `{"channels":[]}` {
		t.Error(a.body)
	}
	if a := put(http.MethodDelete, "news/members/a", keyAdmin); a.body != `{"channel":"news","user":"a","member":false,"changed":true}` {
		t.Error(a.body)
	}
	f.send(http.MethodPost, "/api/v1/channels/news/events", keyPublish, `{"type":"t"}`)
	if n := len(f.log("a", "").Events); n != 0 {
		t.Errorf("who was removed got %d events", n)
	}
}

func TestBoundsOnMembershipsAreAnswered(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.broker = broker.Config{MaxChannelsPerUser: 2, MaxChannelMembers: 1, MaxMemberships: 3}
	})
	anna, berta := f.token(auth.Claims{}), f.token(auth.Claims{User: "berta"})
	f.subscribeTo(anna, "a")
	f.subscribeTo(anna, "b")
	f.subscribeTo(berta, "c")
	for _, tt := range []struct {
		token, channel string
		status         int
		text, slug     string
	}{
		{anna, "d", 429, "The user is in as many channels as allowed", "too-many-channels"},
		{berta, "a", 403, "The channel has as many members as allowed", "too-many-members"},
		{berta, "d", 503, "The server keeps as many memberships as it may", "too-many-memberships"},
	} {
		a := f.change("subscribe", tt.token, `{"channel":"`+tt.channel+`"}`)
		if a.status != tt.status || a.body != `{"error":"`+tt.text+`"}` {
			t.Errorf("%s: %d %s", tt.channel, a.status, a.body)
		}
		user := map[string]string{anna: "anna", berta: "berta"}[tt.token]
		a = f.send(http.MethodPut, "/api/v1/channels/"+tt.channel+"/members/"+user, keyAdmin, "")
		if a.status != tt.status || decode[Problem](t, a.body).Type != "/problems/"+tt.slug {
			t.Errorf("%s: %d %s", tt.channel, a.status, a.body)
		}
	}
}

// A client that comes back subscribes to all of its channels at once.
func TestAHundredSubscriptionsAtOnce(t *testing.T) {
	f := newFixture(t)
	anna := f.token(auth.Claims{})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { // ends with its answer
			if a := f.change("subscribe", anna, fmt.Sprintf(`{"channel":"c%d"}`, i)); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if n := len(f.broker.Channels("anna")); n != 100 {
		t.Errorf("%d channels", n)
	}
}

// Members are joined over a socket as well, in the order that was asked for.
func TestMembershipOverASocket(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/events?control=1", f.token(auth.Claims{}))
	say := func(text string) {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	message(t, c) // hubline.ready
	for _, tt := range []struct{ send, want string }{
		{`{"type":"subscribe","channel":"news","ref":"1"}`, `{"ref":"1","ok":true,"cursor":"E-0"}`},
		{`{"type":"subscribe","channel":"private-x","ref":"2"}`, `{"ref":"2","ok":false,"error":"Forbidden: `},
		{`{"type":"subscribe","channel":"no news","ref":"3"}`, `{"ref":"3","ok":false,"error":"Missing or invalid channel name`},
		{`{"type":"subscribe","ref":"4"}`, `{"ref":"4","ok":false,"error":"Missing or invalid channel name"}`},
		{`{"type":"unsubscribe","channel":"news","ref":"5"}`, `{"ref":"5","ok":true}`},
		{`{"type":"unsubscribe","channel":"news","ref":"` + strings.Repeat("r", 129) + `"}`, `{"ref":"","ok":false,"error":"ref is longer than 128 bytes"}`},
	} {
		say(tt.send)
		got := strings.ReplaceAll(message(t, c), f.broker.Store().State("anna").Epoch+"-", "E-")
		if !strings.HasPrefix(got, `{"type":"hubline.reply","data":`+tt.want) {
			t.Errorf("%s: %s, want %s", tt.send, got, tt.want)
		}
	}
	for i := range 50 { // the last one counts
		say(fmt.Sprintf(`{"type":"%s","channel":"c","ref":"%d"}`, []string{"unsubscribe", "subscribe"}[i%2], i))
	}
	for i := range 50 {
		if got := message(t, c); !strings.Contains(got, fmt.Sprintf(`"ref":"%d","ok":true`, i)) {
			t.Errorf("answer %d: %s", i, got)
		}
	}
	if got := fmt.Sprint(f.broker.Channels("anna")); got != "[c]" {
		t.Error(got)
	}
	f.send(http.MethodPost, "/api/v1/channels/c/events", keyPublish, `{"type":"t"}`)
	if ev := decode[envelope](t, message(t, c)); ev.Channel != "c" || ev.Seq != 1 {
		t.Errorf("%+v", ev)
	}
}

// Hubs have methods for it.
func TestMembershipOverAHub(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/hubs/events", f.token(auth.Claims{}))
	for _, tt := range []struct{ send, want string }{
		{`{"protocol":"json","version":1}`, `{}`},
		{`{"type":1,"invocationId":"1","target":"Subscribe","arguments":["news"]}`, `{"type":3,"invocationId":"1","result":null}`},
		{`{"type":1,"invocationId":"2","target":"Subscribe","arguments":["private-x"]}`, `{"type":3,"invocationId":"2","error":"An unexpected error occurred invoking 'Subscribe' on the server. HubException: Forbidden: `},
		{`{"type":1,"invocationId":"3","target":"subscribe","arguments":["other"]}`, `{"type":3,"invocationId":"3","result":null}`},
		{`{"type":1,"invocationId":"4","target":"Unsubscribe","arguments":["news"]}`, `{"type":3,"invocationId":"4","result":null}`},
	} {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(tt.send+rs)); err != nil {
			t.Fatal(err)
		}
		if got := message(t, c); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.send, got, tt.want)
		}
	}
	if got := fmt.Sprint(f.broker.Channels("anna")); got != "[other]" {
		t.Error(got)
	}
	f.send(http.MethodPost, "/api/v1/channels/other/events", keyPublish, `{"type":"greet","data":"hi"}`)
	if got := message(t, c); !strings.Contains(got, `"target":"greet","arguments":["hi"]`) {
		t.Error(got)
	}
}

// What a token allowed ends with it, also for a hub connection that outlives it.
func TestExpiredClaimsGiveNoLeave(t *testing.T) {
	f := newFixture(t)
	id := &auth.Identity{User: "anna", Channels: []string{"private-a"}, Expires: time.Now().Add(-time.Hour)}
	for channel, want := range map[string]error{"private-a": auth.ErrExpired, "private-b": errChannelForbidden, "open": nil} {
		if err := f.api.mayJoin(t.Context(), id, channel); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", channel, err, want)
		}
	}
	asked := false
	f.api.webhook = webhook.New(webhook.Config{URL: "http://b.example", Transport: webhookFunc(func(r *http.Request) (*http.Response, error) {
		asked = true
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
	})})
	if err := f.api.mayJoin(t.Context(), id, "private-a"); !errors.Is(err, errChannelForbidden) || !asked {
		t.Error(err)
	}
	valid := &auth.Identity{User: "anna", Channels: []string{"private-a"}, Expires: time.Now().Add(time.Hour)}
	if err := f.api.mayJoin(t.Context(), valid, "private-a"); err != nil {
		t.Error(err)
	}
}
