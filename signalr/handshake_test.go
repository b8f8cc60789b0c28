package signalr

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
)

// Reference section 3: bytes, order, error texts; opcodes by section 2.1.
func TestHandshake(t *testing.T) {
	const unexpected = "An unexpected error occurred during connection handshake."
	tests := []struct {
		name      string
		transport transports.Transport
		pieces    []string
		detailed  bool
		want      []frame
		end       transports.Reason
	}{
		{"json", transports.WebSockets, []string{jsonShake}, false, []frame{{"{}\x1e", false}}, ""},
		{"messagepack answers in binary", transports.WebSockets, []string{packedShake}, false, []frame{{"{}\x1e", true}}, ""},
		{"messagepack over polls", transports.LongPolling, []string{packedShake}, false, []frame{{"{}\x1e", true}}, ""},
		{"json over SSE", transports.ServerSentEvents, []string{jsonShake}, false, []frame{{"{}\x1e", false}}, ""},
		{"version 2", transports.WebSockets, []string{`{"version":2,"protocol":"JSON"}` + "\x1e"}, false, []frame{{"{}\x1e", false}}, ""},
		{"in pieces", transports.WebSockets, strings.Split(jsonShake, ""), false, []frame{{"{}\x1e", false}}, ""},
		{"without separator in a frame", transports.WebSockets, []string{strings.TrimSuffix(packedShake, "\x1e")}, false, []frame{{"{}\x1e", true}}, ""},
		{"without separator in a POST", transports.LongPolling, []string{strings.TrimSuffix(jsonShake, "\x1e")}, false, nil, ""},
		{"nothing", transports.WebSockets, nil, false, nil, ""},
		{
			"unknown protocol", transports.WebSockets,
			[]string{`{"protocol":"x\"ml","version":1}` + "\x1e"},
			false,
			[]frame{{`{"error":"The protocol 'x\"ml' is not supported."}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
		{
			"version 3", transports.WebSockets,
			[]string{`{"protocol":"messagepack","version":3}` + "\x1e"},
			false,
			[]frame{{`{"error":"The server does not support version 3 of the 'messagepack' protocol."}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
		{
			"messagepack over SSE", transports.ServerSentEvents,
			[]string{packedShake},
			false,
			[]frame{{`{"error":"Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer format."}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
		{
			"garbage", transports.WebSockets,
			[]string{"hello\x1e"},
			false,
			[]frame{{`{"error":"` + unexpected + `"}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
		{
			"garbage, detailed", transports.WebSockets,
			[]string{`{"version":1}` + "\x1e"},
			true,
			[]frame{{`{"error":"` + unexpected + ` InvalidDataException: Missing required property 'protocol'. Message content: {\"version\":1}"}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
		{
			"too long", transports.WebSockets,
			[]string{strings.Repeat(" ", 32<<10), " "},
			false,
			[]frame{{`{"error":"Handshake was canceled."}` + "\x1e", false}},
			transports.ReasonHandshake,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := dial(t, adder(Config{DetailedErrors: tt.detailed}), tt.transport, Options{})
				for _, piece := range tt.pieces {
					_ = p.send(piece)
				}
				if diff := cmp.Diff(tt.want, p.take(), cmp.AllowUnexported(frame{})); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				p.wantEnd(tt.end)
			})
		})
	}
}

func TestBytesBehindTheHandshakeAreKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.must(jsonShake + jsonPing + `{"type":1,"invocationId":"0","target":"Add","arguments":[1,2]}` + "\x1e" + `{"type":1,"invoc`)
		p.want(`{}`, `{"type":3,"invocationId":"0","result":3}`)
		p.must(`ationId":"1","target":"add","arguments":[2,2]}` + "\x1e")
		p.want(`{"type":3,"invocationId":"1","result":4}`)
	})
}

func TestHandshakeTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := adder(Config{})
		p := dial(t, h, transports.WebSockets, Options{})
		p.must(jsonShake[:10])
		time.Sleep(14 * time.Second)
		p.want()
		p.wantEnd("")
		time.Sleep(2 * time.Second)
		p.want(`{"error":"Handshake was canceled."}`)
		p.wantEnd(transports.ReasonHandshake)
		if st := h.Stats(); st.HandshakeErrors != 1 || st.Handshakes != 0 {
			t.Errorf("stats %+v", st)
		}
		p.must(jsonShake[10:]) // too late, and harmless
		p.want()
	})
}

func TestHandshakeIsNotTimedOutOnceDone(t *testing.T) {
	for _, tr := range transports.All() {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{}), tr, Options{})
			time.Sleep(14 * time.Second)
			p.shake(jsonShake)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			p.wantEnd("")
		})
	}
}

// A bare handshake is one message of the carrier: pieces are not tried again and
// again.
func TestABareHandshakeIsNotPutTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.must(`{"protocol":"json",`)
		p.must(`"version":1}`)
		p.want()
		p.must("\x1e")
		p.want("{}")
	})
}
