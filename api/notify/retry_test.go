package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is tried again, and what is not; of which kind the error is when it stays so,
// and whether the event may be there.
func TestWhatIsTriedAgain(t *testing.T) {
	html := "<html>gateway</html>"
	tests := []struct {
		name      string
		step      step
		again     bool
		kind      error
		uncertain bool
	}{
		{"connection refused", fails(errDial), true, ErrUnavailable, false},
		{"connection reset", fails(errReset), true, ErrUnavailable, true},
		{"certificate", fails(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), false, ErrUnavailable, false},
		{"server of this process is gone", fails(http.ErrServerClosed), false, ErrUnavailable, false},
		{"body timeout", problemOf(408, "body-timeout"), true, ErrUnavailable, false},
		{"rate limited", problemOf(429, "rate-limited"), true, ErrRateLimited, false},
		{"internal", problemOf(500, "internal"), true, ErrUnavailable, true},
		{"bad gateway", reply(502, "text/html", html), true, ErrUnavailable, true},
		{"busy", problemOf(503, "busy"), true, ErrUnavailable, false},
		{"a proxy's 503", reply(503, "text/html", html), true, ErrUnavailable, true},
		{"gateway timeout", reply(504, "text/html", html), true, ErrUnavailable, true},
		{"disk full", problemOf(507, "disk-full"), true, ErrDiskFull, false},
		{"a piece of an answer", reply(201, "application/json", `{"id":"x","se`), true, nil, true},
		{"bad request", problemOf(400, "bad-request"), false, ErrInvalid, false},
		{"no token", problemOf(401, "no-token"), false, ErrUnauthorized, false},
		{"scope", problemOf(403, "scope"), false, ErrForbidden, false},
		{"not found", problemOf(404, "not-found"), false, nil, false},
		{"too large", problemOf(413, "too-large"), false, ErrTooLarge, false},
		{"conflict", problemOf(422, "idempotency-conflict"), false, ErrConflict, false},
		{"not implemented", reply(501, "text/plain", "no"), false, nil, false},
		{"redirect", reply(307, "text/plain", "", "Location", "https://elsewhere.example/"), false, nil, false},
		{"another program", reply(200, "text/html", "<html>sign in</html>"), false, nil, true},
		{"an answer without end", reply(201, "application/json", strings.Repeat(" ", maxAnswerBytes+1)), false, ErrUnavailable, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, f := newFake(t, Config{MaxAttempts: 3}, tt.step)
				r, err := n.SendToUser(t.Context(), "ann", Event{Type: "t", ID: "x"})
				e, ok := errors.AsType[*Error](err)
				if !ok {
					t.Fatalf("err = %v", err)
				}
				want := 1
				if tt.again {
					want = 3
				}
				if f.requests() != want || e.Attempts != want || e.Uncertain != tt.uncertain || e.Op != "SendToUser" {
					t.Errorf("%d requests, want %d; error %+v", f.requests(), want, e)
				}
				isOnly(t, err, tt.kind)
				if r != (Receipt{ID: "x"}) {
					t.Errorf("receipt of an error = %+v", r)
				}

				n, _ = newFake(t, Config{}, tt.step, accepted)
				_, err = n.SendToUser(t.Context(), "ann", Event{Type: "t", ID: "x"})
				if (err == nil) != tt.again {
					t.Errorf("with a server that recovers: %v", err)
				}
			})
		})
	}
}

// Every try is the same publish: the same bytes, with an id of version 7 that was made
// before the first, or the caller's.
func TestEveryTryIsTheSamePublish(t *testing.T) {
	for _, id := range []string{"", "mine"} {
		synctest.Test(t, func(t *testing.T) {
			n, f := newFake(t, Config{}, fails(errReset), problemOf(503, "busy"), accepted)
			r, err := n.SendToUser(t.Context(), "ann/b?c", Event{Type: "t", ID: id, Data: map[string]int{"n": 1}})
			if err != nil || len(f.seen) != 3 {
				t.Fatalf("%v after %d requests", err, len(f.seen))
			}
			for _, s := range f.seen {
				if s.body != f.seen[0].body || s.r.URL.EscapedPath() != "/base/api/v1/users/ann%2Fb%3Fc/events" ||
					s.r.Header.Get("Authorization") != "Bearer key" || s.r.Method != http.MethodPost {
					t.Errorf("%s %s %q", s.r.Method, s.r.URL.EscapedPath(), s.body)
				}
				// net/http may repeat it at once on a connection that was closed.
				if v, ok := s.r.Header["Idempotency-Key"]; !ok || len(v) != 0 || s.r.GetBody == nil {
					t.Error("net/http does not know that it may be repeated")
				}
			}
			if id != "" && r.ID != id || id == "" && (len(r.ID) != 36 || r.ID[14] != '7') {
				t.Errorf("id = %q", r.ID)
			}
		})
	}
}

// pauses of a call that fails, by the fake clock.
func pauses(t *testing.T, cfg Config, s step) (list []time.Duration, err error) {
	n, f := newFake(t, cfg, s)
	_, err = n.SendToUser(t.Context(), "ann", Event{Type: "t"})
	for i := 1; i < len(f.seen); i++ {
		list = append(list, f.seen[i].at.Sub(f.seen[i-1].at))
	}
	return list, err
}

