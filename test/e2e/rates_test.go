package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hubline/test/internal/harness"
)

// Each rate is a flag, and whoever is over it is told when to come back.
func TestRatesAreLimited(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flag string
		try  func(s *harness.Server) *harness.Answer
		ok   int
	}{
		{"--api-rate", func(s *harness.Server) *harness.Answer {
			return s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"t"}`)
		}, http.StatusCreated},
		{"--connect-rate-per-ip", func(s *harness.Server) *harness.Answer {
			return s.Do(http.MethodPost, "/events/negotiate", s.Token("alice"), "")
		}, http.StatusOK},
		{"--request-rate-per-user", func(s *harness.Server) *harness.Answer {
			return s.Do(http.MethodGet, "/events?wait=0", s.Token("alice"), "")
		}, http.StatusOK},
		{"--auth-failure-rate-per-ip", func(s *harness.Server) *harness.Answer {
			return s.Do(http.MethodGet, "/events?wait=0", "not-a-token", "")
		}, http.StatusUnauthorized},
	} {
		t.Run(tt.flag, func(t *testing.T) {
			s := harness.Start(t, tt.flag, "3/3h")
			for i := range 3 {
				if a := tt.try(s); a.Status != tt.ok {
					t.Fatalf("%d: %d %s", i+1, a.Status, a.Body)
				}
			}
			a := tt.try(s)
			wantProblem(t, a.Status, a.Header, a.Body, http.StatusTooManyRequests, "rate-limited")
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 3000 || after > 3600 {
				t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
			}
			if !strings.Contains(string(a.Body), strings.TrimPrefix(tt.flag, "--")) {
				t.Errorf("%s does not name %s", a.Body, tt.flag)
			}
			for _, path := range []string{"/healthz", "/metrics", "/"} {
				if a := s.Do(http.MethodGet, path, "", ""); a.Status != http.StatusOK {
					t.Errorf("%s: %d", path, a.Status)
				}
			}
		})
	}
}

// A client that does a hundred things at once is refused none of them.
func TestAHundredAtOnceAreServed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token := s.Token("alice")
	for _, path := range []string{"/events/negotiate", "/hubs/events/negotiate", "/channels/subscribe"} {
		var wg sync.WaitGroup
		for i := range 100 {
			body := ""
			if strings.HasPrefix(path, "/channels") {
				body = fmt.Sprintf(`{"channel":"c%d"}`, i)
			}
			wg.Go(func() {
				if a := s.Do(http.MethodPost, path, token, body); a.Status != http.StatusOK {
					t.Errorf("%s: %d %s", path, a.Status, a.Body)
				}
			})
		}
		wg.Wait()
	}
}

// Sockets of one address are bounded: of those who have said nothing, and of those
// whose poll has been answered.
func TestSocketsOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-sockets-per-ip", "2", "--read-header-timeout", "1h")
	local := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}
	dial := func() net.Conn {
		c, err := local.DialContext(t.Context(), "tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(harness.Patience()))
		return c
	}
	poll := func(c net.Conn, query string) error {
		if _, err := fmt.Fprintf(c, "GET /events?%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", query, s.Addr, s.Token("alice")); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	one, two := dial(), dial()
	// Which of them the server sees first is not known: both, before the third.
	for _, c := range []net.Conn{one, two} {
		if err := poll(c, "wait=0"); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(when string) {
		t.Helper()
		if _, err := dial().Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("%s: one above: %v", when, err)
		}
	}
	refused("idle sockets")
	for _, c := range []net.Conn{one, two} { // parked in the meantime, and back
		if err := poll(c, "wait=0.1"); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(harness.Patience()); ; { // the client reads the answer before the server has done
		c := dial()
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.0\r\n\r\n")
		// When its end is read the server has counted the socket out.
		if answer, _ := io.ReadAll(c); len(answer) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("sockets of polls that were answered do not count")
		}
	}
	one.Close()
	for end := time.Now().Add(harness.Patience()); poll(dial(), "wait=0") != nil; {
		if time.Now().After(end) {
			t.Fatal("a place that was left cannot be taken")
		}
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error) //nolint:errorlint // as the socket returns it
	return ok && ne.Timeout()
}
