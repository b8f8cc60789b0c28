package transports

import "testing"

func TestCloseCodes(t *testing.T) {
	tests := []struct {
		reason Reason
		code   int
		text   string
	}{
		{ReasonClientClosed, 1000, ""},
		{ReasonDone, 1000, ""},
		{ReasonLost, 1000, ""},
		{ReasonReplaced, 1000, ""},
		{ReasonNeverUsed, 1000, ""},
		{ReasonDrain, 1012, "drain"},
		{ReasonSlow, 1013, "slow"},
		{ReasonTimeout, 1013, "timeout"},
		{ReasonExpired, 4401, "expiry"},
		{ReasonRevoked, 1008, "revoked"},
		{ReasonHandshake, 1008, "handshake"},
		{ReasonProtocolError, 1002, "protocol_error"},
		{ReasonTooLarge, 1009, "too_large"},
		{ReasonInternal, 1011, "internal"},
	}
	for _, tt := range tests {
		if code, text := tt.reason.CloseCode(); code != tt.code || text != tt.text {
			t.Errorf("%s: code %d %q, want %d %q", tt.reason, code, text, tt.code, tt.text)
		}
	}
}

func TestTransports(t *testing.T) {
	tests := []struct {
		t      Transport
		label  string
		binary bool
	}{
		{WebSockets, "ws", true},
		{ServerSentEvents, "sse", false},
		{LongPolling, "poll", true},
		{"", "none", true},
	}
	for _, tt := range tests {
		if l, b := tt.t.Label(), tt.t.Binary(); l != tt.label || b != tt.binary {
			t.Errorf("%q: %q, %v; want %q, %v", tt.t, l, b, tt.label, tt.binary)
		}
	}
}
