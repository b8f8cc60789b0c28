package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hubline/signalr"
	"hubline/transports"
)

const shake = `{"protocol":"json","version":1}` + "\x1e"

// byHeader takes the user from a header, as only tests may.
func byHeader(r *http.Request) (string, any, error) {
	user := r.Header.Get("X-User")
	switch user {
	case "":
		return "", nil, errors.New("nobody")
	case "banned":
		return "", nil, banned{}
	}
	return user, "identity of " + user, nil
}

type banned struct{}

func (banned) Error() string { return "banned" }
func (banned) Status() int   { return http.StatusForbidden }

func chat() *signalr.Hub {
	h := signalr.New(signalr.Config{})
	h.Handle("Who", func(c signalr.Caller) []any {
		return []any{c.User(), c.Identity(), c.Transport(), c.Request().Header.Get("X-User"), c.Request().URL.Path}
	})
	h.Handle("Shout", func(c signalr.Caller, text string) error { return h.All().Send("heard", c.User(), text) })
	return h
}

func TestHubOverEveryTransport(t *testing.T) {
	t.Parallel()
	for name, connect := range connects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			s.Handle("/Chat", chat(), Options{Authenticate: byHeader})
			url := start(t, s)
			p := connect(t, url+"/chat", "X-User", "ann")
			p.write(shake)
			p.want("{}\x1e")
			p.write(`{"type":1,"invocationId":"1","target":"Who","arguments":[]}` + "\x1e")
			p.want(`{"type":3,"invocationId":"1","result":["ann","identity of ann","` + name + `","ann","/chat"]}` + "\x1e")
			other := connect(t, url+"/CHAT", "X-User", "bob")
			other.write(shake)
			other.want("{}\x1e")
			other.write(`{"type":1,"target":"Shout","arguments":["hi"]}` + "\x1e")
			p.want(`{"type":1,"target":"heard","arguments":["bob","hi"]}` + "\x1e")
		})
	}
}

// Inside another program's server polls wait in their handlers.
func TestMountedInAnotherServer(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{})
	mux := http.NewServeMux()
	mux.Handle("/chat", s)
	mux.Handle("/chat/", s)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	for _, connect := range connects {
		p := connect(t, srv.URL+"/chat")
		p.write(shake)
		p.want("{}\x1e")
		p.write(`{"type":1,"target":"Shout","arguments":["hi"]}` + "\x1e")
		p.want(`{"type":1,"target":"heard","arguments":["","hi"]}` + "\x1e")
	}
}

