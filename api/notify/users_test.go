package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// batchServer answers batches: it takes so many users of so many bytes at once, and of
// each user says no as long as there is a status for it.
type batchServer struct {
	most, bytes int
	no          map[string][]int
	sent        [][]string
	logs        map[string]int
	ids         map[string]bool
}

func (b *batchServer) answer(r *http.Request, body string) (*http.Response, error) {
	var items []struct {
		Users []string
		Event struct{ ID string }
	}
	if err := json.Unmarshal([]byte(body), &items); err != nil || len(items) != 1 || r.URL.Path != "/base/api/v1/events:batch" {
		return nil, fmt.Errorf("%s %s: %w", r.URL.Path, body, err)
	}
	users, id := items[0].Users, items[0].Event.ID
	b.sent = append(b.sent, users)
	if b.ids == nil {
		b.ids, b.logs = map[string]bool{}, map[string]int{}
	}
	b.ids[id] = true
	if len(body) > b.bytes {
		return problemOf(413, "too-large")(r, body)
	}
	if len(users) > b.most {
		return reply(200, "application/json", `[{"error":{"type":"/problems/too-large","title":"t","status":413}}]`)(r, body)
	}
	var out []string
	for _, u := range users {
		if no := b.no[u]; len(no) > 0 {
			b.no[u] = no[1:]
			out = append(out, fmt.Sprintf(`{"error":{"type":"/problems/p","title":"t","status":%d}}`, no[0]))
			continue
		}
		b.logs[u]++
		out = append(out, fmt.Sprintf(`{"id":%q,"seq":1,"cursor":"e-1","durability":"disk","delivered":0,"duplicate":false}`, id))
	}
	return reply(200, "application/json", fmt.Sprintf(`[{"id":%q,"receipts":[%s]}]`, id, strings.Join(out, ",")))(r, body)
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("user-%04d", i))
	}
	return list
}

func TestManyUsersGoInFewRequests(t *testing.T) {
	tests := []struct {
		name     string
		cfg      Config
		server   batchServer
		users    int
		requests int
	}{
		{"nobody", Config{}, batchServer{}, 0, 0},
		{"one batch", Config{}, batchServer{most: 1000, bytes: 8 << 20}, 1000, 1},
		{"one more", Config{}, batchServer{most: 1000, bytes: 8 << 20}, 1001, 2},
		{"few bytes", Config{MaxBatchBytes: 1000}, batchServer{most: 1000, bytes: 1000}, 100, 7},
		// 1000, 500, 250 and 125 are too many; then 16 times 62, and 8.
		{"a server with less", Config{}, batchServer{most: 100, bytes: 8 << 20}, 1000, 4 + 17},
		{"a server with fewer bytes", Config{}, batchServer{most: 1000, bytes: 2000}, 1000, 3 + 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, f := newFake(t, tt.cfg, tt.server.answer)
				users := names(tt.users)
				began := time.Now()
				results, err := n.SendToUsers(t.Context(), users, Event{Type: "t"})
				if err != nil || len(results) != len(users) {
					t.Fatalf("%d results, error %v", len(results), err)
				}
				for i, r := range results {
					if r.User != users[i] || r.Err != nil || r.Receipt.Seq != 1 || !tt.server.ids[r.Receipt.ID] || tt.server.logs[r.User] != 1 {
						t.Fatalf("result %d: %+v", i, r)
					}
				}
				if tt.users > 0 && len(tt.server.ids) != 1 {
					t.Errorf("%d ids", len(tt.server.ids))
				}
				if f.requests() != tt.requests || time.Since(began) != 0 {
					t.Errorf("%d requests in %v, want %d at once", f.requests(), time.Since(began), tt.requests)
				}
			})
		})
	}
}

// Who cannot be served yet is tried again alone; who is refused is not, and the others
// have the event.
func TestUsersAreTriedAgainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &batchServer{most: 1000, bytes: 8 << 20, no: map[string][]int{"b": {503, 507}, "d": {422}}}
		n, f := newFake(t, Config{}, s.answer)
		results, err := n.SendToUsers(t.Context(), []string{"a", "b", "", "c", "d"}, Event{Type: "t", ID: "x"})
		if got := fmt.Sprint(s.sent); got != "[[a b c d] [b] [b]]" || f.requests() != 3 {
			t.Errorf("sent to %s", got)
		}
		isOnly(t, results[2].Err, ErrInvalid)
		isOnly(t, results[4].Err, ErrConflict)
		for _, i := range []int{0, 1, 3} {
			if r := results[i]; r.Err != nil || s.logs[r.User] != 1 || r.Receipt.ID != "x" {
				t.Errorf("%+v", r)
			}
		}
		// The first of the errors.
		isOnly(t, err, ErrInvalid)
		if !strings.HasPrefix(err.Error(), "2 of 5 users: ") {
			t.Errorf("err = %v", err)
		}
	})
}

// An event that is too large is found out by halving, not user by user.
func TestALargeEventIsFoundOutQuickly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &batchServer{most: 0, bytes: 8 << 20}
		n, f := newFake(t, Config{}, s.answer)
		results, err := n.SendToUsers(t.Context(), names(5000), Event{Type: "t"})
		isOnly(t, err, ErrTooLarge)
		for _, r := range results {
			if !errors.Is(r.Err, ErrTooLarge) {
				t.Fatalf("%+v", r)
			}
		}
		if f.requests() != 10 {
			t.Errorf("%d requests", f.requests())
		}
	})
}

// When the server is away for good the call ends with the request in which that was
// found out, and says who was not tried.
func TestTheRestIsNotTriedInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &batchServer{most: 1000, bytes: 8 << 20}
		n, f := newFake(t, Config{MaxBatchItems: 10, MaxAttempts: 3}, s.answer, fails(errReset))
		results, err := n.SendToUsers(t.Context(), names(30), Event{Type: "t"})
		isOnly(t, err, ErrUnavailable)
		if f.requests() != 4 {
			t.Errorf("%d requests", f.requests())
		}
		for i, r := range results {
			e, failed := errors.AsType[*Error](r.Err)
			switch {
			case i < 10 && failed, i >= 10 && !failed:
				t.Fatalf("result %d: %+v", i, r)
			case i >= 10 && i < 20 && (e.Attempts != 3 || !e.Uncertain), i >= 20 && (e.Attempts != 0 || e.Uncertain):
				t.Fatalf("result %d: %+v", i, e)
			}
		}
	})
}

// Tries that bring somebody through do not count against the others.
func TestProgressBeginsTheTriesAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &batchServer{most: 1000, bytes: 8 << 20, no: map[string][]int{}}
		users := names(12)
		for i, u := range users { // the i-th gets through at the i-th try
			for range i {
				s.no[u] = append(s.no[u], 503)
			}
		}
		n, f := newFake(t, Config{MaxAttempts: 2}, s.answer)
		if _, err := n.SendToUsers(t.Context(), users, Event{Type: "t"}); err != nil {
			t.Error(err)
		}
		if f.requests() != 12 {
			t.Errorf("%d requests", f.requests())
		}
	})
}
