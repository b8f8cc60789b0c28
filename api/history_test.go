package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
	"hubline/replay"
)

func TestReadingALog(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.replay.MaxEvents = 6 })
	for i := range 8 {
		f.publish("anna", fmt.Sprintf(`{"type":"t%d","data":{ "n":%d }}`, i%2, i+1))
	}
	whole := f.log("anna", "")
	at := func(seq int) string { return fmt.Sprintf("%s-%d", whole.Epoch, seq) }
	if whole.Head != 8 || whole.Oldest != 3 || whole.Cursor != at(8) || whole.Gap != nil {
		t.Errorf("log = %+v", whole)
	}
	if ev := whole.Events[0]; ev.Seq != 3 || ev.Cursor != at(3) || ev.Type != "t0" || string(ev.Data) != `{ "n":3 }` || ev.TS == 0 || ev.ID == "" {
		t.Errorf("first event = %+v", ev)
	}
	for _, tt := range []struct {
		query  string
		seqs   []uint64
		cursor int
		gap    string
	}{
		{"", []uint64{3, 4, 5, 6, 7, 8}, 8, ""},
		{"?since=0", []uint64{3, 4, 5, 6, 7, 8}, 8, ""},
		{"?since=latest", nil, 8, ""},
		{"?since=8", nil, 8, ""},
		{"?since=7", []uint64{8}, 8, ""},
		{"?since=" + at(7), []uint64{8}, 8, ""},
		{"?since=2", []uint64{3, 4, 5, 6, 7, 8}, 8, ""},
		{"?since=1", []uint64{3, 4, 5, 6, 7, 8}, 8, "2-2 limit"},
		{"?since=" + at(0), []uint64{3, 4, 5, 6, 7, 8}, 8, "1-2 limit"},
		{"?since=9", nil, 8, "9-9 ahead"},
		{"?since=zzzz-5", []uint64{3, 4, 5, 6, 7, 8}, 8, "0-2 epoch"},
		{"?limit=2", []uint64{3, 4}, 4, ""},
		{"?limit=6", []uint64{3, 4, 5, 6, 7, 8}, 8, ""},
		{"?limit=99999", []uint64{3, 4, 5, 6, 7, 8}, 8, ""},
		{"?since=1&limit=1", []uint64{3}, 3, "2-2 limit"},
		{"?types=t1", []uint64{4, 6, 8}, 8, ""},
		{"?types=t0", []uint64{3, 5, 7}, 8, ""},
		{"?types=t0&limit=1", []uint64{3}, 3, ""},
		{"?types=t0&limit=1&since=3", []uint64{5}, 5, ""},
		{"?types=t0&since=7", nil, 8, ""}, // what is not wanted is passed
		{"?types=none", nil, 8, ""},
		{"?types=none,t1&since=6", []uint64{8}, 8, ""},
		{"?Since=7&LIMIT=1", []uint64{8}, 8, ""},
	} {
		got := f.log("anna", tt.query)
		gap := ""
		if got.Gap != nil {
			gap = fmt.Sprintf("%d-%d %s", got.Gap.From, got.Gap.To, got.Gap.Reason)
		}
		if diff := cmp.Diff(tt.seqs, got.seqs()); diff != "" || got.Cursor != at(tt.cursor) || gap != tt.gap || got.Events == nil {
			t.Errorf("%s: cursor %s, gap %q, want %s and %q; seqs (-want +got):\n%s", tt.query, got.Cursor, gap, at(tt.cursor), tt.gap, diff)
		}
	}
	for query, slug := range map[string]string{
		"?since=x-y": "cursor", "?since=-1": "cursor", "?since=01": "cursor", "?since=device": "cursor", "?since=%zz": "bad-request", "?since=1;limit=1": "bad-request",
		"?limit=0": "bad-request", "?limit=-1": "bad-request", "?limit=x": "bad-request", "?limit=1.5": "bad-request",
		"?types=,": "bad-request", "?types=a%00": "bad-request", "?types=" + strings.Repeat("a", 129): "bad-request",
		"?types=" + strings.Repeat("a,", 64) + "a": "bad-request",
	} {
		f.wantProblem(f.send(http.MethodGet, "/api/v1/users/anna/events"+query, keyRead, ""), http.StatusBadRequest, slug)
	}
	if a := f.send(http.MethodGet, "/api/v1/users/anna/events?types="+strings.Repeat("a,", 63)+"a", keyRead, ""); a.status != http.StatusOK {
		t.Errorf("64 types: %d", a.status)
	}
	never := f.log("nobody", "")
	if never.Head != 0 || never.Oldest != 1 || never.Events == nil || never.Cursor != never.Epoch+"-0" || never.Gap != nil {
		t.Errorf("a user never heard of: %+v", never)
	}
	if a := f.send(http.MethodHead, "/api/v1/users/anna/events", keyRead, ""); a.status != http.StatusOK || a.body != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("HEAD: %+v", a)
	}
}

