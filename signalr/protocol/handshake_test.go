package protocol

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHandshake(t *testing.T) {
	const jsonV1 = `{"protocol":"json","version":1}`
	long := strings.Repeat("x", 100)
	tests := []struct {
		name, in string
		whole    bool
		want     HandshakeRequest
		n        int
		err      string
	}{
		{"json", jsonV1 + "\x1e", true, HandshakeRequest{"json", 1, false}, 32, ""},
		{"messagepack", `{"protocol":"messagepack","version":1}` + "\x1e", true, HandshakeRequest{"messagepack", 1, false}, 39, ""},
		{"order, unknown and repeated properties", `{"version":7,"x":[{}],"version":2,"protocol":"J"}` + "\x1e", false, HandshakeRequest{"J", 2, false}, 50, ""},
		{"bytes behind it are kept", jsonV1 + "\x1e{\"type\":6}\x1e", true, HandshakeRequest{"json", 1, false}, 32, ""},
		{"no separator at the end of a frame", jsonV1, true, HandshakeRequest{"json", 1, true}, 31, ""},
		{"no separator in a stream", jsonV1, false, HandshakeRequest{}, 0, ""},
		{"half in a frame", jsonV1[:20], true, HandshakeRequest{}, 0, ""},
		{"nothing", "", true, HandshakeRequest{}, 0, ""},
		{"no JSON", "hello\x1e", true, HandshakeRequest{}, 6, "Error reading JSON."},
		{"no object", "[]\x1e", true, HandshakeRequest{}, 3, "Unexpected JSON Token Type 'Array'. Expected a JSON Object."},
		{"no protocol", `{"version":1}` + "\x1e", true, HandshakeRequest{}, 14, `Missing required property 'protocol'. Message content: {"version":1}`},
		{"no version", `{"protocol":"json"}` + "\x1e", true, HandshakeRequest{"json", 0, false}, 20, `Missing required property 'version'. Message content: {"protocol":"json"}`},
		{"version null", `{"protocol":"json","version":null}` + "\x1e", true, HandshakeRequest{"json", 0, false}, 35, `Missing required property 'version'. Message content: {"protocol":"json","version":null}`},
		{"protocol no string", `{"protocol":1,"version":1}` + "\x1e", true, HandshakeRequest{}, 27, "Expected 'protocol' to be of type String."},
		{"version no integer", `{"protocol":"json","version":1.5}` + "\x1e", true, HandshakeRequest{"json", 0, false}, 34, "Expected 'version' to be of type Number."},
		{"too long", `{"x":"` + long, true, HandshakeRequest{}, 0, "The maximum message size of 60B was exceeded. The message size can be configured in AddHubOptions."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, n, err := ParseHandshake([]byte(tt.in), 60, tt.whole)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tt.want || n != tt.n || text != tt.err {
				t.Errorf("= %+v, %d, %v; want %+v, %d, %s", got, n, err, tt.want, tt.n, tt.err)
			}
		})
	}
}

func TestHandshakeChoice(t *testing.T) {
	tests := []struct {
		h      HandshakeRequest
		binary bool
		want   Codec
		err    string
	}{
		{HandshakeRequest{"json", 1, false}, false, JSON, ""},
		{HandshakeRequest{"JSON", 0, false}, true, JSON, ""},
		{HandshakeRequest{"MessagePack", 2, false}, true, MessagePack, ""},
		{HandshakeRequest{"xml", 1, false}, true, nil, "The protocol 'xml' is not supported."},
		{HandshakeRequest{"Json", 3, false}, true, nil, "The server does not support version 3 of the 'json' protocol."},
		{HandshakeRequest{"messagepack", 1, false}, false, nil, "Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer format."},
	}
	for _, tt := range tests {
		got, err := tt.h.Choose(tt.binary)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%+v: %v, %v", tt.h, got, err)
		}
	}
}

func TestHandshakeErrorText(t *testing.T) {
	err := errors.Join(&ParseError{Text: "x"})
	for detailed, want := range map[bool]string{
		false: "An unexpected error occurred during connection handshake.",
		true:  "An unexpected error occurred during connection handshake. InvalidDataException: x",
	} {
		if diff := cmp.Diff(want, HandshakeErrorText(err, detailed)); diff != "" {
			t.Error(diff)
		}
	}
	if got := HandshakeErrorText(&TooLargeError{Limit: 1}, true); got != HandshakeCanceled {
		t.Errorf("too large: %q", got)
	}
	if got, want := string(AppendHandshakeError(nil, "a\"\x1e\u2028b")), "{\"error\":\"a\\\"\\u001e\u2028b\"}\x1e"; got != want {
		t.Errorf("response = %q, want %q", got, want)
	}
}

func TestParseHandshakeResponse(t *testing.T) {
	tests := []struct {
		in, text string
		n        int
		fails    bool
	}{
		{"{}", "", 0, false},
		{HandshakeOK, "", 3, false},
		{HandshakeOK + "x", "", 3, false},
		{"{\"error\":\"e\"}\x1e", "e", 14, false},
		{"{\"type\":6}\x1e", "", 11, true},
		{"{\"error\":5}\x1e", "", 12, true},
		{"x\x1e", "", 2, true},
	}
	for _, tt := range tests {
		text, n, err := ParseHandshakeResponse([]byte(tt.in))
		if text != tt.text || n != tt.n || (err != nil) != tt.fails {
			t.Errorf("%q: %q, %d, %v", tt.in, text, n, err)
		}
	}
}

func TestSkipLateSeparator(t *testing.T) {
	tests := []struct {
		c    Codec
		in   string
		want int
	}{
		{JSON, "", 0},
		{JSON, "\x1e{", 1},
		{JSON, "{", 0},
		{MessagePack, "\x1e", 1},
		{MessagePack, "\x1e\x02\x91\x06", 1},
		{MessagePack, "\x1e\x96\x01", 0}, // a message of 30 bytes
		{MessagePack, "\x02\x91\x06", 0},
	}
	for _, tt := range tests {
		if got := SkipLateSeparator(tt.c, []byte(tt.in)); got != tt.want {
			t.Errorf("%s %q: %d, want %d", tt.c.Name(), tt.in, got, tt.want)
		}
	}
}
