package api

import (
	"net/http"
	"strings"
	"testing"

	"hubline/api/auth"
)

// backendToken is a token that may publish.
func backendToken(f *fixture) string {
	return f.token(auth.Claims{User: "backend", Scopes: auth.ScopePublish})
}

func TestPublishIsAnsweredByAReceipt(t *testing.T) {
	f := newFixture(t)
	first := f.publish("anna", `{"type":"a","data":1}`)
	if first.Seq != 1 || first.Delivered != 0 || first.Duplicate || first.Durability != "memory" || len(first.ID) != 36 || !strings.HasSuffix(first.Cursor, "-1") {
		t.Errorf("receipt = %+v", first)
	}
	second := f.publish("anna", `{"type":"a","id":"mine"}`)
	if second.Seq != 2 || second.ID != "mine" {
		t.Errorf("receipt = %+v", second)
	}
	if other := f.publish("berta", `{"type":"a"}`); other.Seq != 1 {
		t.Errorf("receipt of another user = %+v", other)
	}
	if got, want := f.metric("hubline_events_published_total"), "3"; got != want {
		t.Errorf("published = %s, want %s", got, want)
	}
}

func TestIdempotency(t *testing.T) {
	f := newFixture(t)
	const path = "/api/v1/users/anna/events"
	post := func(body string, header ...string) answer {
		return f.send(http.MethodPost, path, keyPublish, body, header...)
	}

	t.Run("key", func(t *testing.T) {
		first := decode[receipt](t, post(`{"type":"a"}`, "Idempotency-Key", "k1").body)
		again := post(`{"type":"a"}`, "Idempotency-Key", "k1")
		got := decode[receipt](t, again.body)
		if again.status != http.StatusCreated || !got.Duplicate || got.ID != first.ID || got.Cursor != first.Cursor || first.Duplicate {
			t.Errorf("first %+v, again %d %+v", first, again.status, got)
		}
		f.wantProblem(post(`{"type":"b"}`, "Idempotency-Key", "k1"), http.StatusUnprocessableEntity, "idempotency-conflict")
		// Byte for byte: another spelling of the same is another body.
		f.wantProblem(post(`{"type": "a"}`, "Idempotency-Key", "k1"), http.StatusUnprocessableEntity, "idempotency-conflict")
		// Another user's keys are others.
		other := f.send(http.MethodPost, "/api/v1/users/berta/events", keyPublish, `{"type":"b"}`, "Idempotency-Key", "k1")
		if other.status != http.StatusCreated || decode[receipt](t, other.body).Duplicate {
			t.Errorf("another user: %+v", other)
		}
	})
	t.Run("id", func(t *testing.T) {
		first := decode[receipt](t, post(`{"type":"a","id":"i1","data":{"n":1}}`).body)
		got := decode[receipt](t, post(`{"id":"i1","type":"a","data":{"n":1}}`).body)
		if !got.Duplicate || got.Seq != first.Seq {
			t.Errorf("first %+v, again %+v", first, got)
		}
		f.wantProblem(post(`{"type":"a","id":"i1","data":{"n":2}}`), http.StatusUnprocessableEntity, "idempotency-conflict")
	})
	t.Run("keys that are none", func(t *testing.T) {
		for _, key := range []string{strings.Repeat("k", 257), "a\tb", "\uFFFD", "a\xffb"} {
			f.wantProblem(post(`{"type":"a"}`, "Idempotency-Key", key), http.StatusBadRequest, "bad-request")
		}
		a := post(`{"type":"a"}`, "Idempotency-Key", strings.Repeat("k", 256))
		if a.status != http.StatusCreated {
			t.Errorf("longest key: %d %s", a.status, a.body)
		}
		// An empty key is none.
		one, two := post(`{"type":"a"}`, "Idempotency-Key", ""), post(`{"type":"a"}`, "Idempotency-Key", "")
		if decode[receipt](t, one.body).Seq == decode[receipt](t, two.body).Seq {
			t.Error("an empty key was remembered")
		}
	})
	t.Run("broadcast", func(t *testing.T) {
		send := func(body string) answer {
			return f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, body, "Idempotency-Key", "k1")
		}
		first, again := decode[receipt](t, send(`{"type":"a"}`).body), decode[receipt](t, send(`{"type":"a"}`).body)
		if first.Users != 2 || !again.Duplicate || again.ID != first.ID || again.Users != first.Users {
			t.Errorf("first %+v, again %+v", first, again)
		}
		f.wantProblem(send(`{"type":"b"}`), http.StatusUnprocessableEntity, "idempotency-conflict")
	})
}