// TestPagesOfALogMeetEveryEventAndGap walks a log with holes page by page, with
// every limit, and sums up what it was told.
func TestPagesOfALogMeetEveryEventAndGap(t *testing.T) {
	now := time.Now()
	f := newFixture(t, func(s *setup) { s.replay.Now = func() time.Time { return now } })
	var want []uint64
	for i := range 40 {
		if i%5 == 2 || i%11 == 0 {
			f.publish("anna", `{"type":"gone","ttlSeconds":1}`)
			continue
		}
		want = append(want, f.publish("anna", `{"type":"kept"}`).Seq)
	}
	now = now.Add(10 * time.Second) // the events' own times are the real ones, a moment ago
	first := f.log("anna", "?limit=1")
	for limit := 1; limit <= 9; limit++ {
		for _, types := range []string{"", "&types=kept", "&types=gone"} {
			var got []uint64
			lost := map[uint64]bool{}
			cursor := first.Epoch + "-0"
			for {
				page := f.bulk().log("anna", fmt.Sprintf("?since=%s&limit=%d%s", cursor, limit, types))
				if len(page.Events) > limit {
					t.Fatalf("%d events, limit %d", len(page.Events), limit)
				}
				if g := page.Gap; g != nil {
					for seq := g.From; seq <= g.To; seq++ {
						if g.Reason != string(replay.Expired) || lost[seq] {
							t.Fatalf("gap %+v", *g)
						}
						lost[seq] = true
					}
				}
				got = append(got, page.seqs()...)
				if page.Cursor == cursor {
					break
				}
				cursor = page.Cursor
			}
			wanted := want
			if types == "&types=gone" {
				wanted = nil
			}
			if !slices.Equal(got, wanted) || len(lost) != 40-len(want) {
				t.Errorf("limit %d%s: got %v and %d lost, want %v and %d", limit, types, got, len(lost), wanted, 40-len(want))
			}
		}
	}
}

func TestALogIsAnsweredInBoundedPieces(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.MaxPublishBytes, s.replay.MaxBytes = 300<<10, 8<<20 })
	for range 10 {
		f.publish("anna", `{"type":"a","data":"`+strings.Repeat("x", 290<<10)+`"}`)
	}
	var n int
	for cursor, pages := "0", 0; ; pages++ {
		a := f.send(http.MethodGet, "/api/v1/users/anna/events?since="+cursor, keyRead, "")
		if len(a.body) > historyBytes+300<<10 {
			t.Fatalf("an answer of %d bytes", len(a.body))
		}
		page := decode[events](t, a.body)
		if n += len(page.Events); len(page.Events) == 0 {
			break
		}
		cursor = page.Cursor
		if pages > 10 {
			t.Fatal("it does not end")
		}
	}
	if n != 10 {
		t.Errorf("%d events", n)
	}
}

// TestReadingALogWhileItIsEvicted: the answer then ends in the old epoch.
func TestReadingALogInItsNextLife(t *testing.T) {
	store := replay.NewStore(replay.Config{MaxUsers: 1, MaxWatermarks: 1})
	event := func() *replay.Event { return &replay.Event{ID: "i", Type: "t", Time: time.Now().UnixMilli()} }
	store.Append("anna", event())
	h := history{since: replay.Since{Kind: replay.SinceAll}, limit: 10}
	h.read(store, "anna")
	if h.n != 1 || h.pos != 1 {
		t.Fatalf("history %+v", h)
	}
	// Others push the log out, and then what is remembered of it.
	for i := range 4 {
		store.Append(fmt.Sprint("user", i), event())
	}
	store.Append("anna", event())
	next := history{since: replay.Since{Kind: replay.SinceCursor, Cursor: replay.Cursor{Epoch: h.state.Epoch, Seq: h.pos}}, limit: 10}
	next.read(store, "anna")
	if next.gap == nil || next.gap.Reason != replay.EpochChanged || next.n != 1 {
		t.Errorf("history %+v, gap %+v", next, next.gap)
	}
}

func TestAClientReadsWhatTheBackendReads(t *testing.T) {
	f := newFixture(t)
	f.publish("anna", `{"type":"a","data":{ "n":1 },"id":"i\"1"}`)
	log := f.send(http.MethodGet, "/api/v1/users/anna/events", keyRead, "")
	poll := f.send(http.MethodGet, "/events?wait=0&since=0", f.token(auth.Claims{}), "")
	cut := func(s string) string { _, s, _ = strings.Cut(s, `"events":`); return s }
	if cut(log.body) != cut(poll.body) {
		t.Errorf("backend: %s\nclient:  %s", log.body, poll.body)
	}
}
