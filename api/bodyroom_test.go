package api

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/api/auth"
)

// The bodies of all requests share their room: the one that does not fit any more is
// refused, and when the others have been answered there is room again.
func TestBodiesShareTheirRoom(t *testing.T) {
	synctest.Test(t, testBodiesShareTheirRoom)
}

func testBodiesShareTheirRoom(t *testing.T) {
	const body = `{"type":"a"}`
	f := newFixture(t, inMemory, func(s *setup) { s.MaxBodies = 100 + int64(len(body)) })
	slow := f.dialRaw() // holds a hundred bytes, and goes on
	slow.say("POST /api/v1/users/u/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 112\r\n\r\n%s", keyPublish, body+strings.Repeat(" ", 100-len(body)))
	synctest.Wait()
	if got := f.metric("hubline_inflight_bytes"); got != "100" {
		t.Fatalf("%s bytes are held", got)
	}
	if a := f.send(http.MethodPost, "/api/v1/users/u/events", keyPublish, body); a.status != http.StatusCreated {
		t.Errorf("at the limit: %+v", a)
	}
	a := f.send(http.MethodPost, "/api/v1/users/u/events", keyPublish, body+" ")
	f.wantProblem(a, http.StatusServiceUnavailable, "too-much-at-once")
	if a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
	}
	f.wantProblem(f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, "[]"+strings.Repeat(" ", 20)), http.StatusServiceUnavailable, "too-much-at-once")
	token := f.token(auth.Claims{})
	id := f.negotiateHub(token)
	if a := f.send(http.MethodPost, "/hubs/events?id="+id, token, strings.Repeat(" ", 20), "Content-Type", "text/plain"); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a hub: %+v", a)
	}
	if got := f.metric("hubline_inflight_rejected_total"); got != "3" {
		t.Errorf("%s counted", got)
	}
	slow.say("%s", strings.Repeat(" ", 12))
	if a := slow.hear(); a.status != http.StatusCreated {
		t.Errorf("the slow one: %+v", a)
	}
	if a := f.send(http.MethodPost, "/api/v1/users/u/events", keyPublish, body+strings.Repeat(" ", 100)); a.status != http.StatusCreated {
		t.Errorf("when it has been answered: %+v", a)
	}
	synctest.Wait()
	if got := f.metric("hubline_inflight_bytes"); got != "0" {
		t.Errorf("%s bytes are held at the end", got)
	}
}

// negotiateHub returns the token of a connection of the events hub.
func (f *fixture) negotiateHub(token string) string {
	return decode[offer](f, f.send(http.MethodPost, "/hubs/events/negotiate?negotiateVersion=1", token, "").body).ConnectionToken
}
