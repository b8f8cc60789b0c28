package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// eachForm runs a test with both forms of a batch, on a server of its own each.
func eachForm(t *testing.T, change func(*setup), run func(t *testing.T, f *fixture, send func(items ...string) []receipt)) {
	for _, lines := range []bool{false, true} {
		t.Run(fmt.Sprintf("lines=%t", lines), func(t *testing.T) {
			f := newFixture(t, change)
			run(t, f, func(items ...string) []receipt { return f.batch(lines, items...) })
		})
	}
}

// batch sends items and returns their results.
func (f *fixture) batch(lines bool, items ...string) []receipt {
	f.Helper()
	body, kind := "["+strings.Join(items, ",")+"]", "application/json"
	if lines {
		body, kind = strings.Join(items, "\n"), "application/x-ndjson"
	}
	a := f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, body, "Content-Type", kind)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != kind {
		f.Fatalf("batch: %d %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if !lines {
		return decode[[]receipt](f, a.body)
	}
	var results []receipt
	for line := range strings.Lines(a.body) {
		if err := spec().Component("BatchResult").Validate(decode[any](f, line)); err != nil {
			f.Errorf("result %s: %v", line, err)
		}
		results = append(results, decode[receipt](f, line))
	}
	return results
}

func TestBatchAnswersInOrder(t *testing.T) {
	many := func(s *setup) { s.MaxBatchItems = 100 }
	eachForm(t, many, func(t *testing.T, f *fixture, send func(...string) []receipt) {
		items := []struct{ item, problem string }{
			{`{"user":"anna","event":{"type":"a","data":{ "n":1 },"id":"one"}}`, ""},
			{`{"user":"anna","event":{"type":""}}`, "bad-request"},
			{`{"users":["anna","berta"],"event":{"type":"a","id":"two"}}`, ""},
			{`{"broadcast":true,"event":{"type":"a"}}`, ""},
			{`{"user":"anna"}`, "bad-request"},
			{`{"event":{"type":"a"}}`, "bad-request"},
			{`{"user":"anna","broadcast":true,"event":{"type":"a"}}`, "bad-request"},
			{`{"user":"anna","users":[],"event":{"type":"a"}}`, "bad-request"},
			{`{"channel":"news","event":{"type":"a"}}`, ""},
			{`{"channel":"no news","event":{"type":"a"}}`, "channel-name"},
			{`{"channel":7,"event":{"type":"a"}}`, "channel-name"},
			{`{"user":"anna","event":{"type":"a","data":2,"id":"one"}}`, "idempotency-conflict"},
			{`7`, "bad-request"},
			{`[]`, "bad-request"},
			{`null`, "bad-request"},
			{`{"user":7,"event":{"type":"a"}}`, "bad-request"},
			{`{"user":"","event":{"type":"a"}}`, "bad-request"},
			{`{"user":"a\nb","event":{"type":"a"}}`, "bad-request"},
			{`{"users":["anna",7],"event":{"type":"a"}}`, "bad-request"},
			{`{"users":"anna","event":{"type":"a"}}`, "bad-request"},
			{`{"users":["anna",""],"event":{"type":"a"}}`, "bad-request"},
			{`{"user":"anna","event":null}`, "bad-request"},
			{`{"user":"anna","event":[1]}`, "bad-request"},
			{`{"user":"anna","event":{"type":"a"},"event":7}`, "bad-request"},
			{`{"user":"anna","broadcast":"yes","event":{"type":"a"}}`, "bad-request"},
			{`{"user":"anna","event":{"type":"a"},"idempotencyKey":7}`, "bad-request"},
			{`{"user":"anna","event":{"type":"a"},"idempotencyKey":"a\nb"}`, "bad-request"},
			{`{"user":"anna","users":null,"channel":null,"broadcast":false,"idempotencyKey":null,"event":{"type":"a"}}`, ""},
			{`{"user":"x","user":"anna","x":[{}],"event":{"type":"x"},"event":{"type":"last"}}`, ""},
		}
		var all []string
		for _, it := range items {
			all = append(all, it.item)
		}
		results := send(all...)
		if len(results) != len(items) {
			t.Fatalf("%d results for %d items", len(results), len(items))
		}
		for i, r := range results {
			switch {
			case items[i].problem == "" && r.Error != nil:
				t.Errorf("%s: %+v", items[i].item, r.Error)
			case items[i].problem != "" && (r.Error == nil || r.Error.Type != "/problems/"+items[i].problem || r.Error.Detail == ""):
				t.Errorf("%s: %+v, want %s", items[i].item, r, items[i].problem)
			}
		}
		if r := results[0]; r.ID != "one" || r.Seq != 1 {
			t.Errorf("first result %+v", r)
		}
		if r := results[2]; r.ID != "two" || len(r.Receipts) != 2 || r.Receipts[0].Seq != 2 || r.Receipts[1].Seq != 1 || r.Receipts[0].ID != "two" || r.Receipts[1].ID != "two" {
			t.Errorf("result for two users %+v", r)
		}
		if r := results[3]; r.Users != 2 {
			t.Errorf("result of the broadcast %+v", r)
		}
		log := f.log("anna", "")
		var kinds []string
		for _, ev := range log.Events {
			kinds = append(kinds, ev.Type)
		}
		if want := []string{"a", "a", "a", "a", "last"}; !slices.Equal(kinds, want) {
			t.Errorf("anna's log has %v, want %v", kinds, want)
		}
		if got := string(log.Events[0].Data); got != `{ "n":1 }` {
			t.Errorf("data = %s", got)
		}
	})
}

