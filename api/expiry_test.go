package api

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// A native connection lives as long as a new one could be opened with the same
// token: to exp and the leeway, to the second.
func TestNativeConnectionsEndWithTheirToken(t *testing.T) {
	const (
		life   = time.Minute
		leeway = 10 * time.Second
	)
	inTime := func(t *testing.T, since time.Time) {
		t.Helper()
		if took := time.Since(since); took < life+leeway || took > life+leeway+2*time.Second {
			t.Errorf("it ended after %v, want %v", took, life+leeway)
		}
	}
	setup := []func(*setup){inMemory, func(s *setup) { s.auth.Leeway = leeway }}

	t.Run("stream", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, setup...)
			start := time.Now()
			resp, err := f.client.Do(f.request(http.MethodGet, "/events", f.token(auth.Claims{TTL: life}), ""))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			last := ""
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "data: ") {
					last = lines.Text()
				}
			}
			inTime(t, start)
			if !strings.Contains(last, "hubline.closing") || !strings.Contains(last, "expiry") {
				t.Errorf("last words: %s", last)
			}
		})
	})
	t.Run("socket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, setup...)
			start := time.Now()
			c, _, err := websocket.Dial(t.Context(), "ws://pipe/ws", &websocket.DialOptions{ //nolint:bodyclose // the library does
				HTTPClient: &http.Client{Transport: transportTo(f.ln)},
				HTTPHeader: http.Header{"Authorization": {"Bearer " + f.token(auth.Claims{TTL: life})}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.CloseNow() }()
			_, _, err = c.Read(t.Context())
			inTime(t, start)
			if code := websocket.CloseStatus(err); code != 4401 {
				t.Errorf("close code %d: %v", code, err)
			}
		})
	})
	t.Run("poll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, setup...)
			start := time.Now()
			token := f.token(auth.Claims{TTL: life})
			time.Sleep(life) // past exp, within the leeway
			a := f.send(http.MethodGet, "/events?wait=60", token, "")
			inTime(t, start)
			if a.status != http.StatusOK || len(decode[events](t, a.body).Events) != 0 {
				t.Errorf("answer %+v", a)
			}
			f.wantProblem(f.send(http.MethodGet, "/events?wait=60", token, ""), http.StatusUnauthorized, "token-expired")
			f.wantProblem(f.send(http.MethodGet, "/events", token, ""), http.StatusUnauthorized, "token-expired")
		})
	})
}

// On hubs an open connection stays when its token expires, as the Bitwarden
// family's servers have it; further requests need a good token.
func TestHubSocketsOutliveTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, func(s *setup) { s.auth.Leeway = -1 })
		token := f.token(auth.Claims{TTL: time.Minute})
		c, _, err := websocket.Dial(t.Context(), "ws://pipe/notifications/hub", &websocket.DialOptions{ //nolint:bodyclose // the library does
			HTTPClient: &http.Client{Transport: transportTo(f.ln)}, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.CloseNow() }()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"protocol":"json","version":1}`+rs)); err != nil {
			t.Fatal(err)
		}
		if got := message(t, c); got != "{}"+rs {
			t.Fatalf("handshake %q", got)
		}
		received := make(chan string)
		go func() { // ends with the connection
			defer close(received)
			for {
				_, m, err := c.Read(context.Background())
				if err != nil {
					return
				}
				if strings.Contains(string(m), "ReceiveMessage") {
					received <- string(m)
				}
			}
		}()
		time.Sleep(2 * time.Minute)
		if r := f.publish("anna", `{"type":5}`); r.Delivered != 1 {
			t.Errorf("receipt %+v", r)
		}
		if m, ok := <-received; !ok {
			t.Errorf("the connection has ended: %s", m)
		}
		if a := f.send(http.MethodPost, "/notifications/hub/negotiate", token, ""); a.status != http.StatusUnauthorized {
			t.Errorf("negotiate: %d", a.status)
		}
	})
}
