package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"hubline/broker"
)

func TestBatchBounds(t *testing.T) {
	const item = `{"user":"anna","event":{"type":"a"}}`
	users := func(n int) string {
		return `{"users":[` + strings.Repeat(`"u",`, n-1) + `"u"],"event":{"type":"a"}}`
	}
	tooLarge := func(r receipt) bool {
		return r.Error != nil && r.Error.Type == "/problems/too-large" && r.Error.Status == 413
	}
	eight := slices.Repeat([]string{item}, 8)

	eachForm(t, func(*setup) {}, func(t *testing.T, _ *fixture, send func(...string) []receipt) {
		if r := send(eight...); len(r) != 8 || r[7].Error != nil {
			t.Errorf("at the bound: %+v", r)
		}
		if r := send(users(8)); r[0].Error != nil || len(r[0].Receipts) != 8 {
			t.Errorf("users at the bound: %+v", r)
		}
		if r := send(users(9)); !tooLarge(r[0]) {
			t.Errorf("too many users: %+v", r)
		}
	})
	f := newFixture(t)
	t.Run("array", func(t *testing.T) {
		f.wantProblem(f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, "["+strings.Join(append(eight, item), ",")+"]"), 413, "too-large")
		if log := f.log("anna", ""); log.Head != 0 {
			t.Errorf("%d events of a batch that was refused", log.Head)
		}
		// What does not fit any more is refused, and all that follows, so that
		// the order holds when it is sent again.
		if r := f.batch(false, users(6), users(3), item); len(r) != 3 || r[0].Error != nil || !tooLarge(r[1]) || !tooLarge(r[2]) {
			t.Errorf("results %+v", r)
		}
	})
	t.Run("lines", func(t *testing.T) {
		if r := f.batch(true, append([]string{"", " \t"}, append(eight, "", item, item)...)...); len(r) != 9 || r[7].Error != nil || !tooLarge(r[8]) {
			t.Errorf("results %+v", r)
		}
		if r := f.batch(true, users(6), users(3), item); len(r) != 2 || r[0].Error != nil || !tooLarge(r[1]) {
			t.Errorf("results %+v", r)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		limit := int(f.api.cfg.MaxBatchBytes)
		pad := func(n int) string { return strings.Repeat(" ", n-len(item)-2) }
		if a := f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, "["+item+pad(limit)+"]"); a.status != http.StatusOK {
			t.Errorf("at the bound: %d %s", a.status, a.body)
		}
		f.wantProblem(f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, "["+item+pad(limit+1)+"]"), 413, "too-large")
		for _, lines := range []bool{false, true} {
			event := func(n int) string {
				const around = `{"type":"a","data":""}`
				return `{"user":"anna","event":{"type":"a","data":"` + strings.Repeat("x", n-len(around)) + `"}}`
			}
			most := int(f.api.cfg.MaxPublishBytes)
			if r := f.batch(lines, event(most), event(most+1), item); r[0].Error != nil || !tooLarge(r[1]) || r[2].Error != nil {
				t.Errorf("lines=%t: %+v", lines, r)
			}
		}
	})
}

func TestBatchThatIsNoBatch(t *testing.T) {
	f := newFixture(t)
	const item = `{"user":"anna","event":{"type":"a"}}`
	for body, want := range map[string]string{
		"": "ends too early", " ": "ends too early", "{}": "must be a JSON array", "null": "must be a JSON array", item: "must be a JSON array",
		"[": "ends too early at byte 1", "[" + item: "ends too early", "[" + item + ",]": "no value at byte 38", "[" + item + "] x": "something follows", "[" + item + item + "]": "neither a comma",
		"[" + item + `,{"user"}]`: "no colon", "[" + item + ",\"\xff\"]": "no valid UTF-8",
		"[" + strings.Repeat("[", maxArrayDepth) + strings.Repeat("]", maxArrayDepth) + "]": "nested too deeply",
	} {
		a := f.send(http.MethodPost, "/api/v1/events:batch", keyPublish, body)
		f.wantProblem(a, http.StatusBadRequest, "bad-request")
		if !strings.Contains(a.body, want) {
			t.Errorf("%.40s: %s, want %q", body, a.body, want)
		}
	}
	if log := f.log("anna", ""); log.Head != 0 {
		t.Errorf("%d events were published", log.Head)
	}
	if r := f.batch(false); len(r) != 0 {
		t.Errorf("an empty batch: %+v", r)
	}
	// A broken line fails alone.
	r := f.batch(true, item, `{"user":"anna","event":`, `{"user":"anna","event":{"type":"a","data":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}}`, "\xff", item+" "+item, item)
	for i, bad := range []bool{false, true, true, true, true, false} {
		if (r[i].Error != nil) != bad {
			t.Errorf("line %d: %+v", i, r[i])
		}
	}
	// An event may be nested as deep in a batch as alone.
	deep := `{"user":"anna","event":{"type":"a","data":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}}`
	for _, lines := range []bool{false, true} {
		if r := f.batch(lines, deep); r[0].Error != nil {
			t.Errorf("lines=%t: %+v", lines, r[0].Error)
		}
	}
}

func TestBatchWhileTheServerStops(t *testing.T) {
	f := newFixture(t)
	f.broker.Drain()
	for _, lines := range []bool{false, true} {
		r := f.batch(lines, `{"user":"anna","event":{"type":"a"}}`, `{"users":["a","b"],"event":{"type":"a"}}`)
		if r[0].Error == nil || r[0].Error.Type != "/problems/stopping" || r[1].Receipts[1].Error == nil {
			t.Errorf("lines=%t: %+v", lines, r)
		}
	}
	if got := f.metric(`hubline_api_problems_total{type="stopping"}`); got != "6" {
		t.Errorf("%s problems counted", got)
	}
	if p := asProblem(broker.ErrDraining); p.retryAfter == 0 {
		t.Error("no time to come back")
	}
}
