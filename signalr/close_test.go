package signalr

import (
	"strings"
	"testing"

	"hubline/transports"
)

// Reference section 4.8: what ends a connection, and what the client is told.
func TestClose(t *testing.T) {
	const failed = `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`
	const tooLarge = `{"type":7,"error":"Connection closed with an error. InvalidDataException: The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.","allowReconnect":true}`
	tests := []struct {
		name, in string
		detailed bool
		want     string
		end      transports.Reason
	}{
		{"client closes", `{"type":7}` + "\x1e", false, `{"type":7}`, transports.ReasonClientClosed},
		{"client closes with an error", `{"type":7,"error":"x","allowReconnect":true}` + "\x1e", false, `{"type":7}`, transports.ReasonClientClosed},
		{"nothing is read after Close", `{"type":7}` + "\x1egarbage\x1e", false, `{"type":7}`, transports.ReasonClientClosed},
		{"garbage", "garbage\x1e", false, failed, transports.ReasonProtocolError},
		{"garbage, detailed", "garbage\x1e", true, `{"type":7,"error":"Connection closed with an error. InvalidDataException: Error reading JSON.","allowReconnect":true}`, transports.ReasonProtocolError},
		{"no type", "{}\x1e", false, failed, transports.ReasonProtocolError},
		{"empty message", "\x1e", false, failed, transports.ReasonProtocolError},
		{"too large", strings.Repeat(" ", 32769), false, tooLarge, transports.ReasonTooLarge},
		{"too large with its end", strings.Repeat(" ", 32768) + "\x1e", false, tooLarge, transports.ReasonTooLarge},
		{"handshake again", jsonShake, false, failed, transports.ReasonProtocolError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := adder(Config{DetailedErrors: tt.detailed})
				p := connect(t, h, Options{})
				_ = p.send(tt.in)
				p.want(tt.want)
				p.wantEnd(tt.end)
				st := h.Stats()
				if got, want := st.ProtocolErrors == 1, tt.end == transports.ReasonProtocolError; got != want {
					t.Errorf("stats %+v", st)
				}
			})
		})
	}
}

func TestCloseInMessagePack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.shake(packedShake)
		p.must("\x03\x92\x07\xc0")
		p.want("\x04\x93\x07\xc0\xc2")
		p.wantEnd(transports.ReasonClientClosed)
	})
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.shake(packedShake)
		_ = p.send("\xff\xff\xff\xff\x0f")
		p.want("\x25\x93\x07\xd9\x20Connection closed with an error.\xc3")
		p.wantEnd(transports.ReasonProtocolError)
	})
}

// Reference sections 4.6 and 4.2: nothing of this ends or answers.
func TestIgnoredMessages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		for _, m := range []string{
			`{"type":99,"target":7}`,
			`{"type":0}`,
			`{"type":2,"invocationId":"7","item":1}`,
			`{"type":3,"invocationId":"7","result":1}`,
			`{"type":3,"invocationId":"7","error":"x"}`,
			`{"type":5,"invocationId":"7"}`,
			`{"type":6}`,
			`{"type":8,"sequenceId":-1}`,
			`{"type":9,"sequenceId":99}`,
		} {
			p.call(m)
		}
		p.want()
		p.call(`{"type":1,"invocationId":"1","target":"Add","arguments":[1,1]}`)
		p.want(`{"type":3,"invocationId":"1","result":2}`)
	})
}

func TestLeave(t *testing.T) {
	const back = `{"type":7,"allowReconnect":true}`
	for reason, want := range map[transports.Reason]string{
		transports.ReasonDrain:    back,
		transports.ReasonExpired:  back,
		transports.ReasonSlow:     back,
		transports.ReasonRevoked:  `{"type":7}`,
		transports.ReasonReplaced: `{"type":7}`,
	} {
		bubble(t, func(t *testing.T) {
			p := connect(t, adder(Config{}), Options{})
			p.s.Leave(reason)
			p.s.Leave(transports.ReasonRevoked)
			p.want(want)
			p.wantEnd(reason)
		})
	}
}

func TestLeaveBeforeTheHandshakeSaysNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.s.Leave(transports.ReasonDrain)
		p.want()
		p.wantEnd(transports.ReasonDrain)
	})
}

func TestSeveralSmallMessagesMayExceedTheLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.must(strings.Repeat(jsonPing, 10_000) + `{"type":`)
		p.must(`6}` + "\x1e" + `{"type":1,"invocationId":"1","target":"Nothing","arguments":[]}` + "\x1e")
		p.want(`{"type":3,"invocationId":"1","result":null}`)
	})
}

func TestAMessageOfTheLimitIsAccepted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := New(Config{})
		h.Handle("Len", func(s string) int { return len(s) })
		p := connect(t, h, Options{})
		head, tail := `{"type":1,"invocationId":"1","target":"Len","arguments":["`, `"]}`+"\x1e"
		n := 32768 - len(head) - len(tail)
		for _, piece := range strings.SplitAfter(head+strings.Repeat("x", n)+tail, "xxxxxxxx") {
			p.must(piece)
		}
		p.want(`{"type":3,"invocationId":"1","result":32706}`)
		if n != 32706 {
			t.Errorf("n = %d", n)
		}
	})
}

func TestALargePostIsNotHeldForItsRest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.LongPolling, Options{})
		p.shake(jsonShake)
		p.must(`{"ty`)
		p.must(`pe":6}` + "\x1e" + strings.Repeat(jsonPing, 50_000) + `{"ty`)
		if n := cap(p.s.in); n > 1<<10 {
			t.Errorf("%d bytes are held for four", n)
		}
		p.must(`pe":6}` + "\x1e")
		if p.s.in != nil {
			t.Error("an idle connection holds a buffer")
		}
	})
}
