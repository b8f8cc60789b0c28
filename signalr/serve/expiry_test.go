package serve

import (
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// The identity's end is the connection's, and its client is told to come back.
func TestExpires(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	end := time.Now().Add(time.Second)
	s.Handle("/chat", chat(), Options{
		Authenticate: func(*http.Request) (string, any, error) { return "u", end, nil },
		Expires:      func(identity any) time.Time { return identity.(time.Time) },
	})
	at, _ := negotiateStateful(t, start(t, s)+"/chat", "false")
	c, _ := dialSocket(t, at)
	send(t, c, `{"protocol":"json","version":1}`)
	want(t, c, "{}")
	for {
		got := receive(t, c)
		if got == `{"type":6}` {
			continue
		}
		if got != `{"type":7,"allowReconnect":true}` || time.Now().Before(end) {
			t.Errorf("got %s %v before its end", got, time.Until(end))
		}
		break
	}
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("got %v", err)
	}
}
