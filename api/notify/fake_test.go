package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// fake is a server as the client's transport sees it: each request is answered by the
// next step, those behind the last by the last.
type fake struct {
	steps []step

	mu   sync.Mutex
	seen []seen
}

type step func(r *http.Request, body string) (*http.Response, error)

// seen is a request, and when it came.
type seen struct {
	at   time.Time
	r    *http.Request
	body string
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		body = string(b)
	}
	f.mu.Lock()
	n := len(f.seen)
	f.seen = append(f.seen, seen{time.Now(), r, body})
	f.mu.Unlock()
	return f.steps[min(n, len(f.steps)-1)](r, body)
}

// requests is how many there were.
func (f *fake) requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.seen)
}

func reply(status int, contentType, body string, header ...string) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		h := http.Header{"Content-Type": {contentType}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// problemOf answers with a problem of the server's.
func problemOf(status int, slug string, header ...string) step {
	b, _ := json.Marshal(problem{Type: "/problems/" + slug, Title: "title of " + slug, Status: status, Detail: "what to do"})
	return reply(status, "application/problem+json", string(b), header...)
}

func fails(err error) step {
	return func(*http.Request, string) (*http.Response, error) { return nil, err }
}

// accepted answers a publish to a user as the server does.
func accepted(r *http.Request, body string) (*http.Response, error) {
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return nil, err
	}
	id, _ := json.Marshal(e.ID)
	return reply(http.StatusCreated, "application/json",
		`{"id":`+string(id)+`,"seq":1,"cursor":"e-1","durability":"disk","delivered":1,"duplicate":false}`)(r, body)
}

var (
	errReset = &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	errDial  = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
)

// newFake returns a client of a server that answers so.
func newFake(t testing.TB, cfg Config, steps ...step) (*Notifier, *fake) {
	t.Helper()
	f := &fake{steps: steps}
	cfg.URL, cfg.APIKey, cfg.HTTPClient = "http://hub.example/base/", "key", &http.Client{Transport: f}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n, f
}

// kinds are all kinds of errors.
var kinds = []error{ErrInvalid, ErrUnauthorized, ErrForbidden, ErrConflict, ErrTooLarge, ErrRateLimited, ErrDiskFull, ErrUnavailable}

// isOnly checks that the error is of one kind, or of none if kind is nil.
func isOnly(t *testing.T, err, kind error) {
	t.Helper()
	for _, k := range kinds {
		if got, want := errors.Is(err, k), errors.Is(kind, k); got != want {
			t.Errorf("errors.Is(%v, %v) = %v", err, k, got)
		}
	}
}
