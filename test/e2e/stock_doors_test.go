package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// How long a connection lives, and what ends it.
func TestStockRowsOfConnections(t *testing.T) {
	t.Parallel()
	s := stockServer(t, "--send-timeout", "1s", "--max-publish-bytes", "64KiB")
	disconnect := func(t *testing.T, user, body string) {
		t.Helper()
		if a := s.Do(http.MethodDelete, "/api/v1/users/"+user+"/connections", s.APIKey, body); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	rows := []struct {
		name string
		test func(t *testing.T)
	}{
		{"W16 and W17 a silent connection is pinged, and ended", func(t *testing.T) {
			s := harness.Start(t, "--ping-interval", "1s")
			c, in := rawSocket(t, s) // of alice; answers no ping, as behind a link that is cut
			if !online(t, s, "alice") {
				t.Error("not online")
			}
			frames := readFrames(t, c, in)
			pings := 0
			for rest := frames; rest != ""; pings++ {
				if rest[0] != 0x89 || len(rest) < 2+int(rest[1]) { // a ping of the protocol, which no script sees
					t.Fatalf("got %q, want pings alone", frames)
				}
				rest = rest[2+int(rest[1]):]
			}
			if pings == 0 {
				t.Error("no ping came")
			}
			wantOffline(t, s, "alice")
		}},
		{"W18 a reader that stops delays nobody, and is ended", func(t *testing.T) {
			stockSocket(t, s, "w18") // is not read
			_, lively := stockSocket(t, s, "w18other")
			for i := 0; online(t, s, "w18"); i++ {
				if i == 1000 {
					t.Fatal("the stalled reader was never ended")
				}
				s.PublishEvent("w18", harness.Event{Type: "t", Data: []byte(`"` + strings.Repeat("x", 60<<10) + `"`)})
				lively.wantEvent(s.Publish("w18other", "t", "1"))
			}
		}},
		{"W19 and W32 a clean close ends TCP and presence", func(t *testing.T) {
			c, in := rawSocket(t, s) // has never sent a frame
			if _, err := c.Write([]byte("\x88\x82\x00\x00\x00\x00\x03\xe8")); err != nil {
				t.Fatal(err)
			}
			if got := readFrames(t, c, in); !strings.HasSuffix(got, "\x88\x02\x03\xe8") {
				t.Errorf("got %q, want the close frame and the end", got)
			}
			wantOffline(t, s, "alice")
		}},
		{"W49 a connection ends with its token", func(t *testing.T) {
			token := s.Token("w49", harness.Claims{"exp": time.Now().Add(2 * time.Second).Unix()})
			_, c := socket(t, s, client.Options{Path: "/ws", Token: token, InQuery: true})
			if got := c.closeFrame(); got.Code != 4401 {
				t.Errorf("%v", got)
			}
			wantOffline(t, s, "w49")
		}},
		{"W51 a long reason is cut at a rune's edge", func(t *testing.T) {
			_, c := stockSocket(t, s, "w51")
			disconnect(t, "w51", `{"reason":"`+strings.Repeat("ä", 100)+`"}`)
			got := c.closeFrame()
			if got.Code != websocket.StatusNormalClosure || got.Reason != strings.Repeat("ä", 61) || !utf8.ValidString(got.Reason) {
				t.Errorf("%v", got)
			}
			wantOffline(t, s, "w51")
		}},
		{"W52 a disconnect can keep out, and a token be revoked", func(t *testing.T) {
			token := s.Token("w52")
			o := client.Options{Path: "/ws", Token: token, InQuery: true}
			_, c := socket(t, s, o)
			disconnect(t, "w52", `{"reason":"bye","refuseSeconds":60}`)
			c.closeFrame()
			if r := refusal(t, s, "ws", o); r.Status != http.StatusForbidden {
				t.Errorf("%d", r.Status)
			}
			disconnect(t, "w52", `{"refuseSeconds":0}`)
			_, c = socket(t, s, o)
			if a := s.Do(http.MethodPost, "/api/v1/tokens:revoke", s.APIKey, `{"user":"w52"}`); a.Status != http.StatusOK {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			c.closeFrame()
			if r := refusal(t, s, "ws", o); r.Status != http.StatusUnauthorized {
				t.Errorf("%d", r.Status)
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, row.test)
	}
}

// Who comes in, and how much of it.
func TestStockRowsOfTheDoor(t *testing.T) {
	t.Parallel()
	s := stockServer(t, "--max-publish-bytes", "4KiB", "--max-channels-per-user", "100", "--max-connections-per-user", "3")
	rows := []struct {
		name string
		test func(t *testing.T)
	}{
		{"W22 a refused socket is answered 401", func(t *testing.T) {
			if r := refusal(t, s, "ws", client.Options{Path: "/ws"}); r.Status != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%d %v", r.Status, r.Header)
			}
		}},
		{"W25 a hundred subscriptions at once are served", func(t *testing.T) {
			token := s.Token("w25")
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() { // ends with its answer
					a, err := s.Request(t.Context(), http.MethodPost, "/channels/subscribe", token, fmt.Appendf(nil, `{"channel":"c%d"}`, i))
					if err != nil || a.Status != http.StatusOK {
						t.Errorf("%+v, %v", a, err)
					}
				})
			}
			wg.Wait()
		}},
		{"W44 a foreign page gets no socket", func(t *testing.T) {
			token := s.Token("w44")
			for origin, want := range map[string]bool{"": true, stockOrigin: true, s.URL: true, "https://evil.example": false, "null": false} {
				for _, cookie := range []bool{false, true} {
					o := client.Options{Path: "/ws", Header: http.Header{}}
					if origin != "" {
						o.Header.Set("Origin", origin)
					}
					if o.Token, o.InQuery = token, true; cookie {
						o.Token = ""
						o.Header.Set("Cookie", "session="+token)
					}
					if want && (!cookie || origin != "") {
						_, c := socket(t, s, o)
						c.Close()
						wantOffline(t, s, "w44")
					} else if r := refusal(t, s, "ws", o); r.Status != http.StatusForbidden {
						t.Errorf("%q, cookie %v: %d", origin, cookie, r.Status)
					}
				}
			}
		}},
		{"W45 a foreign form subscribes nobody", func(t *testing.T) {
			cookie := []string{"Cookie", "session=" + s.Token("w45"), "Content-Type", "text/plain"}
			for origin, want := range map[string]int{"https://evil.example": 403, "null": 403, "": 403, stockOrigin: 200} {
				header := cookie
				if origin != "" {
					header = append([]string{"Origin", origin}, cookie...)
				}
				if a := s.Do(http.MethodPost, "/channels/subscribe", "", `{"channel":"w45"}`, header...); a.Status != want {
					t.Errorf("%q: %d %s", origin, a.Status, a.Body)
				}
			}
		}},
		{"W46 answers name the page, and allow credentials", func(t *testing.T) {
			for _, token := range []string{s.Token("w46"), "bad"} { // of refusals too
				h := s.Do(http.MethodPost, "/channels/subscribe", token, `{"channel":"w46"}`, "Origin", stockOrigin).Header
				if h.Get("Access-Control-Allow-Origin") != stockOrigin || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
					t.Errorf("%v", h)
				}
			}
		}},
		{"W47 tokens are not logged", func(t *testing.T) {
			token := s.Token("w47")
			for _, o := range []client.Options{
				{Token: token, InQuery: true},
				{Header: http.Header{"Cookie": {"session=" + token}, "Origin": {stockOrigin}}},
				{Header: http.Header{"Cookie": {"session=" + token}, "Origin": {"https://evil.example"}}},
				{Header: http.Header{"Cookie": {"session=" + token + "x"}, "Origin": {stockOrigin}}},
				{Token: token + "x", InQuery: true},
			} {
				o.Path = "/ws"
				if c, err := tryConnect(t, s, "ws", o); err == nil {
					c.Close()
				}
			}
			if strings.Contains(s.Logs(), token) {
				t.Error("the token is in the log")
			}
		}},
		{"W48 sizes, channels and connections are bounded", func(t *testing.T) {
			body := func(n int) string {
				const frame = `{"type":"t","data":""}`
				return frame[:len(frame)-2] + strings.Repeat("x", n-len(frame)) + `"}`
			}
			for n, want := range map[int]int{4 << 10: http.StatusCreated, 4<<10 + 1: http.StatusRequestEntityTooLarge} {
				if a := s.Do(http.MethodPost, harness.EventsPath("w48"), s.APIKey, body(n)); a.Status != want {
					t.Errorf("%d bytes: %d, want %d", n, a.Status, want)
				}
			}
			token := s.Token("w48")
			for i := range 100 {
				join(t, s, token, fmt.Sprint("w48-", i))
			}
			if a := s.Do(http.MethodPost, "/channels/subscribe", token, `{"channel":"w48"}`); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("channel 101: %d %s", a.Status, a.Body)
			}
			join(t, s, token, "w48-0") // in it already
			for range 3 {
				stockSocket(t, s, "w48")
			}
			if r := refusal(t, s, "ws", client.Options{Path: "/ws", Token: token, InQuery: true}); r.Status != http.StatusTooManyRequests {
				t.Errorf("connection 4: %d", r.Status)
			}
		}},
		{"W48 subscriptions have a rate", func(t *testing.T) {
			s := harness.Start(t, "--request-rate-per-user", "3/3h")
			token := s.Token("w48")
			for range 3 {
				join(t, s, token, "a")
			}
			if a := s.Do(http.MethodPost, "/channels/subscribe", token, `{"channel":"a"}`); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("%d %v", a.Status, a.Header)
			}
		}},
		{"W50 426 names the protocol", func(t *testing.T) {
			for _, auth := range []string{"", "bad", s.Token("w50")} { // the header comes before the credentials
				a := s.Do(http.MethodGet, "/ws", auth, "")
				if a.Status != http.StatusUpgradeRequired || a.Header.Get("Upgrade") != "websocket" ||
					a.Header.Get("Content-Type") != "text/plain;charset=UTF-8" || !strings.HasPrefix(string(a.Body), "Expected WebSocket upgrade\n") {
					t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
				}
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, row.test)
	}
}