func TestStreamOverEveryTransport(t *testing.T) {
	t.Parallel()
	for name, connect := range connects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			ended := make(chan error, 1)
			s.HandleStream("/upper", func(ctx context.Context, c *Stream) {
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if lines.Text() == "bye" {
						_, _ = io.WriteString(c, c.User()+" says bye")
						return
					}
					if _, err := io.WriteString(c, strings.ToUpper(lines.Text())); err != nil {
						t.Error(err)
					}
				}
				<-ctx.Done()
				ended <- lines.Err()
			}, Options{Authenticate: byHeader})
			url := start(t, s)
			p := connect(t, url+"/upper", "X-User", "ann")
			p.write("hel")
			p.write("lo\nworld\n")
			p.want("HELLOWORLD")
			p.write("bye\n")
			p.want("ann says bye")

			p = connect(t, url+"/upper", "X-User", "ann")
			p.write("x\n")
			p.want("X")
			for _, c := range s.conns.Connections() {
				c.Abort(transports.ReasonRevoked)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// A writer waits for a client that takes nothing, and is let go at the end.
func TestStreamHoldsItsWriterBack(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	wrote := make(chan int, 1)
	s.HandleStream("/flood", func(ctx context.Context, c *Stream) {
		n := 0
		for {
			k, err := c.Write(make([]byte, 10<<10))
			if err != nil {
				break
			}
			n += k
		}
		wrote <- n
	}, Options{})
	url := start(t, s)
	polls(t, url+"/flood") // and never again
	for _, c := range s.conns.Connections() {
		c.Abort(transports.ReasonRevoked)
	}
	if n := <-wrote; n > maxHeld+10<<10 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{
		Authenticate: byHeader, AllowedOrigins: []string{"https://app.example"}, Transports: []transports.Transport{transports.LongPolling}, MinVersion: 1,
	})
	url := start(t, s)
	for _, tt := range []struct {
		name, method, path string
		header             []string
		status             int
		body               string
	}{
		{"nobody", "POST", "/chat/negotiate", nil, 401, ""},
		{"a status of its own", "POST", "/chat/negotiate", []string{"X-User", "banned"}, 403, ""},
		{"another origin", "POST", "/chat/negotiate", []string{"X-User", "ann", "Origin", "https://evil.example"}, 403, ""},
		{"no origin that could be", "POST", "/chat/negotiate", []string{"X-User", "ann", "Origin", "null"}, 403, ""},
		{"another path", "GET", "/chats", []string{"X-User", "ann"}, 404, "404 page not found\n"},
		{"another method", "PUT", "/chat", []string{"X-User", "ann"}, 405, ""},
		{"no id", "GET", "/chat", []string{"X-User", "ann"}, 400, "Connection ID required"},
		{
			"a version too low", "POST", "/chat/negotiate",
			[]string{"X-User", "ann"},
			200,
			`{"error":"The client requested version '0', but the server does not support this version."}`,
		},
	} {
		resp, body := do(t, tt.method, url+tt.path, "", tt.header...)
		if resp.StatusCode != tt.status || body != tt.body {
			t.Errorf("%s: %d %q, want %d %q", tt.name, resp.StatusCode, body, tt.status, tt.body)
		}
	}
	at := negotiate(t, url+"/chat", "X-User", "ann")
	if resp, body := do(t, "GET", at, "", "X-User", "ann", "Accept", "text/event-stream"); resp.StatusCode != 404 ||
		body != "ServerSentEvents transport not supported by this end point type" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	if resp, _ := do(t, "GET", at, "", "X-User", "bob"); resp.StatusCode != 403 {
		t.Errorf("another user got %d", resp.StatusCode)
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{AllowedOrigins: []string{"https://app.example"}})
	url := start(t, s)
	resp, _ := do(t, "OPTIONS", url+"/chat/negotiate", "", "Origin", "https://app.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,x-signalr-user-agent")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		"Access-Control-Allow-Headers": "authorization,x-signalr-user-agent", "Access-Control-Allow-Methods": "GET, POST, DELETE",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("preflight answered %d", resp.StatusCode)
	}
	if resp, _ := do(t, "GET", url+"/chat?id=x", "", "Origin", "https://app.example"); resp.StatusCode != 404 || resp.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("an error answered %d without CORS headers: %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := do(t, "POST", url+"/chat/negotiate", "", "Origin", url); resp.StatusCode != 200 {
		t.Errorf("the own origin got %d", resp.StatusCode)
	}
}

func TestShutdownTellsClients(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{})
	srv := httptest.NewServer(s)
	defer srv.Close()
	p := socket(t, srv.URL+"/chat")
	p.write(shake)
	p.want("{}\x1e")
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }() // ends with the last connection
	p.want(`{"type":7,"allowReconnect":true}` + "\x1e")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPathsAreNotTakenTwice(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/chat", "/CHAT", "/chat/negotiate", "chat", ""} {
		func() {
			s := New(Config{})
			defer func() { _ = s.Shutdown(context.Background()) }()
			s.Handle("/chat", chat(), Options{})
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", path)
				}
			}()
			s.Handle(path, chat(), Options{})
		}()
	}
}

// Browsers keep sockets in reserve on which nothing has been asked.
func TestShutdownDoesNotWaitForSilentSockets(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/chat", chat(), Options{})
	url := start(t, s)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do(t, "GET", url+"/chat", "") // so that c is accepted
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
