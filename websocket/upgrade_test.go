package websocket

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

func TestIsUpgrade(t *testing.T) {
	for _, tt := range []struct {
		connection, upgrade string
		want                bool
	}{
		{"Upgrade", "websocket", true},
		{"keep-alive, upgrade", "WebSocket", true},
		{"keep-alive", "websocket", false},
		{"Upgrade", "h2c", false},
		{"", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Connection", tt.connection)
		r.Header.Set("Upgrade", tt.upgrade)
		if got := IsUpgrade(r); got != tt.want {
			t.Errorf("%q, %q: %v", tt.connection, tt.upgrade, got)
		}
	}
}

func TestRefusedUpgrade(t *testing.T) {
	tests := []struct {
		name, from, to string // what is replaced in a good request
		status         int
	}{
		{"version 8", "Version: 13", "Version: 8", http.StatusBadRequest},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", http.StatusBadRequest},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", http.StatusBadRequest},
		{"short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", http.StatusBadRequest},
		{"POST", "GET", "POST", http.StatusMethodNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, transports.Config{})
			d := net.Dialer{}
			nc, err := d.DialContext(t.Context(), "tcp", g.tcp())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_, _ = io.WriteString(nc, strings.Replace(upgradeRequest, tt.from, tt.to, 1))
			resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got := resp.Header.Get("Sec-WebSocket-Version"); resp.StatusCode != tt.status || got != "13" {
				t.Errorf("answer is %d, version %q; want %d, 13", resp.StatusCode, got, tt.status)
			}
			s := xtest.Wait(t, g.opened, "the session")
			xtest.Wait(t, s.Over, "the session's end")
			if got := s.Reason(); got != transports.ReasonHandshake {
				t.Errorf("session ended with %q", got)
			}
		})
	}
}

// Frames before the answer to the upgrade are against the protocol.
func TestEarlyFramesAreRefused(t *testing.T) {
	g := newRig(t, transports.Config{})
	d := net.Dialer{}
	nc, err := d.DialContext(t.Context(), "tcp", g.tcp())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, upgradeRequest+text("early"))
	s := xtest.Wait(t, g.opened, "the session")
	xtest.Wait(t, s.Over, "the session's end")
	if b, _ := io.ReadAll(nc); len(b) > 0 {
		t.Errorf("client got %q", b)
	}
	if got, _ := s.Got(); got != "" || s.Reason() != transports.ReasonHandshake {
		t.Errorf("session got %q and ended with %q", got, s.Reason())
	}
}

// A response that cannot be taken over is an error of ours.
func TestNoSocketToTakeOver(t *testing.T) {
	g := newRig(t, transports.Config{})
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(upgradeRequest)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	s := xtest.Wait(t, g.opened, "the session")
	if w.Code != http.StatusInternalServerError || s.Reason() != transports.ReasonHandshake {
		t.Errorf("answer is %d, session ended with %q", w.Code, s.Reason())
	}
}

// A connection that was ended or told to end before the upgrade is through is
// closed right behind it.
func TestEndDuringUpgrade(t *testing.T) {
	tests := []struct {
		name string
		end  func(c *transports.Connection)
		want string // the close frame's payload
	}{
		{"close", func(c *transports.Connection) { c.Close(transports.ReasonDrain) }, closePayload(1012, "drain")},
		{"abort", func(c *transports.Connection) { c.Abort(transports.ReasonDrain) }, ""},
		{"end", func(c *transports.Connection) { c.End(transports.ReasonDrain) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, transports.Config{})
			g.prepare = func(d *dialect.Session) { tt.end(d.Conn.(*transports.Connection)) }
			p := g.dial(g.tcp())
			if tt.want != "" {
				p.want(8, tt.want)
				p.write(closeFrame(1000, ""))
			}
			p.wantEnd(transports.ReasonDrain)
		})
	}
}
