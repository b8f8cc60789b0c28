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

// A native connection ends at exp, to the second. One that was opened after that,
// thanks to the leeway, ends with the leeway.
func TestNativeConnectionsEndWithTheirToken(t *testing.T) {
	const (
		life   = time.Minute
		leeway = 10 * time.Second
	)
	inTime := func(t *testing.T, since time.Time, late bool) {
		t.Helper()
		want := life
		if late {
			want += leeway
		}
		if took := time.Since(since); took < want || took > want+2*time.Second {
			t.Errorf("it ended after %v, want %v", took, want)
		}
	}
	setup := []func(*setup){inMemory, func(s *setup) { s.auth.Leeway = leeway }}

	for _, late := range []bool{false, true} {
		name := map[bool]string{false: "", true: " within the leeway"}[late]
		// begin makes a token, and comes with it at once or late.
		begin := func(f *fixture) (token string, start time.Time) {
			token, start = f.token(auth.Claims{TTL: life}), time.Now()
			if late {
				time.Sleep(life + leeway/2)
			}
			return token, start
		}
		t.Run("stream"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, setup...)
				token, start := begin(f)
				resp, err := f.client.Do(f.request(http.MethodGet, "/events", token, ""))
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
				inTime(t, start, late)
				if !strings.Contains(last, "hubline.closing") || !strings.Contains(last, "expiry") {
					t.Errorf("last words: %s", last)
				}
			})
		})
		t.Run("socket"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, setup...)
				token, start := begin(f)
				c, _, err := websocket.Dial(t.Context(), "ws://pipe/ws", &websocket.DialOptions{ //nolint:bodyclose // the library does
					HTTPClient: f.client,
					HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.CloseNow() }()
				_, _, err = c.Read(t.Context())
				inTime(t, start, late)
				if code := websocket.CloseStatus(err); code != 4401 {
					t.Errorf("close code %d: %v", code, err)
				}
			})
		})
		t.Run("poll"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, setup...)
				token, start := begin(f)
				if !late {
					time.Sleep(life / 2)
				}
				a := f.send(http.MethodGet, "/events?wait=60", token, "")
				inTime(t, start, late)
				if a.status != http.StatusOK || len(decode[events](t, a.body).Events) != 0 {
					t.Errorf("answer %+v", a)
				}
				time.Sleep(leeway)
				f.wantProblem(f.send(http.MethodGet, "/events?wait=60", token, ""), http.StatusUnauthorized, "token-expired")
				f.wantProblem(f.send(http.MethodGet, "/events", token, ""), http.StatusUnauthorized, "token-expired")
			})
		})
	}
}

// dialHub opens a hub's WebSocket, which ends with the test.
func dialHub(t *testing.T, f *fixture, token string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://pipe/notifications/hub", &websocket.DialOptions{ //nolint:bodyclose // the library does
		HTTPClient: f.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// On hubs an open connection stays when its token expires, as the Bitwarden
// family's servers have it; further requests need a good token.
func TestHubSocketsOutliveTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, func(s *setup) { s.auth.Leeway = -1 })
		token := f.token(auth.Claims{TTL: time.Minute})
		c := dialHub(t, f, token)
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

// With CloseOnExpiry they end with it, and their clients may come back.
func TestHubSocketsEndWithTheirTokenIfAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, func(s *setup) { s.auth.Leeway, s.CloseOnExpiry = -1, true })
		token := f.token(auth.Claims{TTL: time.Minute})
		c := dialHub(t, f, token)
		began := time.Now()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"protocol":"json","version":1}`+rs)); err != nil {
			t.Fatal(err)
		}
		last := ""
		for {
			_, m, err := c.Read(t.Context())
			if err != nil {
				break
			}
			last = string(m)
		}
		if last != `{"type":7,"allowReconnect":true}`+rs {
			t.Errorf("last words: %s", last)
		}
		if took := time.Since(began); took < 58*time.Second || took > 62*time.Second {
			t.Errorf("it ended after %v", took)
		}
	})
}
