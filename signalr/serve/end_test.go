package serve

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/signalr"
)

// Reference section 2.1: 1000 whatever a hub has to say, 1011 where only the
// carrier can tell that something went wrong.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	failing := signalr.New(signalr.Config{})
	failing.OnConnected(func(context.Context, signalr.Caller) error { return errors.New("no") })
	s.Handle("/failing", failing, Options{})
	odd := signalr.New(signalr.Config{})
	odd.Handle("Odd", func() any { return func() {} })
	s.Handle("/odd", odd, Options{})
	s.HandleStream("/done", func(context.Context, *Stream) {}, Options{})
	s.HandleStream("/panics", func(context.Context, *Stream) { panic("on purpose") }, Options{})
	url := start(t, s)
	const shake = `{"protocol":"json","version":1}`
	for path, tt := range map[string]struct {
		say, last string
		code      websocket.StatusCode
	}{
		"/failing": {shake, `{"type":7,"error":"Connection closed with an error."}`, websocket.StatusNormalClosure},
		"/odd":     {shake + "\x1e" + `{"type":1,"invocationId":"1","target":"Odd","arguments":[]}`, "", websocket.StatusNormalClosure},
		"/done":    {"", "", websocket.StatusNormalClosure},
		"/panics":  {"", "", websocket.StatusInternalError},
	} {
		c, _ := dialSocket(t, url+path)
		if tt.say != "" {
			send(t, c, tt.say)
		}
		last := ""
		for {
			_, b, err := c.Read(t.Context())
			if err != nil {
				if got := websocket.CloseStatus(err); got != tt.code {
					t.Errorf("%s: closed with %d, want %d", path, got, tt.code)
				}
				break
			}
			last = string(b)
		}
		if tt.last != "" && !strings.HasSuffix(last, tt.last+"\x1e") {
			t.Errorf("%s: last words %q", path, last)
		}
	}
}

// Reference section 1.6.
func TestRedirect(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{
		Authenticate: func(r *http.Request) (string, any, error) { return r.Header.Get("User"), 7, nil },
		Redirect: func(_ *http.Request, user string, identity any) (string, string) {
			switch {
			case identity != 7:
				return "https://wrong.example", ""
			case user == "away":
				return "https://other.example/hub?x=1&y=<2>", "a token"
			case user == "bare":
				return "https://other.example/hub", ""
			}
			return "", "ignored"
		},
	})
	url := start(t, s) + "/chat/negotiate?negotiateVersion=1"
	for user, want := range map[string]string{
		"away": `{"url":"https://other.example/hub?x=1&y=<2>","accessToken":"a token"}`,
		"bare": `{"url":"https://other.example/hub"}`,
	} {
		if resp, body := do(t, "POST", url, "", "User", user); resp.StatusCode != http.StatusOK || body != want {
			t.Errorf("%s: got %d %s", user, resp.StatusCode, body)
		}
	}
	if n := s.conns.Negotiated(); n != 0 {
		t.Errorf("%d connections wait for clients that were sent away", n)
	}
	if _, body := do(t, "POST", url, "", "User", "stays"); !strings.HasPrefix(body, `{"negotiateVersion":1,"connectionId":`) {
		t.Errorf("got %s", body)
	}
}

func TestASlashAtTheEnd(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat/", chat(), Options{})
	url := start(t, s)
	for _, path := range []string{"/chat/negotiate", "/chat/negotiate/", "/Chat/Negotiate/"} {
		if resp, body := do(t, "POST", url+path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", path, resp.StatusCode, body)
		}
	}
	for _, path := range []string{"/chat", "/chat/"} {
		if resp, body := do(t, "GET", url+path, ""); resp.StatusCode != http.StatusBadRequest || body != "Connection ID required" {
			t.Errorf("%s: got %d %s", path, resp.StatusCode, body)
		}
	}
}

// Without names, clients are told apart by their addresses.
func TestOneAddressCannotTakeAll(t *testing.T) {
	t.Parallel()
	s := New(Config{MaxNegotiated: 20})
	s.Handle("/chat", chat(), Options{})
	t.Cleanup(func() { s.conns.Shutdown(context.Background(), 0) })
	ask := func(addr string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/chat/negotiate?negotiateVersion=1", http.NoBody)
		r.RemoteAddr = addr
		s.ServeHTTP(w, r)
		return w.Code
	}
	for i, want := range []int{200, 200, 503, 503} {
		if got := ask("192.0.2.1:1234"); got != want {
			t.Errorf("request %d: got %d", i, got)
		}
	}
	if got := ask("192.0.2.2:1234"); got != http.StatusOK {
		t.Errorf("another address: got %d", got)
	}
}