func TestBroadcast(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"a"}`)
	f.publish("berta", `{"type":"a"}`)
	f.publish("berta", `{"type":"a"}`)
	a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"all","data":"x"}`)
	r := decode[receipt](t, a.body)
	if a.status != http.StatusCreated || r.Users != 2 || r.Delivered != 0 || r.Duplicate {
		t.Errorf("broadcast: %d %+v", a.status, r)
	}
	for user, seq := range map[string]uint64{"anna": 2, "berta": 3, "carla": 0} {
		log := f.log(user, "")
		if log.Head != seq {
			t.Errorf("%s: head = %d, want %d", user, log.Head, seq)
		}
		if n := len(log.Events); seq > 0 && (log.Events[n-1].ID != r.ID || string(log.Events[n-1].Data) != `"x"`) {
			t.Errorf("%s: last event %+v", user, log.Events[n-1])
		}
	}
}

func TestBodyBounds(t *testing.T) {
	f := newFixture(t)
	limit := int(f.api.cfg.MaxPublishBytes)
	of := func(n int) string {
		const around = `{"type":"a","data":""}`
		return `{"type":"a","data":"` + strings.Repeat("x", n-len(around)) + `"}`
	}
	for _, path := range []string{"/api/v1/users/anna/events", "/api/v1/broadcasts"} {
		for _, chunked := range []bool{false, true} {
			send := func(body string) answer {
				req := f.request(http.MethodPost, path, keyPublish, body)
				if chunked {
					req.ContentLength = -1
				}
				return f.do(req)
			}
			if a := send(of(limit)); a.status != http.StatusCreated {
				t.Errorf("%s, chunked %v: a body at the limit: %d %s", path, chunked, a.status, a.body)
			}
			f.wantProblem(send(of(limit+1)), http.StatusRequestEntityTooLarge, "too-large")
			f.wantProblem(send(of(limit+300_000)), http.StatusRequestEntityTooLarge, "too-large")
			if a := send(of(100)); a.status != http.StatusCreated {
				t.Errorf("afterwards: %d", a.status)
			}
		}
	}
	f.wantProblem(f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, ""), http.StatusBadRequest, "bad-request")
}

// TestPooledBodiesAreNotShared publishes with bodies of all lengths, one after
// the other through the same buffers, and reads everything back.
func TestPooledBodiesAreNotShared(t *testing.T) {
	f := newFixture(t)
	for i := range 200 {
		body := `{"type":"t` + strings.Repeat(string(rune('a'+i%26)), i%50) + `","data":"` + strings.Repeat(string(rune('A'+i%26)), i*7) + `","id":"i` + strings.Repeat("z", i%9) + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `"}`
		f.bulk().publish("anna", body)
	}
	log := f.log("anna", "?limit=1000")
	if len(log.Events) != 200 {
		t.Fatalf("%d events", len(log.Events))
	}
	for i, ev := range log.Events {
		if want := `"` + strings.Repeat(string(rune('A'+i%26)), i*7) + `"`; string(ev.Data) != want {
			t.Errorf("data %d = %.40s…, want %.40s…", i, ev.Data, want)
		}
		if want := "t" + strings.Repeat(string(rune('a'+i%26)), i%50); ev.Type != want {
			t.Errorf("type %d = %s, want %s", i, ev.Type, want)
		}
	}
}
