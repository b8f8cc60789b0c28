package serve

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/signalr"
	"hubline/transports"
)

// Reference section 2.1: whatever the reason, a hub's socket is closed with 1000 and
// no text. The npm client takes every other code for an error of the network.
func TestHubSocketsAreClosedNormally(t *testing.T) {
	t.Parallel()
	says := func(text string) func(*testing.T, *Server, *websocket.Conn) {
		return func(t *testing.T, _ *Server, c *websocket.Conn) { send(t, c, text) }
	}
	const shake = `{"protocol":"json","version":1}`
	for name, tt := range map[string]struct {
		shake string
		end   func(t *testing.T, s *Server, c *websocket.Conn)
		last  string // how what it is told before begins
	}{
		"the client leaves":     {shake, says(`{"type":7}`), `{"type":7}`},
		"it sends nonsense":     {shake, says(`nonsense`), `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`},
		"it sends too much":     {shake, says(strings.Repeat("x", 200)), `{"type":7,"error":"Connection closed with an error. InvalidDataException: `},
		"it speaks another way": {"", says(`{"protocol":"x","version":1}`), `{"error":"The protocol 'x' is not supported."}`},
		"the server stops": {shake, func(_ *testing.T, s *Server, _ *websocket.Conn) {
			go func() { _ = s.Shutdown(context.Background()) }() // ends with the last connection
		}, `{"type":7,"allowReconnect":true}`},
		"it is revoked": {shake, func(_ *testing.T, s *Server, _ *websocket.Conn) {
			s.conns.Connections()[0].Leave(transports.ReasonRevoked)
		}, `{"type":7`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			s.Handle("/chat", signalr.New(signalr.Config{MaxMessageBytes: 100}), Options{})
			at, _ := negotiateStateful(t, start(t, s)+"/chat", "false")
			c, _ := dialSocket(t, at)
			if tt.shake != "" {
				send(t, c, tt.shake)
				want(t, c, "{}")
			}
			tt.end(t, s, c)
			last := ""
			for {
				_, b, err := c.Read(t.Context())
				if err == nil {
					last = string(b)
					continue
				}
				if e, ok := errors.AsType[websocket.CloseError](err); !ok || e.Code != websocket.StatusNormalClosure || e.Reason != "" {
					t.Errorf("closed with %v", err)
				}
				break
			}
			if !strings.HasPrefix(last, tt.last) {
				t.Errorf("last words: %s", last)
			}
		})
	}
}
