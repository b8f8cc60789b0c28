package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// batchResult is the result of one item.
type batchResult struct {
	harness.Receipt

	Receipts []harness.Receipt `json:"receipts"`
	Error    *struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	} `json:"error"`
}

// postBatch sends items as an array or as lines and returns their results.
func postBatch(t *testing.T, s *harness.Server, lines bool, items ...string) []batchResult {
	t.Helper()
	body, kind := "["+strings.Join(items, ",")+"]", "application/json"
	if lines {
		body, kind = strings.Join(items, "\n"), "application/x-ndjson"
	}
	a := s.Do(http.MethodPost, "/api/v1/events:batch", s.APIKey, body, "Content-Type", kind)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != kind {
		t.Fatalf("batch: %d %s %.300s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	var results []batchResult
	if !lines {
		a.JSON(t, &results)
		return results
	}
	for line := range bytes.Lines(a.Body) {
		var r batchResult
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("result %s: %v", line, err)
		}
		results = append(results, r)
	}
	return results
}

func TestABatchAnswersEachItemInOrder(t *testing.T) {
	t.Parallel()
	for _, lines := range []bool{false, true} {
		t.Run(fmt.Sprintf("lines=%t", lines), func(t *testing.T) {
			s := harness.Start(t)
			live := connect(t, s, "ws", client.Options{Token: s.Token("alice")})
			results := postBatch(t, s, lines,
				`{"user":"alice","event":{"type":"t","data":{ "n":1 },"id":"one"}}`,
				`{"user":"alice","event":{"type":""}}`,
				`{"users":["alice","bob"],"event":{"type":"t","data":2,"id":"two"}}`,
				`{"broadcast":true,"event":{"type":"t","data":3}}`,
				`{"user":"alice"}`,
				`{"event":{"type":"t"}}`,
				`{"user":"alice","users":["bob"],"event":{"type":"t"}}`,
				`{"user":"alice","event":{"type":"t","data":4,"id":"one"},"idempotencyKey":"k"}`,
				`7`,
				`{"user":"a\nb","event":{"type":"t"}}`,
				`{"user":"alice","event":{"type":"last"}}`,
			)
			if len(results) != 11 {
				t.Fatalf("%d results for 11 items", len(results))
			}
			for i, r := range results {
				bad := i == 1 || 4 <= i && i <= 9
				if (r.Error != nil) != bad {
					t.Errorf("item %d: %+v", i, r)
				}
				if r.Error != nil && (r.Error.Status < 400 || r.Error.Title == "" || r.Error.Detail == "" || r.Error.Type == "") {
					t.Errorf("item %d: error %+v", i, r.Error)
				}
			}
			if r := results[0]; r.ID != "one" || r.Seq != 1 || r.Delivered != 1 {
				t.Errorf("first result %+v", r)
			}
			if r := results[2].Receipts; len(r) != 2 || r[0].Seq != 2 || r[1].Seq != 1 || r[0].ID != "two" || r[1].ID != "two" {
				t.Errorf("result for two users %+v", r)
			}
			if m := live.want(client.Event); string(m.Data) != `{ "n":1 }` {
				t.Errorf("data = %s", m.Data)
			}
			live.wantSeqs(2, 4)
		})
	}
}

func TestABatchIsBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-batch-items", "3", "--max-publish-bytes", "1KiB", "--max-batch-bytes", "8KiB")
	item := `{"user":"alice","event":{"type":"t"}}`
	post := func(kind, body string) *harness.Answer {
		return s.Do(http.MethodPost, "/api/v1/events:batch", s.APIKey, body, "Content-Type", kind)
	}
	if r := postBatch(t, s, false, item, item, item); len(r) != 3 || r[2].Seq != 3 {
		t.Errorf("three items: %+v", r)
	}
	a := post("application/json", "["+strings.Repeat(item+",", 3)+item+"]")
	wantProblem(t, a.Status, a.Header, a.Body, http.StatusRequestEntityTooLarge, "too-large")
	a = post("application/json", "["+strings.Repeat(" ", 9<<10)+"]")
	wantProblem(t, a.Status, a.Header, a.Body, http.StatusRequestEntityTooLarge, "too-large")
	for _, body := range []string{"", "{", "[", "[1", `{"user":"alice"}`, "[" + item + ",]", "[" + item + "] x", "\xff"} {
		a := post("application/json", body)
		wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")
	}
	// One event that is too large fails alone.
	big := `{"user":"alice","event":{"type":"t","data":"` + strings.Repeat("x", 1100) + `"}}`
	for _, lines := range []bool{false, true} {
		r := postBatch(t, s, lines, item, big, item)
		if len(r) != 3 || r[0].Error != nil || r[1].Error == nil || r[1].Error.Status != http.StatusRequestEntityTooLarge || r[2].Error != nil {
			t.Errorf("lines=%t: %+v", lines, r)
		}
	}
	// Lines that were read before the limit count.
	r := postBatch(t, s, true, item, "", item, item, item, item)
	if len(r) != 4 || r[2].Error != nil || r[3].Error == nil {
		t.Errorf("five lines of at most three: %+v", r)
	}
}
