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
		more bool
	}{
		{JSON, "", 0, true},
		{JSON, "\x1e", 1, false},
		{JSON, "\x1e{", 1, false},
		{JSON, "{", 0, false},
		{MessagePack, "", 0, true},
		{MessagePack, "\x02\x91\x06", 0, false},
		{MessagePack, "\x1e", 0, true},
		{MessagePack, "\x1e\x02", 1, false},
		{MessagePack, "\x1e\x1e", 1, false},
		{MessagePack, "\x1e\x96", 0, true},
		// Messages of 30 bytes.
		{MessagePack, "\x1e\x95\x01", 0, true},
		{MessagePack, "\x1e\x95\x01\x80", 0, false},
		{MessagePack, "\x1e\x93\x07\xd9", 0, false},
		{MessagePack, "\x1e\x92\x09\xcf", 0, false},
		{MessagePack, "\x1e\x95\xcc\x01", 0, true},
		{MessagePack, "\x1e\x95\xcc\x01\x80", 0, false},
		{MessagePack, "\x1e\x95\xcd\x00\x01", 0, false},
		{MessagePack, "\x1e\xdc\x00", 0, true},
		{MessagePack, "\x1e\xdc\x00\x05", 0, false},
		{MessagePack, "\x1e\xdd\x00\x00\x00\x05", 0, false},
		// The separator, and messages of 146, 144, 92 and 32,768 bytes.
		{MessagePack, "\x1e\x92\x01\x95", 1, false},
		{MessagePack, "\x1e\x90\x01\xdc", 1, false},
		{MessagePack, "\x1e\xdc\x00\xdd", 1, false},
		{MessagePack, "\x1e\x90\x80\x02", 0, true},
		{MessagePack, "\x1e\x90\x80\x02\x95", 1, false},
		// Neither.
		{MessagePack, "\x1e\x90\x80\x80\x80\x80\x01\x95", 0, false},
		// A Ping of 30 bytes with an array that nobody reads is not told apart.
		{MessagePack, "\x1e\x92\x06\x91", 1, false},
	}
	for _, tt := range tests {
		if got, more := SkipLateSeparator(tt.c, []byte(tt.in)); got != tt.want || more != tt.more {
			t.Errorf("%s %q: %d, %v; want %d, %v", tt.c.Name(), tt.in, got, more, tt.want, tt.more)
		}
	}
}

// Whatever message follows a bare handshake, with the separator before it or not,
// is found; and more bytes never change an answer.
func FuzzSkipLateSeparator(f *testing.F) {
	for _, m := range forms {
		f.Add(unhex(f, m.packed))
	}
	f.Add([]byte("\x1e\x95\x01\x80\xa11\xa1T\x91\xb5" + strings.Repeat("x", 21)))
	f.Add([]byte("\x92\x01\x95\x01\x80\xa11\xa1T\x91\xd9\x88" + strings.Repeat("x", 136)))
	f.Fuzz(func(t *testing.T, in []byte) {
		late := append([]byte{recordSeparator}, in...)
		for _, buf := range [][]byte{in, late} {
			want, more := SkipLateSeparator(MessagePack, buf)
			for i := range buf {
				n, undecided := SkipLateSeparator(MessagePack, buf[:i])
				for j := range min(i, 2) { // with the separator, and without
					if body, _, err := MessagePack.Next(buf[j:i], fuzzLimit); undecided && len(body) > 0 && err == nil {
						t.Fatalf("%x is a whole message, and waits", buf[:i])
					}
				}
				if !undecided && (n != want || more) {
					t.Fatalf("%x: %d after %d bytes, then %d, %v", buf, n, i, want, more)
				}
			}
		}
		body, n, err := MessagePack.Next(in, fuzzLimit)
		var m Message
		if err != nil || n == 0 || MessagePack.Decode(body, &m) != nil {
			return
		}
		if n, more := SkipLateSeparator(MessagePack, late); n != 1 || more {
			t.Errorf("the separator before %x: %d, %v", in, n, more)
		}
		if m.Type == TypePing || !m.Type.Known() {
			return
		}
		if n, more := SkipLateSeparator(MessagePack, in); n != 0 || more {
			t.Errorf("%x: %d, %v", in, n, more)
		}
	})
}