// The n-th pause is anything up to a bound that doubles, and stops at the greatest.
func TestPausesGrowAndAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{MaxAttempts: 8, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Second, MaxElapsed: time.Hour}
		low, high := 0, 0
		for range 100 {
			list, _ := pauses(t, cfg, problemOf(503, "busy"))
			if len(list) != 7 {
				t.Fatalf("pauses %v", list)
			}
			for i, p := range list {
				bound := min(100*time.Millisecond<<i, time.Second)
				if p <= 0 || p > bound {
					t.Errorf("pause %d is %v, over %v", i+1, p, bound)
				}
				if p < bound/4 {
					low++
				}
				if p > bound*3/4 {
					high++
				}
			}
		}
		// A quarter each of 700; the odds of less than 70 are below 10^-20.
		if low < 70 || high < 70 {
			t.Errorf("of 700 pauses %d were short and %d long", low, high)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{MaxAttempts: 2}
		for range 20 {
			list, err := pauses(t, cfg, problemOf(429, "rate-limited", "Retry-After", "7"))
			if len(list) != 1 || list[0] <= 7*time.Second || list[0] > 7*time.Second+defaultMinBackoff {
				t.Errorf("pauses %v", list)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 7*time.Second {
				t.Errorf("err = %+v", err)
			}
		}
		date := time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
		list, _ := pauses(t, cfg, reply(503, "text/plain", "", "Retry-After", date))
		if len(list) != 1 || list[0] < 8*time.Second || list[0] > 9*time.Second+defaultMinBackoff {
			t.Errorf("with a date: pauses %v", list)
		}
		for _, nonsense := range []string{"soon", "-1", "1e9", "99999999999999999999"} {
			if list, _ := pauses(t, cfg, reply(503, "text/plain", "", "Retry-After", nonsense)); len(list) != 1 || list[0] > defaultMinBackoff {
				t.Errorf("with %q: pauses %v", nonsense, list)
			}
		}
	})
}

// A wait that would end behind MaxElapsed, or behind the context's deadline, is not
// begun.
func TestWaitsThatComeToNothingAreNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		list, err := pauses(t, Config{MaxElapsed: 5 * time.Second}, problemOf(503, "busy", "Retry-After", "6"))
		if len(list) != 0 || time.Since(began) != 0 {
			t.Errorf("waited %v, pauses %v", time.Since(began), list)
		}
		isOnly(t, err, ErrUnavailable)

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		n, f := newFake(t, Config{}, problemOf(503, "busy", "Retry-After", "6"))
		_, err = n.SendToUser(ctx, "ann", Event{Type: "t"})
		if f.requests() != 1 || time.Since(began) != 0 {
			t.Errorf("%d requests in %v", f.requests(), time.Since(began))
		}
		isOnly(t, err, ErrUnavailable)
	})
}

func TestCallsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := pauses(t, Config{MaxAttempts: 1 << 20}, problemOf(503, "busy"))
		if d := time.Since(began); d > defaultMaxElapsed || d < defaultMaxElapsed-defaultMaxBackoff {
			t.Errorf("tried for %v: %v", d, err)
		}
	})
}

// hangs until the try is given up.
func hangs(r *http.Request, _ string) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A server that does not answer is given up after AttemptTimeout and tried again; that
// is no deadline of the caller's.
func TestASilentServerIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := newFake(t, Config{AttemptTimeout: 3 * time.Second}, hangs, accepted)
		began := time.Now()
		if _, err := n.SendToUser(t.Context(), "ann", Event{Type: "t"}); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d < 3*time.Second || d > 3*time.Second+defaultMinBackoff {
			t.Errorf("it took %v", d)
		}
		n, _ = newFake(t, Config{AttemptTimeout: 3 * time.Second, MaxAttempts: 2}, hangs)
		_, err := n.SendToUser(t.Context(), "ann", Event{Type: "t"})
		isOnly(t, err, ErrUnavailable)
		if e, ok := errors.AsType[*Error](err); !ok || !e.Uncertain || contextual(err) || !strings.Contains(err.Error(), "no answer within 3s, after 2 attempts") {
			t.Errorf("err = %v", err)
		}
	})
}

// The context ends a call before, in and between tries, and the error is its own.
func TestTheContextEndsACall(t *testing.T) {
	tests := []struct {
		name      string
		wait      time.Duration
		step      step
		requests  int
		uncertain bool
	}{
		{"before", -1, accepted, 0, false},
		{"in a try", time.Second, hangs, 1, true},
		{"in a pause", time.Second, problemOf(503, "busy", "Retry-After", "30"), 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.wait < 0 {
					cancel()
				} else {
					time.AfterFunc(tt.wait, cancel)
				}
				n, f := newFake(t, Config{}, tt.step)
				began := time.Now()
				_, err := n.SendToUser(ctx, "ann", Event{Type: "t"})
				e, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, context.Canceled) || e.Uncertain != tt.uncertain || e.Attempts != tt.requests || f.requests() != tt.requests {
					t.Errorf("err = %+v after %d requests", err, f.requests())
				}
				if d := time.Since(began); d != max(0, tt.wait) {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

// What is looked at only is never uncertain: nothing can have been done.
func TestReadingIsNeverUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := newFake(t, Config{MaxAttempts: 2}, fails(errReset))
		_, err := n.Presence(t.Context(), "ann")
		if e, ok := errors.AsType[*Error](err); !ok || e.Uncertain || e.Attempts != 2 {
			t.Errorf("err = %+v", err)
		}
	})
}
