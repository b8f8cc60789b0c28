package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// What the original gets wrong on the wire that its clients keep: a row of the list of
// its weaknesses each, by number.

// readFrames reads what comes on a raw socket until the server ends it.
func readFrames(t *testing.T, c net.Conn, in *bufio.Reader) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(harness.Patience()))
	b, err := io.ReadAll(in)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("the server did not end the connection: %v", err)
	}
	return string(b)
}

// online is what the server says of a user.
func online(t *testing.T, s *harness.Server, user string) bool {
	t.Helper()
	var p struct{ Online bool }
	s.Do(http.MethodGet, "/api/v1/users/"+user+"/presence", s.APIKey, "").JSON(t, &p)
	return p.Online
}

// wantOffline waits until the user has no connection.
func wantOffline(t *testing.T, s *harness.Server, user string) {
	t.Helper()
	for range 200 {
		if !online(t, s, user) {
			return
		}
		await(t, s, 0.1)
	}
	t.Errorf("%s is still online", user)
}

func join(t *testing.T, s *harness.Server, token, channel string) {
	t.Helper()
	if a := s.Do(http.MethodPost, "/channels/subscribe", token, `{"channel":"`+channel+`"}`); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

func membersOf(t *testing.T, s *harness.Server, channel string) string {
	t.Helper()
	var page struct{ Members []struct{ User string } }
	s.Do(http.MethodGet, "/api/v1/channels/"+channel+"/members", s.APIKey, "").JSON(t, &page)
	var names []string
	for _, m := range page.Members {
		names = append(names, m.User)
	}
	return strings.Join(names, " ")
}

// Publishing: what the backend is told, and in which order it arrives.
func TestStockRowsOfPublishing(t *testing.T) {
	t.Parallel()
	s := stockServer(t)
	publishTo := func(channel string) (r channelReceipt) {
		s.Do(http.MethodPost, "/api/v1/channels/"+channel+"/events", s.APIKey, `{"type":"t"}`).JSON(t, &r)
		return r
	}
	rows := []struct {
		name string
		test func(t *testing.T)
	}{
		{"W5 a publish to nobody says so", func(t *testing.T) {
			if r := s.Publish("w5", "t", "1"); r.Delivered != 0 || r.Seq != 1 {
				t.Errorf("nobody there: %+v", r)
			}
			stockSocket(t, s, "w5")
			if r := s.Publish("w5", "t", "2"); r.Delivered != 1 || r.Seq != 2 {
				t.Errorf("one there: %+v", r)
			}
		}},
		{"W6 a publish to a channel counts its members", func(t *testing.T) {
			join(t, s, s.Token("w6a"), "w6")
			join(t, s, s.Token("w6b"), "w6")
			stockSocket(t, s, "w6a")
			if r := publishTo("w6"); r.Members != 2 || r.Delivered != 1 || r.Failed != 0 {
				t.Errorf("%+v", r)
			}
		}},
		{"W7 an event without a type is refused", func(t *testing.T) {
			for _, body := range []string{`{}`, `{"type":""}`, `{"type":true}`, `{"type":[]}`, `{"type":null}`, `{"type":"ping"}`, `{"type":"pong"}`, `{"type":"hubline.ready"}`} {
				for _, path := range []string{"users/w7", "channels/w7"} {
					if a := s.Do(http.MethodPost, "/api/v1/"+path+"/events", s.APIKey, body); a.Status != http.StatusBadRequest {
						t.Errorf("%s %s: %d", path, body, a.Status)
					}
				}
			}
		}},
		{"W8 a thousand publishers keep one order", func(t *testing.T) {
			const publishers = 1000
			var sockets []*conn
			for range 3 {
				_, c := stockSocket(t, s, "w8")
				sockets = append(sockets, c)
			}
			var wg sync.WaitGroup
			for range publishers {
				wg.Go(func() {
					if _, err := s.TryPublish(t.Context(), "w8", harness.Event{Type: "t"}); err != nil {
						t.Error(err)
					}
				})
			}
			for _, c := range sockets { // at the same time: who reads nothing answers no pings
				wg.Go(func() { c.readAll(t, publishers) })
			}
			wg.Wait()
		}},
		{"W11 one publish is one event for all", func(t *testing.T) {
			item := `[{"users":["w11a","w11b"],"event":{"type":"t","data":1}}]`
			if a := s.Do(http.MethodPost, "/api/v1/events:batch", s.APIKey, item); a.Status != http.StatusOK {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			first, second := readLog(t, s, "w11a", "0"), readLog(t, s, "w11b", "0")
			if len(first.Events) != 1 || len(second.Events) != 1 || first.Events[0].ID != second.Events[0].ID {
				t.Errorf("%+v, %+v", first, second)
			}
			var once, again harness.Receipt
			for _, r := range []*harness.Receipt{&once, &again} {
				s.Do(http.MethodPost, harness.EventsPath("w11a"), s.APIKey, `{"type":"t"}`, "Idempotency-Key", "k").JSON(t, r)
			}
			if once.ID != again.ID || !again.Duplicate || len(readLog(t, s, "w11a", "0").Events) != 2 {
				t.Errorf("%+v, %+v", once, again)
			}
		}},
		{"W27 membership is the user's, of all tabs", func(t *testing.T) {
			ws, c := stockSocket(t, s, "w27")
			join(t, s, s.Token("w27"), "w27")
			publishTo("w27")
			c.want(client.Event)
			if err := ws.Conn.Close(websocket.StatusNormalClosure, "No subscribers"); err != nil {
				t.Error(err)
			}
			if got := membersOf(t, s, "w27"); got != "w27" {
				t.Errorf("members after the disconnect: %q", got)
			}
			if a := s.Do(http.MethodPost, "/channels/unsubscribe", s.Token("w27"), `{"channel":"w27"}`); a.Status != http.StatusOK {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if got := membersOf(t, s, "w27"); got != "" {
				t.Errorf("members after one tab's unsubscribe: %q", got)
			}
		}},
		{"W30 an administrator removes a member", func(t *testing.T) {
			join(t, s, s.Token("w30"), "w30")
			_, c := stockSocket(t, s, "w30")
			publishTo("w30")
			if a := s.Do(http.MethodDelete, "/api/v1/channels/w30/members/w30", s.APIKey, ""); a.Status != http.StatusOK {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if r := publishTo("w30"); r.Members != 0 {
				t.Errorf("%+v", r)
			}
			r := s.Publish("w30", "after", "1")
			c.want(client.Event)
			c.wantEvent(r)
		}},
		{"W33 names are bounded", func(t *testing.T) {
			for name, want := range map[string]int{
				strings.Repeat("x", 164): 200, strings.Repeat("x", 165): 400, "a/b": 400, "a b": 400, "ä": 400, `a\u0000`: 400, "#a": 400,
				"org-7:news.daily@x": 200, "private-x": 403, "presence-x": 403, "Private-x": 200, "private": 200, // exactly so spelled, as documented
			} {
				if a := s.Do(http.MethodPost, "/channels/subscribe", s.Token("w33"), `{"channel":"`+name+`"}`); a.Status != want {
					t.Errorf("%.20s: %d %s, want %d", name, a.Status, a.Body, want)
				}
			}
		}},
		{"W34 null is no body", func(t *testing.T) {
			if a := s.Do(http.MethodPost, "/channels/subscribe", s.Token("w34"), `null`); a.Status != http.StatusBadRequest {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}},
		{"W36 a membership that was not stored is an error", func(t *testing.T) {
			dir := smallDisk(t)
			s := harness.StartIn(t, dir+"/data")
			fill(t, dir+"/filler")
			for range 100 { // the log has room left that it took before
				join := s.Do(http.MethodPost, "/channels/subscribe", s.Token("w36"), fmt.Sprintf(`{"channel":"c%d"}`, time.Now().UnixNano()))
				if join.Status >= http.StatusInternalServerError {
					return
				}
				s.Do(http.MethodPost, harness.EventsPath("w36"), s.APIKey, `{"type":"t","data":"`+strings.Repeat("x", 50<<10)+`"}`)
			}
			t.Error("the disk is full, and memberships are answered 200")
		}},
	}
	for _, row := range rows {
		t.Run(row.name, row.test)
	}
}
