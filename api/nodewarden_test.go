package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
)

// What NodeWarden's backend posts arrives on the family's hub as its clients know it.
func TestNotify(t *testing.T) {
	f := newFixture(t)
	phone := f.socket("/notifications/hub", f.token(auth.Claims{Device: "phone"}))
	say(t, phone, jsonShake)
	hear(t, phone, "{}")
	for _, tt := range []struct{ header, body, want string }{
		{"", `{"userId":"anna","updateType":0,"contextId":"tv","payload":{"Id":"x"},"unknown":1}`, `{"ContextId":"tv","Type":0,"Payload":{"Id":"x"}}`},
		{"anna", `{"revisionDate":"2026-01-02T03:04:05.000Z"}`, `{"ContextId":null,"Type":5,"Payload":{"UserId":"anna","Date":"2026-01-02T03:04:05.000Z"}}`},
		{"berta", `{"userId":"anna","updateType":11,"revisionDate":"D","payload":null,"targetDeviceIdentifier":"phone"}`, `{"ContextId":null,"Type":11,"Payload":{"UserId":"anna","Date":"D"}}`},
		{"anna", `{"updateType":1,"targetDeviceIdentifier":"tv"}`, ""}, // for another device
		{"anna", `{"updateType":2,"payload":[]}`, `{"ContextId":null,"Type":2,"Payload":[]}`},
	} {
		a := f.send(http.MethodPost, "/internal/notify", keyPublish, tt.body, userHeader, tt.header)
		if a.status != http.StatusNoContent || a.body != "" {
			t.Fatalf("%s: %+v", tt.body, a)
		}
		if tt.want == "" {
			continue
		}
		if got := message(t, phone); !strings.Contains(got, `"target":"ReceiveMessage"`) || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.body, got, tt.want)
		}
	}
	// The same key again sends nothing.
	for range 2 {
		f.send(http.MethodPost, "/internal/notify", keyPublish, `{"userId":"anna"}`, "Idempotency-Key", "k")
	}
	if got := f.log("anna", "?since=0").Head; got != 6 {
		t.Errorf("%d events", got)
	}
	f.wantProblem(f.send(http.MethodPost, "/internal/notify", keyPublish, `{"userId":"anna","updateType":7}`, "Idempotency-Key", "k"), http.StatusUnprocessableEntity, "idempotency-conflict")
	for _, body := range []string{
		"x", "[]", "{}", `{"userId":7}`, `{"userId":""}`, `{"userId":"a\u0000"}`, `{"userId":"anna","updateType":1.5}`, `{"userId":"anna","updateType":"hubline.gap"}`,
		`{"userId":"anna","revisionDate":7}`, `{"userId":"anna","contextId":[]}`, `{"userId":"` + strings.Repeat("a", 257) + `"}`,
	} {
		f.wantProblem(f.send(http.MethodPost, "/internal/notify", keyPublish, body), http.StatusBadRequest, "bad-request")
	}
	f.wantProblem(f.send(http.MethodPost, "/internal/notify", keyPublish, strings.Repeat(" ", 5000)), http.StatusRequestEntityTooLarge, "too-large")
}

func TestOnline(t *testing.T) {
	f := newFixture(t)
	want := func(want ...string) {
		t.Helper()
		for _, asked := range [][]string{{"?userId=anna"}, {"", userHeader, "anna"}, {"?userId=anna", userHeader, "berta"}} {
			a := f.send(http.MethodGet, "/internal/online"+asked[0], keyRead, "", asked[1:]...)
			if diff := cmp.Diff(onlineAnswer{append([]string{}, want...)}, decode[onlineAnswer](t, a.body)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", asked, diff)
			}
		}
	}
	want()
	for _, tt := range []struct{ path, device string }{
		{"/notifications/hub", "tv"}, {"/notifications/hub", "tv"}, {"/hub", "phone"}, {"/hub", ""}, {"/hubs/events", "other"},
	} {
		c := f.socket(tt.path, f.token(auth.Claims{Device: tt.device}))
		say(t, c, jsonShake)
		hear(t, c, "{}")
	}
	f.socket("/ws", f.token(auth.Claims{Device: "native"}))
	f.socket("/hub", f.token(auth.Claims{Device: "silent"})) // no handshake yet
	want("phone", "tv")
	f.disconnect("anna", "?device=tv", "", 2)
	for len(f.broker.ConnectionsOf("anna", "tv")) > 0 {
		f.send(http.MethodGet, "/healthz", "", "")
	}
	want("phone")
	f.wantProblem(f.send(http.MethodGet, "/internal/online", keyRead, ""), http.StatusBadRequest, "bad-request")
}

// FuzzNotification: what is accepted is JSON, for a usable user, with the payload as
// it was, and refers to none of the request's memory.
func FuzzNotification(f *testing.F) {
	for _, body := range []string{`{"userId":"anna"}`, `{"updateType":0,"payload":{"A":[1]},"revisionDate":"x"}`, `{"user\u0049d":"\u0061","targetDeviceIdentifier":"d","contextId":"c"}`, `{`} {
		f.Add([]byte(body), "berta")
	}
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		text := string(body)
		n, err := scanNotification(body)
		if err != nil {
			return
		}
		user, ev, err := n.event(header, time.Now())
		if err != nil {
			if p := asProblem(err); p.Status != http.StatusBadRequest || p.Detail == "" {
				t.Fatalf("%+v", p)
			}
			return
		}
		clear(body)
		if !json.Valid([]byte(text)) || !json.Valid(ev.Data) || !auth.Usable(user, auth.MaxUserBytes) || !auth.Usable(ev.Type, maxTypeBytes) {
			t.Fatalf("%s: %q %+v", text, user, ev)
		}
		if strings.ContainsRune(ev.Type+ev.Device+ev.ContextID, 0) {
			t.Fatalf("%+v refers to the request", ev)
		}
	})
}
