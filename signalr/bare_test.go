package signalr

import (
	"fmt"
	"strings"
	"testing"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// A handshake without its separator may be a message of the carrier; the separator
// may follow or not, by itself or before whatever message.
func TestLateSeparatorOfABareHandshake(t *testing.T) {
	sizes := []int{29, 30, 31, 100, 128, 142, 272, 280, 287, 300}
	for n := range 18 {
		sizes = append(sizes, 143+n) // their lengths begin like arrays
	}
	for _, codec := range []protocol.Codec{protocol.JSON, protocol.MessagePack} {
		shake := fmt.Sprintf(`{"protocol":%q,"version":1}`, codec.Name())
		for _, size := range sizes {
			call := callOf(t, codec, size)
			for name, pieces := range map[string][]string{
				"no separator": {shake, call},
				"separator":    {shake, "\x1e" + call},
				"by itself":    {shake, "\x1e", call},
				"in pieces":    append([]string{shake}, strings.Split("\x1e"+call, "")...),
				"none, pieces": append([]string{shake}, strings.Split(call, "")...),
				"not bare":     {shake + "\x1e", call},
			} {
				bubble(t, func(t *testing.T) {
					h := New(Config{})
					h.Handle("L", func(s string) int { return len(s) })
					p := dial(t, h, transports.WebSockets, Options{})
					for _, piece := range pieces {
						p.must(piece)
					}
					p.wantEnd("")
					if n := len(p.take()); n != 2 {
						t.Errorf("%s, %d bytes, %s: %d messages came", codec.Name(), size, name, n)
					}
				})
			}
		}
	}
}

// callOf is a call of L with a body of so many bytes.
func callOf(t *testing.T, codec protocol.Codec, size int) string {
	t.Helper()
	for n := range size {
		arg, err := codec.Marshal(strings.Repeat("x", n), protocol.NamesExact)
		if err != nil {
			t.Fatal(err)
		}
		b, err := codec.Append(nil, &protocol.Message{Type: protocol.TypeInvocation, InvocationID: "1", Target: "L", Arguments: []protocol.Raw{arg}})
		if err != nil {
			t.Fatal(err)
		}
		if body, _, _ := codec.Next(b, 0); len(body) >= size || !codec.Binary() {
			return string(b)
		}
	}
	t.Fatalf("no call of %d bytes", size)
	return ""
}
