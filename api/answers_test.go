package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// receipt is every form of receipt in one.
type receipt struct {
	ID         string
	Seq        uint64
	Cursor     string
	Users      int
	Members    int
	Failed     int
	Durability string
	Delivered  int
	Duplicate  bool
	Receipts   []receipt
	Error      *Problem
}

// envelope is an event as clients and readers see it.
type envelope struct {
	ID       string
	Seq      uint64
	Cursor   string
	Type     string
	TS       int64
	Channel  string
	Replayed bool
	Data     json.RawMessage
}

// events is the answer to a poll, and to a look into a log.
type events struct {
	Epoch        string
	Head, Oldest uint64
	Events       []envelope
	Cursor       string
	Gap          *struct {
		From, To uint64
		Reason   string
	}
}

// seqs are the events' numbers.
func (e events) seqs() []uint64 {
	var all []uint64
	for _, ev := range e.Events {
		all = append(all, ev.Seq)
	}
	return all
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// wantProblem checks that an answer is a problem, complete and explained.
func (f *fixture) wantProblem(a answer, status int, slug string) {
	f.Helper()
	if a.status != status {
		f.Fatalf("status = %d, want %d: %s", a.status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		f.Errorf("type of the answer = %q: %s", got, a.body)
	}
	p := decode[Problem](f, a.body)
	if want := f.api.cfg.BasePath + "/problems/" + slug; p.Type != want || p.Status != status || p.Title == "" || p.Detail == "" {
		f.Errorf("problem = %+v, want type %s", p, want)
	}
	if page := f.send(http.MethodGet, strings.TrimPrefix(p.Type, f.api.cfg.BasePath), "", ""); page.status != http.StatusOK || !strings.Contains(page.body, slug) {
		f.Errorf("%s is explained by %d %s", p.Type, page.status, page.body)
	}
	switch status {
	case http.StatusUnauthorized:
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			f.Error("401 without a challenge")
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if a.header.Get("Retry-After") == "" {
			f.Errorf("%d without Retry-After", status)
		}
	case http.StatusMethodNotAllowed:
		if a.header.Get("Allow") == "" {
			f.Error("405 without Allow")
		}
	}
}

// metric reads one line of /metrics.
func (f *fixture) metric(name string) string {
	f.Helper()
	for line := range strings.Lines(f.send(http.MethodGet, "/metrics", "", "").body) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return value
		}
	}
	f.Fatalf("no metric %s", name)
	return ""
}
