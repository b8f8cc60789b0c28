package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// backend answers questions without a network.
type backend struct {
	mu            sync.Mutex
	asked         []string
	headers       http.Header
	status        func(n int) int // of the n-th question
	takes         time.Duration
	running, most int
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.asked = append(b.asked, string(body))
	n := len(b.asked)
	b.headers = r.Header
	b.running++
	b.most = max(b.most, b.running)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.running--
	}()
	select {
	case <-time.After(b.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status := b.status(n)
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	h := http.Header{"Location": {"https://elsewhere.example/"}}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20))), Request: r}, nil
}

func always(status int) func(int) int { return func(int) int { return status } }

var ann = Question{User: "ann", Device: "phone", Channel: "private-a"}

func TestStatusesDecide(t *testing.T) {
	for status, want := range map[int]string{
		200: "true <nil>", 204: "true <nil>", 299: "true <nil>", 400: "false <nil>", 401: "false <nil>", 403: "false <nil>", 404: "false <nil>", 499: "false <nil>",
		0: "none", 302: "none", 307: "none", 408: "none", 429: "none", 500: "none", 503: "none",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &backend{status: always(status)}
			a := New(Config{URL: "http://b.example/may", Secret: "s3cret", Transport: b})
			allow, err := a.Allowed(t.Context(), ann)
			got := fmt.Sprint(allow, err)
			if errors.Is(err, ErrUnavailable) && !allow {
				got = "none"
			}
			if got != want || len(b.asked) != 1 || b.asked[0] != `{"user":"ann","device":"phone","channel":"private-a"}` {
				t.Errorf("%d: %s, want %s; asked %q", status, got, want, b.asked)
			}
			if b.headers.Get("Authorization") != "Bearer s3cret" || b.headers.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", b.headers)
			}
		})
	}
}

func TestAnAnswerCountsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{status: func(n int) int { return []int{500, 200, 403}[n-1] }}
		a := New(Config{Transport: b, CacheTTL: 10 * time.Second})
		for i, step := range []struct {
			after time.Duration
			allow bool
			asked int
		}{{0, false, 1}, {0, true, 2}, {9 * time.Second, true, 2}, {999 * time.Millisecond, true, 2}, {time.Millisecond, false, 3}, {time.Second, false, 3}} {
			time.Sleep(step.after)
			if allow, _ := a.Allowed(t.Context(), ann); allow != step.allow || len(b.asked) != step.asked {
				t.Errorf("step %d: %v, asked %d times, want %+v", i, allow, len(b.asked), step)
			}
		}
		if st := a.Stats(); st != (Stats{Allowed: 1, Refused: 1, Failed: 1, Cached: 3}) {
			t.Errorf("%+v", st)
		}
	})
}

func TestACacheMayBeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{status: always(200)}
		a := New(Config{Transport: b, CacheTTL: -1})
		for range 3 {
			if allow, err := a.Allowed(t.Context(), ann); !allow || err != nil {
				t.Error(allow, err)
			}
		}
		if len(b.asked) != 3 {
			t.Errorf("asked %d times", len(b.asked))
		}
	})
}

// The bound on answers that are kept is reached, and the one used least lately goes.
func TestTheCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{status: always(200)}
		a := New(Config{Transport: b, CacheSize: 2})
		for i, user := range []string{"a", "b", "a", "c", "a", "b"} {
			if _, err := a.Allowed(t.Context(), Question{User: user}); err != nil {
				t.Error(i, err)
			}
		}
		if n := len(b.asked); n != 4 || a.cache.Len() != 2 {
			t.Errorf("asked %d times, %d are kept", n, a.cache.Len())
		}
	})
}

func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{status: always(200), takes: time.Second}
		a := New(Config{Transport: b})
		first, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, err := a.Allowed(first, ann); left <- err }() // ends when it leaves
		synctest.Wait()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if allow, err := a.Allowed(t.Context(), ann); !allow || err != nil {
					t.Error(allow, err)
				}
			})
		}
		synctest.Wait()
		leave() // who asked first goes; the others still get the answer
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wg.Wait()
		if len(b.asked) != 1 {
			t.Errorf("asked %d times", len(b.asked))
		}
	})
}

func TestQuestionsAreBoundedInNumberAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{status: always(200), takes: time.Second}
		a := New(Config{Transport: b, Concurrency: 2, Timeout: 2500 * time.Millisecond})
		began := time.Now()
		var mu sync.Mutex
		var wg sync.WaitGroup
		in, out := 0, 0
		for i := range 7 {
			wg.Go(func() {
				allow, err := a.Allowed(t.Context(), Question{User: fmt.Sprint(i)})
				mu.Lock()
				defer mu.Unlock()
				if allow {
					in++
				} else if errors.Is(err, ErrUnavailable) {
					out++
				}
			})
		}
		wg.Wait()
		// Two at a time, a second each: four are through, two are cut off in their third
		// second, and one never came to ask.
		if took := time.Since(began); in != 4 || out != 3 || b.most != 2 || took != 2500*time.Millisecond {
			t.Errorf("%d allowed, %d given up, %d at a time, took %v", in, out, b.most, took)
		}
	})
}
