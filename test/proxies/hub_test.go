package proxies

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hubline/test/internal/harness"
)

// separator ends every message of SignalR's JSON protocol.
const separator = "\x1e"

const handshake = `{"protocol":"json","version":1}` + separator

// hub is one connection to a SignalR hub, made by hand: no more than HTTP and what a
// wire dump of a SignalR client shows.
type hub struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // a test's limit
	http  *http.Client
	url   string // of the hub, without a query
	token string
	id    string // connection token of negotiate
	next  func() string
	rest  string // of the last answer, not yet taken
	// closed says that there is nobody to say goodbye to.
	closed bool
}

// openHub negotiates at the URL, through the proxy at addr, and does the handshake
// over the transport.
func openHub(t *testing.T, addr, url, token, transport string) *hub {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience())
	t.Cleanup(cancel)
	carrier := &http.Transport{ // asks for gzip, as browsers do
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	t.Cleanup(carrier.CloseIdleConnections)
	h := &hub{t: t, ctx: ctx, http: &http.Client{Transport: carrier}, url: url, token: token}
	h.negotiate(transport)
	switch transport {
	case "ServerSentEvents":
		h.sse()
	case "LongPolling":
		h.poll()
	case "WebSockets":
		h.webSocket()
	}
	if got := h.message(); got != "{}" {
		t.Fatalf("%s: answer to the handshake is %q, want {}", transport, got)
	}
	return h
}

// request sends a request to the hub and returns the answer, which must be 200.
func (h *hub) request(method, path, query, accept, body string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.ctx, method, h.url+path+"?"+query, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	resp, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("%s %s: %s %s", method, h.url+path, resp.Status, text)
	}
	return resp
}

// text is request for an answer that ends.
func (h *hub) text(method, path, query, body string) string {
	h.t.Helper()
	resp := h.request(method, path, query, "", body)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// negotiate asks for a connection. All three transports must be on offer.
func (h *hub) negotiate(transport string) {
	h.t.Helper()
	var n struct {
		ConnectionToken     string
		AvailableTransports []struct{ Transport string }
	}
	text := h.text(http.MethodPost, "/negotiate", "negotiateVersion=1", "")
	if err := json.Unmarshal([]byte(text), &n); err != nil || len(n.AvailableTransports) != 3 {
		h.t.Fatalf("negotiate: %v %s", err, text)
	}
	for _, offer := range n.AvailableTransports {
		if offer.Transport == transport {
			h.id = "id=" + url.QueryEscape(n.ConnectionToken)
			return
		}
	}
	h.t.Fatalf("%s is not on offer: %s", transport, text)
}

func (h *hub) sse() {
	h.t.Helper()
	resp := h.request(http.MethodGet, "", h.id, "text/event-stream", "")
	h.t.Cleanup(func() { resp.Body.Close() })
	if resp.Uncompressed {
		h.t.Error("the event stream came compressed")
	}
	lines := bufio.NewReader(resp.Body)
	h.next = func() string {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				h.t.Fatalf("event stream: %v", err)
			}
			if data, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data: "); ok {
				return data
			}
		}
	}
	h.text(http.MethodPost, "", h.id, handshake)
}

func (h *hub) poll() {
	h.t.Helper()
	h.next = func() string { return h.text(http.MethodGet, "", h.id, "") }
	// As clients do when they leave: the server would wait for the next poll.
	h.t.Cleanup(func() {
		if h.closed {
			return
		}
		r, err := http.NewRequestWithContext(context.WithoutCancel(h.ctx), http.MethodDelete, h.url+"?"+h.id, nil)
		if err != nil {
			h.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+h.token)
		resp, err := h.http.Do(r)
		if err != nil {
			h.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			h.t.Errorf("DELETE: %s, want 202", resp.Status)
		}
	})
	if first := h.next(); first != "" {
		h.t.Fatalf("first poll brought %q, want nothing", first)
	}
	h.text(http.MethodPost, "", h.id, handshake)
}

func (h *hub) webSocket() {
	h.t.Helper()
	conn, _, err := websocket.Dial(h.ctx, h.url+"?"+h.id, &websocket.DialOptions{
		HTTPClient: h.http, HTTPHeader: http.Header{"Authorization": {"Bearer " + h.token}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	h.next = func() string {
		_, b, err := conn.Read(h.ctx)
		if err != nil {
			h.t.Fatalf("WebSocket: %v", err)
		}
		return string(b)
	}
	if err := conn.Write(h.ctx, websocket.MessageText, []byte(handshake)); err != nil {
		h.t.Fatal(err)
	}
}

// message returns the next message, past pings.
func (h *hub) message() string {
	h.t.Helper()
	for {
		m, rest, ok := strings.Cut(h.rest, separator)
		if !ok {
			h.rest += h.next()
			continue
		}
		h.rest = rest
		if m != `{"type":6}` {
			return m
		}
	}
}

// wantInvocation takes the next message, which must be an invocation of the target
// with the text in its arguments.
func (h *hub) wantInvocation(target, text string) {
	h.t.Helper()
	raw := h.message()
	var m struct {
		Type      int
		Target    string
		Arguments json.RawMessage
	}
	if err := json.Unmarshal([]byte(raw), &m); err != nil || m.Type != 1 || m.Target != target || !strings.Contains(string(m.Arguments), text) {
		h.t.Fatalf("got %s, want an invocation of %s with %s: %v", raw, target, text, err)
	}
}
