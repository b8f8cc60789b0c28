package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m, http.DefaultClient.CloseIdleConnections) }

// start serves s on a free port until the test ends, and returns its URL.
func start(t *testing.T, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }() // ends with Shutdown
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != http.ErrServerClosed { //nolint:errorlint // the documented value
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// do makes a request; headers come in pairs.
func do(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// negotiate returns the URL to connect to.
func negotiate(t *testing.T, url string, header ...string) string {
	t.Helper()
	resp, body := do(t, "POST", url+"/negotiate?negotiateVersion=1", "", header...)
	var n struct{ ConnectionToken string }
	if err := json.Unmarshal([]byte(body), &n); err != nil || resp.StatusCode != http.StatusOK || n.ConnectionToken == "" {
		t.Fatalf("negotiate: %d %s", resp.StatusCode, body)
	}
	return url + "?id=" + n.ConnectionToken
}

// peer is a client over one transport.
type peer struct {
	t     *testing.T
	write func(text string)
	read  func() string
}

// want reads until so much has come, and compares it.
func (p peer) want(text string) {
	p.t.Helper()
	got := ""
	for len(got) < len(text) {
		got += p.read()
	}
	if got != text {
		p.t.Fatalf("got %q, want %q", got, text)
	}
}

// transport names, with how to connect.
var connects = map[string]func(t *testing.T, url string, header ...string) peer{
	"WebSockets":       socket,
	"ServerSentEvents": events,
	"LongPolling":      polls,
}

func socket(t *testing.T, url string, header ...string) peer {
	t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	c, resp, err := websocket.Dial(t.Context(), negotiate(t, url, header...), &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatal(err, resp)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return peer{t, func(text string) {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Error(err)
		}
	}, func() string {
		_, b, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}}
}

func events(t *testing.T, url string, header ...string) peer {
	t.Helper()
	url = negotiate(t, url, header...)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	var held []byte
	return peer{t, poster(t, url, header...), func() string {
		for {
			if event, rest, ok := bytes.Cut(held, []byte("\r\n\r\n")); ok {
				held = rest
				event = bytes.TrimPrefix(event, []byte(":\r\n"))
				return strings.TrimPrefix(string(event), "data: ")
			}
			var b [1024]byte
			n, err := resp.Body.Read(b[:])
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, b[:n]...)
		}
	}}
}

func polls(t *testing.T, url string, header ...string) peer {
	t.Helper()
	url = negotiate(t, url, header...)
	get := func() string {
		resp, body := do(t, "GET", url, "", header...)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("poll answered %d %s", resp.StatusCode, body)
		}
		return body
	}
	get()
	return peer{t, poster(t, url, header...), get}
}

func poster(t *testing.T, url string, header ...string) func(string) {
	return func(text string) {
		if resp, body := do(t, "POST", url, text, header...); resp.StatusCode != http.StatusOK {
			t.Errorf("POST answered %d %s", resp.StatusCode, body)
		}
	}
}
