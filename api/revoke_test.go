package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

func (f *fixture) revoke(body string) revokedAnswer {
	f.Helper()
	a := f.send(http.MethodPost, "/api/v1/tokens:revoke", keyAdmin, body)
	if a.status != http.StatusOK {
		f.Fatalf("revoke: %d %s", a.status, a.body)
	}
	return decode[revokedAnswer](f, a.body)
}

// readAll reads a stream to its end.
func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// Whoever is connected by a revoked token is sent away, over every transport and dialect,
// and does not come back by it; others stay.
func TestRevokedTokensEndConnections(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{})
	ticket := decode[offer](t, f.send(http.MethodPost, "/events/negotiate", token, "").body).ConnectionToken
	socket, hub := f.socket("/ws?control=1", token), f.socket("/hubs/events", token)
	message(t, socket)
	say(t, hub, jsonShake)
	hear(t, hub, "{}")
	other := f.socket("/ws", f.token(auth.Claims{User: "berta"}))
	stream, err := f.client.Do(f.request(http.MethodGet, "/events", token, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	var poll sync.WaitGroup
	poll.Go(func() { f.send(http.MethodGet, "/events?wait=60", token, "") })
	for f.broker.Stats().Connections < 5 {
		f.send(http.MethodGet, "/healthz", "", "")
	}

	r := f.revoke(`{"user":"anna"}`)
	if r.User != "anna" || r.Disconnected != 4 || r.IssuedBefore == nil || r.Until < time.Now().UnixMilli() {
		t.Errorf("%+v", r)
	}
	f.publish("anna", `{"type":"secret"}`)
	if text, code, _ := lastWords(t, socket); !strings.Contains(text, `"reason":"revoked"`) || code == 1000 {
		t.Errorf("socket: %q %d", text, code)
	}
	if text, _, _ := lastWords(t, hub); !strings.Contains(text, `"type":7`) || strings.Contains(text, "allowReconnect") {
		t.Errorf("hub: %q", text)
	}
	if said := readAll(t, stream.Body); !strings.Contains(said, `"reason":"revoked"`) || strings.Contains(said, "secret") {
		t.Errorf("stream: %s", said)
	}
	poll.Wait()
	for _, path := range []string{"/events", "/events?wait=0", "/events?id=" + ticket} {
		f.wantProblem(f.send(http.MethodGet, path, token, ""), http.StatusUnauthorized, "token-revoked")
	}
	if a := f.change("subscribe", token, `{"channel":"c"}`); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.send(http.MethodPost, "/hubs/events/negotiate", token, ""); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.body)
	}
	f.publish("berta", `{"type":"a"}`)
	message(t, other)
	for _, want := range []string{`"by":"key:` + keyName(keyAdmin), "tokens revoked"} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}

func TestRevokeByTokenAndByTime(t *testing.T) {
	f := newFixture(t)
	old := time.Now().Add(-time.Hour)
	one, two := f.token(auth.Claims{ID: "one", IssuedAt: old, TTL: 3 * time.Hour}), f.token(auth.Claims{ID: "two", IssuedAt: old, TTL: 3 * time.Hour})
	fresh := f.token(auth.Claims{User: "berta"})
	status := func(token string) int { return f.send(http.MethodGet, "/events?wait=0", token, "").status }
	if r := f.revoke(`{"jti":"one"}`); r.TokenID != "one" || r.IssuedBefore != nil {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprint(status(one), status(two), status(fresh)); got != "401 200 200" {
		t.Error(got)
	}
	f.revoke(fmt.Sprintf(`{"issuedBefore":%d}`, old.Add(time.Minute).UnixMilli()))
	if got := fmt.Sprint(status(one), status(two), status(fresh)); got != "401 401 200" {
		t.Error(got)
	}
	for _, body := range []string{
		"", "7", "{}", `{"user":""}`, `{"user":7}`, `{"jti":""}`, `{"issuedBefore":"x"}`, `{"issuedBefore":0}`, `{"issuedBefore":-1}`, `{"issuedBefore":1e99}`,
		`{"user":"a","isuedBefore":1}`, `{"user":"a\u0000"}`, `{"user":null}`, `{"user":null,"issuedBefore":7}`, `{"jti":null,"issuedBefore":7}`,
	} {
		f.wantProblem(f.send(http.MethodPost, "/api/v1/tokens:revoke", keyAdmin, body), http.StatusBadRequest, "bad-request")
	}
}

func TestRevocationsAreBounded(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.auth.Revocations = auth.NewRevocations(2) })
	f.revoke(`{"user":"a"}`)
	f.revoke(`{"user":"b"}`)
	f.revoke(`{"user":"a"}`)
	f.wantProblem(f.send(http.MethodPost, "/api/v1/tokens:revoke", keyAdmin, `{"user":"c"}`), http.StatusServiceUnavailable, "too-many-revocations")
	f.api.ForgetRevocations(t.Context(), time.Now().Add(2*time.Hour))
	f.revoke(`{"user":"c"}`)
}

