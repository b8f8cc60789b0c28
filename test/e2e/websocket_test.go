package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// socket opens a WebSocket for tests that also send.
func socket(t *testing.T, s *harness.Server, o client.Options) (*client.WS, *conn) {
	t.Helper()
	c := connect(t, s, "ws", o)
	return c.Stream.(*client.WS), c
}

func send(t *testing.T, ws *client.WS, text string) {
	t.Helper()
	if err := ws.Send(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// A stock client of durable-notifier sees its events and pong, and nothing else.
func TestAWebSocketWithoutSinceSeesOnlyEvents(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--ping-interval", "1s")
	for _, path := range []string{"/events", "/ws"} {
		ws, c := socket(t, s, client.Options{Path: path, Token: s.Token("alice"), Query: query("types", "seen")})
		s.Publish("alice", "unseen", "1")
		await(t, s, 2.5) // long enough for keep-alives
		send(t, ws, `{"type":"ping"}`)
		c.want(client.Pong)
		r := s.Publish("alice", "seen", "2")
		c.wantEvent(r)
		s.Publish("alice", "unseen", "3")
	}
	for _, o := range []client.Options{{Query: query("control", "1")}, {Since: "latest"}, {Since: "0"}} {
		o.Token = s.Token("alice")
		_, c := socket(t, s, o)
		c.wantReady()
	}
}

func TestPingIsAnsweredAndTheRestIgnored(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ws, c := socket(t, s, client.Options{Token: s.Token("alice")})
	for _, text := range []string{
		"", "x", "null", "[]", "7", `"ping"`, `{}`, `{"type":null}`, `{"type":7}`, `{"type":"pong"}`, `{"type":"unknown"}`,
		`{"type":"ack"}`, `{"type":"ack","cursor":"x"}`, strings.Repeat("[", 20_000), `{"type":"x","data":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + "}",
	} {
		send(t, ws, text)
	}
	if err := ws.Conn.Write(t.Context(), websocket.MessageBinary, []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	send(t, ws, ` { "type" : "ping" , "more" : [ 1 ] } `)
	if m := c.want(client.Pong); string(m.Raw) != `{"type":"pong"}` {
		t.Errorf("pong = %s", m.Raw)
	}
	r := s.Publish("alice", "t", "1")
	c.wantEvent(r)
}

func TestAMessageOverTheLimitClosesWith1009(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-message-bytes", "1KiB")
	ws, c := socket(t, s, client.Options{Token: s.Token("alice")})
	exact := `{"type":"ping","x":"` + strings.Repeat("x", 1024-len(`{"type":"ping","x":""}`)) + `"}`
	send(t, ws, exact)
	c.want(client.Pong)
	send(t, ws, exact+" ")
	if code := c.wantEnd(); code != websocket.StatusMessageTooBig {
		t.Errorf("close code = %d, want 1009", code)
	}
	// In fragments, of which none is too large alone, and without an end.
	ws, c = socket(t, s, client.Options{Token: s.Token("alice")})
	w, err := ws.Conn.Writer(t.Context(), websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := w.Write([]byte(strings.Repeat("x", 600))); err != nil {
			break // closed meanwhile
		}
	}
	if code := c.wantEnd(); code != websocket.StatusMessageTooBig {
		t.Errorf("fragmented: close code = %d, want 1009", code)
	}
}

func TestChannelRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ws, c := socket(t, s, client.Options{Token: s.Token("alice")})
	for i, kind := range []string{"subscribe", "unsubscribe"} {
		send(t, ws, fmt.Sprintf(`{"type":%q,"channel":"news","ref":"r%d"}`, kind, i))
		if m := c.want(client.Reply); m.Reply.Ref != fmt.Sprintf("r%d", i) || m.Reply.OK == (m.Reply.Error != "") {
			t.Errorf("reply = %s", m.Raw)
		}
	}
}

func TestAPlainGetOfWSSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, auth := range []string{"", s.Token("alice")} {
		a := s.Do(http.MethodGet, "/ws", auth, "", "Accept", "application/problem+json")
		wantProblem(t, a.Status, a.Header, a.Body, http.StatusUpgradeRequired, "")
		if a = s.Do(http.MethodGet, "/ws", auth, ""); a.Status != http.StatusUpgradeRequired || !strings.HasPrefix(string(a.Body), "Expected WebSocket upgrade\n\n") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if got := a.Header.Get("Upgrade"); got != "websocket" {
			t.Errorf("Upgrade = %q", got)
		}
		for _, word := range []string{"Upgrade", "nginx"} {
			if !strings.Contains(string(a.Body), word) {
				t.Errorf("the answer does not mention %s: %s", word, a.Body)
			}
		}
	}
}

func TestTheClientsCloseIsAnswered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ws, _ := socket(t, s, client.Options{Token: s.Token("alice")})
	// Close waits for the answer and fails without it.
	if err := ws.Conn.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("closing handshake: %v", err)
	}
}

// rawSocket upgrades by hand, for frames that no library sends.
func rawSocket(t *testing.T, s *harness.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", s.Addr, s.Token("alice"))
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("upgrade: %d %v", resp.StatusCode, resp.Header)
	}
	return c, in
}

func TestBrokenFramesCloseTheConnection(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for name, frame := range map[string]string{
		"not masked":                     "\x81\x02hi",
		"a reserved bit":                 "\xc1\x80\x00\x00\x00\x00",
		"an unknown opcode":              "\x83\x80\x00\x00\x00\x00",
		"a long control frame":           "\x89\xfe\x00\x80" + strings.Repeat("\x00", 132),
		"a fragmented control":           "\x09\x80\x00\x00\x00\x00",
		"a continuation of nothing":      "\x80\x80\x00\x00\x00\x00",
		"a length of 2^63":               "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"a length of a terabyte":         "\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("x", 40<<10),
		"a close frame of one byte":      "\x88\x81\x00\x00\x00\x00\x03",
		"a close code that is not one":   "\x88\x82\x00\x00\x00\x00\x00\x01",
		"a close reason that is no text": "\x88\x83\x00\x00\x00\x00\x03\xe8\xff",
	} {
		t.Run(name, func(t *testing.T) {
			c, in := rawSocket(t, s)
			if _, err := c.Write([]byte(frame)); err != nil {
				t.Fatal(err)
			}
			// A close frame with a code that RFC 6455 has for it may come, then the
			// end does, at once and not with the next keep-alive.
			answer, err := io.ReadAll(in)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("got %q, %v", answer, err)
			}
			if len(answer) == 0 {
				return
			}
			if len(answer) < 4 || answer[0] != 0x88 {
				t.Fatalf("got %q, want a close frame or nothing", answer)
			}
			if code := int(answer[2])<<8 | int(answer[3]); code != 1002 && code != 1007 && code != 1009 && name != "a close frame of one byte" {
				t.Errorf("close code = %d", code)
			}
		})
	}
	if a := s.Do(http.MethodGet, "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("healthz = %d", a.Status)
	}
}