func TestBatchKeys(t *testing.T) {
	eachForm(t, func(*setup) {}, func(t *testing.T, _ *fixture, send func(...string) []receipt) {
		item := func(user, data string) string {
			return `{` + user + `,"event":{"type":"a","data":` + data + `},"idempotencyKey":"k"}`
		}
		r := send(
			item(`"user":"anna"`, "1"), item(`"user":"anna"`, "1"), item(`"user":"anna"`, "2"),
			item(`"users":["anna","berta"]`, "1"), item(`"broadcast":true`, "1"), item(`"broadcast":true`, "1"),
		)
		switch {
		case r[0].Duplicate || r[0].Error != nil:
			t.Errorf("first %+v", r[0])
		case !r[1].Duplicate || r[1].ID != r[0].ID:
			t.Errorf("again %+v", r[1])
		case r[2].Error == nil || r[2].Error.Status != http.StatusUnprocessableEntity:
			t.Errorf("another content %+v", r[2])
		case !r[3].Receipts[0].Duplicate || r[3].Receipts[1].Duplicate:
			t.Errorf("for two users %+v", r[3])
		case r[4].Duplicate || !r[5].Duplicate:
			t.Errorf("broadcasts %+v %+v", r[4], r[5])
		}
	})
}

func TestBatchSendsAnEventOnceToAUserNamedTwice(t *testing.T) {
	eachForm(t, func(*setup) {}, func(t *testing.T, f *fixture, send func(...string) []receipt) {
		r := send(`{"users":["anna","berta","anna"],"event":{"type":"a"}}`)[0].Receipts
		if len(r) != 3 || r[0].Duplicate || !r[2].Duplicate || r[0].Cursor != r[2].Cursor || r[0].ID != r[1].ID {
			t.Errorf("receipts %+v", r)
		}
		if log := f.log("anna", ""); log.Head != 1 {
			t.Errorf("anna has %d events", log.Head)
		}
		if r := send(`{"users":[],"event":{"type":"a"}}`)[0]; r.Error != nil || r.ID == "" || len(r.Receipts) != 0 {
			t.Errorf("for nobody: %+v", r)
		}
	})
}

// FuzzBatch: whatever comes, an array has as many results as items and lines at
// most as many as there are, and the server does not fail.
func FuzzBatch(f *testing.F) {
	for _, s := range []string{
		`[{"user":"a","event":{"type":"t"}},7]`, `[{"users":["a","b"],"event":{"type":"t"},"idempotencyKey":"k"}]`, "[]", `[{"broadcast":true,"event":{"type":"t"}}`,
		"{\"user\":\"a\",\"event\":{\"type\":\"t\"}}\n\n{}\n[", `[{"event":{"type":"t"},"event":7,"user":null,"channel":"c"}]`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	fix := newFixture(f)
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/events:batch", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+keyPublish)
		if lines {
			r.Header.Set("Content-Type", "application/x-ndjson")
		}
		w := &recorder{sink: sink{header: http.Header{}}}
		fix.api.ServeHTTP(w, r)
		switch {
		case w.status >= 500:
			t.Fatalf("%d %s", w.status, w.body)
		case w.status == http.StatusOK && !lines:
			if items, results := decode[[]any](t, string(body)), decode[[]receipt](t, string(w.body)); len(items) != len(results) {
				t.Fatalf("%d results for %d items", len(results), len(items))
			}
		case w.status == http.StatusOK:
			if n := strings.Count(string(w.body), "\n"); n > strings.Count(string(body), "\n")+1 {
				t.Fatalf("%d results for %q", n, body)
			}
		}
	})
}

// recorder is a sink that keeps the body.
type recorder struct {
	sink
	body []byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}
