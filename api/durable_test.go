package api

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"hubline/broker"
	"hubline/replay/ledger"
)

// refusing is a ledger whose disk can be made to refuse.
type refusing struct {
	*ledger.Ledger
	why atomic.Pointer[error]
}

func (l *refusing) Append(entries []ledger.Entry) (uint64, error) {
	if why := l.why.Load(); why != nil {
		return 0, *why
	}
	return l.Ledger.Append(entries)
}

// Err implements broker.Ledger.
func (l *refusing) Err() error {
	if why := l.why.Load(); why != nil && errors.Is(*why, broker.ErrLog) {
		return *why
	}
	return nil
}

func (l *refusing) refuse(why error) {
	if l.why.Store(&why); why == nil {
		l.why.Store(nil)
	}
}

// onDisk gives a server a log in a directory.
func onDisk(t *testing.T) (*refusing, func(*setup)) {
	t.Helper()
	l, err := ledger.Open(filepath.Join(t.TempDir(), "log"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &refusing{Ledger: l}
	return r, func(s *setup) { s.broker.Ledger, s.replay.Backing = r, r }
}

func TestReceiptsSayDisk(t *testing.T) {
	_, change := onDisk(t)
	f := newFixture(t, change)
	t.Cleanup(f.broker.Close)
	if a := f.send(http.MethodPost, "/api/v1/users/anna/events", keyPublish, `{"type":"a"}`); !strings.Contains(a.body, `"durability":"disk"`) {
		t.Errorf("got %s", a.body)
	}
	if a := f.send(http.MethodPost, "/api/v1/broadcasts", keyPublish, `{"type":"a"}`); !strings.Contains(a.body, `"durability":"disk"`) {
		t.Errorf("got %s", a.body)
	}
	log := f.log("anna", "?since=0")
	if log.Head != 2 || len(log.Events) != 2 {
		t.Errorf("log %+v", log)
	}
}

// All events of a batch are on their way to the disk at the same time, and the
// results come in their order, whatever is wrong with some.
func TestBatchOnDisk(t *testing.T) {
	_, change := onDisk(t)
	f := newFixture(t, change)
	t.Cleanup(f.broker.Close)
	items := []string{
		`{"user":"anna","event":{"type":"a","id":"x"}}`, `{"user":"","event":{"type":"a"}}`, `{"user":"anna","event":{"type":"a","id":"x"}}`,
		`{"users":["ben","anna","ben"],"event":{"type":"b"}}`, `{"broadcast":true,"event":{"type":"c"}}`, `{"user":"anna","event":{"type":"a","id":"x","data":1}}`,
	}
	for _, lines := range []bool{false, true} {
		r := f.batch(lines, items...)
		if len(r) != len(items) {
			t.Fatalf("%d results: %+v", len(r), r)
		}
		again := lines // the second time all is a repeat but what has no id
		if r[0].ID != "x" || r[0].Seq != 1 || r[0].Duplicate != again || r[1].Error == nil || r[2].Seq != 1 || !r[2].Duplicate {
			t.Errorf("results %+v", r[:3])
		}
		if many := r[3].Receipts; len(many) != 3 || many[0].Duplicate || many[1].Duplicate || !many[2].Duplicate || many[0].Seq != many[2].Seq {
			t.Errorf("receipts %+v", many)
		}
		if r[4].Users != 2 || r[5].Error == nil || r[5].Error.Status != http.StatusUnprocessableEntity {
			t.Errorf("results %+v", r[4:])
		}
	}
}

// What the disk refuses is answered with the reason, and what there is can be read.
func TestTheDiskRefuses(t *testing.T) {
	l, change := onDisk(t)
	f := newFixture(t, change)
	t.Cleanup(f.broker.Close)
	f.publish("anna", `{"type":"a"}`)
	for slug, tt := range map[string]struct {
		why    error
		status int
	}{
		"disk-full":  {broker.ErrNoSpace, http.StatusInsufficientStorage},
		"busy":       {broker.ErrBusy, http.StatusServiceUnavailable},
		"log-failed": {broker.ErrLog, http.StatusServiceUnavailable},
	} {
		l.refuse(tt.why)
		for _, path := range []string{"/api/v1/users/anna/events", "/api/v1/broadcasts"} {
			a := f.send(http.MethodPost, path, keyPublish, `{"type":"b"}`)
			f.wantProblem(a, tt.status, slug)
			if a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
		}
		if r := f.batch(false, `{"user":"anna","event":{"type":"b"}}`); r[0].Error == nil || r[0].Error.Status != tt.status {
			t.Errorf("batch: %+v", r)
		}
		if a := f.send(http.MethodGet, "/readyz", "", ""); (a.status == http.StatusServiceUnavailable) != errors.Is(tt.why, broker.ErrLog) {
			t.Errorf("readyz: %d", a.status)
		}
		if log := f.log("anna", "?since=0"); log.Head != 1 || len(log.Events) != 1 {
			t.Errorf("log %+v", log)
		}
	}
	l.refuse(nil)
	if r := f.publish("anna", `{"type":"c"}`); r.Seq != 2 {
		t.Errorf("receipt %+v", r)
	}
}