// A connection goes on with another token of the same client, and ends with that.
func TestRenewOverASocket(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/ws?control=1", f.token(auth.Claims{Device: "phone", ID: "first", TTL: time.Minute}))
	message(t, c)
	renew := func(token string) string {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"renew","ref":"r","token":"`+token+`"}`)); err != nil {
			t.Fatal(err)
		}
		return message(t, c)
	}
	const ok = `{"type":"hubline.reply","data":{"ref":"r","ok":true}}`
	for name, tt := range map[string]struct{ token, want string }{
		"another user":   {f.token(auth.Claims{User: "berta", Device: "phone"}), "somebody else's"},
		"another device": {f.token(auth.Claims{Device: "tv"}), "somebody else's"},
		"nonsense":       {"nonsense", "not accepted"},
		"nothing":        {"", "token is missing"},
	} {
		if got := renew(tt.token); !strings.Contains(got, `"ok":false`) || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := renew(f.token(auth.Claims{Device: "phone", ID: "second", TTL: time.Hour})); got != ok {
		t.Error(got)
	}
	// What the first token was is of no meaning any more.
	if r := f.revoke(`{"jti":"first"}`); r.Disconnected != 0 {
		t.Errorf("%+v", r)
	}
	f.publish("anna", `{"type":"a"}`)
	message(t, c)
	if r := f.revoke(`{"jti":"second"}`); r.Disconnected != 1 {
		t.Errorf("%+v", r)
	}
	lastWords(t, c)
}

func TestRenewAStream(t *testing.T) {
	f := newFixture(t)
	stream, err := f.client.Do(f.request(http.MethodGet, "/events", f.token(auth.Claims{TTL: time.Minute, ID: "first"}), ""))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	id := ""
	for buf := make([]byte, 4096); id == ""; {
		n, err := stream.Body.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if _, after, ok := strings.Cut(string(buf[:n]), `"connectionId":"`); ok {
			id, _, _ = strings.Cut(after, `"`)
		}
	}
	longer := f.token(auth.Claims{TTL: time.Hour, ID: "second"})
	renew := func(token, id string) answer {
		return f.send(http.MethodPost, "/events/renew", token, `{"connectionId":"`+id+`"}`)
	}
	f.wantProblem(renew(f.token(auth.Claims{User: "berta"}), id), http.StatusNotFound, "no-connection")
	f.wantProblem(renew(f.token(auth.Claims{Device: "tv"}), id), http.StatusForbidden, "renew")
	f.wantProblem(renew(longer, "nobody"), http.StatusNotFound, "no-connection")
	f.wantProblem(renew(longer, ""), http.StatusBadRequest, "bad-request")
	f.wantProblem(f.send(http.MethodPost, "/events/renew", longer, `7`), http.StatusBadRequest, "bad-request")
	a := renew(longer, id)
	if got := decode[renewedAnswer](t, a.body); !got.OK || got.Expires == nil || time.Until(time.UnixMilli(*got.Expires)) < 50*time.Minute {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r := f.revoke(`{"jti":"first"}`); r.Disconnected != 0 {
		t.Errorf("%+v", r)
	}
	if r := f.revoke(`{"jti":"second"}`); r.Disconnected != 1 {
		t.Errorf("%+v", r)
	}
	if said := readAll(t, stream.Body); !strings.Contains(said, `"reason":"revoked"`) {
		t.Error(said)
	}
}

func FuzzScanRevoke(f *testing.F) {
	for _, s := range []string{`{"user":"a"}`, `{"jti":"j","issuedBefore":7}`, `{"issuedBefore":1763596800000}`, `{"user":"\u0000"}`, `[`} {
		f.Add([]byte(s))
	}
	now := time.UnixMilli(1_763_596_800_123)
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := scanRevoke(b, now)
		if err == nil && v.User == "" && v.TokenID == "" && v.Before.IsZero() {
			t.Error("everybody's tokens, whenever issued")
		}
	})
}

// What a connection may join follows the token that it was renewed with.
func TestMembershipsFollowTheRenewedToken(t *testing.T) {
	f := newFixture(t)
	c := f.socket("/ws?control=1", f.token(auth.Claims{Channels: []string{"private-old"}, ID: "first"}))
	message(t, c)
	ask := func(text string) string {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		return message(t, c)
	}
	if got := ask(`{"type":"renew","ref":"1","token":"` + f.token(auth.Claims{Channels: []string{"private-new"}, ID: "second"}) + `"}`); got != `{"type":"hubline.reply","data":{"ref":"1","ok":true}}` {
		t.Fatal(got)
	}
	if got := ask(`{"type":"subscribe","ref":"2","channel":"private-old"}`); !strings.Contains(got, `"ok":false,"error":"Forbidden`) {
		t.Error(got)
	}
	if got := ask(`{"type":"subscribe","ref":"3","channel":"private-new"}`); !strings.Contains(got, `"ok":true`) {
		t.Error(got)
	}
}
