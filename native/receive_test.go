package native

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/replay"
	"hubline/transports"
)

const (
	pingText = `{"type":"ping"}`
	pongText = `{"type":"pong"}`
)

// noChannels is the answer to a request that this server cannot fulfil yet.
func noChannels(ref string) string {
	return `{"type":"hubline.reply","data":{"ref":"` + ref + `","ok":false,"error":"this server has no channels"}}`
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name, message string
		want          []string
	}{
		{"ping", pingText, []string{pongText}},
		{"ping with spaces", ` { "type" : "ping" } `, []string{pongText}},
		{"ping with more fields", `{"type":"ping","ts":1,"ref":5,"cursor":null}`, []string{pongText}},
		{"pong", pongText, nil},
		{"subscribe", `{"type":"subscribe","channel":"c","ref":"r1"}`, []string{noChannels("r1")}},
		{"unsubscribe", `{"type":"unsubscribe","channel":"c","ref":"r2"}`, []string{noChannels("r2")}},
		{"subscribe without ref", `{"type":"subscribe","channel":"c"}`, []string{noChannels("")}},
		{"ref that is a number", `{"type":"subscribe","channel":"c","ref":7}`, []string{noChannels("")}},
		{"ref that needs escapes", `{"type":"subscribe","channel":"c","ref":"a\"\u2028"}`, []string{noChannels(`a\"\u2028`)}},
		{"longest ref", `{"type":"subscribe","ref":"` + strings.Repeat("r", 128) + `"}`, []string{noChannels(strings.Repeat("r", 128))}},
		{
			"longer ref", `{"type":"subscribe","ref":"` + strings.Repeat("r", 129) + `"}`,
			[]string{`{"type":"hubline.reply","data":{"ref":"","ok":false,"error":"ref is longer than 128 bytes"}}`},
		},
		{"ack", `{"type":"ack","cursor":"5"}`, nil},
		{"unknown type", `{"type":"dance"}`, nil},
		{"type that is no text", `{"type":5}`, nil},
		{"no type", `{}`, nil},
		{"null", `null`, nil},
		{"array", `[{"type":"ping"}]`, nil},
		{"text", `"ping"`, nil},
		{"no JSON", `ping`, nil},
		{"broken JSON", `{"type":"ping"`, nil},
		{"two values", `{"type":"ping"}{"type":"ping"}`, nil},
		{"nothing", ``, nil},
		{"binary", "\x00\xff\xfe", nil},
		{"deep", strings.Repeat("[", 20_000), nil},
	}
	for _, tt := range tests {
		for _, control := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.name, " control ", control), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					p := newFixture(t).dial(ws, Options{Control: control})
					p.take()
					p.send(tt.message)
					p.want(tt.want...)
					p.wantEnd("")
					p.send(pingText) // it goes on
					p.want(pongText)
				})
			})
		}
	}
}

func TestAckMovesTheDevicesCursor(t *testing.T) {
	tests := []struct {
		message string
		want    uint64
		ok      bool
	}{
		{`{"type":"ack","cursor":"E-3"}`, 3, true},
		{`{"type":"ack","cursor":"3"}`, 3, true},
		{`{"type":"ack","cursor":3}`, 3, true},
		{`{"type":"ack","cursor":"0"}`, 0, true},
		{`{"type":"ack","cursor":"E-5"}`, 5, true},
		{`{"type":"ack","cursor":"E-6"}`, 0, false},
		{`{"type":"ack","cursor":"other-3"}`, 0, false},
		{`{"type":"ack","cursor":3.5}`, 0, false},
		{`{"type":"ack","cursor":-3}`, 0, false},
		{`{"type":"ack","cursor":"latest"}`, 0, false},
		{`{"type":"ack","cursor":""}`, 0, false},
		{`{"type":"ack","cursor":null}`, 0, false},
		{`{"type":"ack","cursor":{}}`, 0, false},
		{`{"type":"ack","cursor":"` + strings.Repeat("3", 100) + `"}`, 0, false},
		{`{"type":"ack"}`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.message, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				f.publishN(5)
				p := f.dial(ws, Options{Device: "d"})
				p.send(strings.ReplaceAll(tt.message, "E-", f.epoch()+"-"))
				p.want()
				p.wantEnd("")
				if got, ok := f.b.DeviceCursor("u", "d"); ok != tt.ok || got.Seq != tt.want {
					t.Errorf("saved %v, %v; want %d, %v", got, ok, tt.want, tt.ok)
				}
			})
		})
	}
}

// Pings that come while the client takes nothing share one pong, and cost one
// wake-up each and no memory.
func TestPongsAreCoalesced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(ws, Options{})
		p.take()
		p.stalled.Lock()
		for range 1000 {
			p.send(pingText)
		}
		p.stalled.Unlock()
		p.want(pongText)
		p.send(pingText)
		p.want(pongText)
	})
}

// hubline.ready is the first message even when the client pings before it.
func TestReadyComesBeforeAnyPong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(1)
		p := f.pipe(ws)
		cfg := Config{}.WithDefaults()
		s, err := New(&cfg, f.b, p, Options{User: "u", Since: f.since("0"), Control: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Receive([]byte(pingText), true); err != nil {
			t.Fatal(err)
		}
		p.serve(s)
		p.want(readyText("E-0", 1, 1, 1, true), pongText, event(1, "t"))
	})
}

// A message may come in any number of pieces, and is bounded as a whole.
func TestMessagesInPieces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(ws, Options{})
		for i := 1; i < len(pingText); i++ {
			for _, part := range []struct {
				text string
				end  bool
			}{{pingText[:i], false}, {"", false}, {pingText[i:], true}} {
				if err := p.s.Receive([]byte(part.text), part.end); err != nil {
					t.Fatal(err)
				}
			}
			p.want(pongText)
		}
		for i := range len(pingText) {
			if err := p.s.Receive([]byte(pingText[i:i+1]), false); err != nil {
				t.Fatal(err)
			}
		}
		p.want()
		p.send("") // the end of it
		p.want(pongText)
	})
}

// The caller's buffer is used again after Receive.
func TestPiecesAreCopied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(ws, Options{})
		buf := []byte(pingText[:5])
		if err := p.s.Receive(buf, false); err != nil {
			t.Fatal(err)
		}
		copy(buf, "-----")
		p.send(pingText[5:])
		p.want(pongText)
	})
}

func TestMessageBound(t *testing.T) {
	const bound = 100
	message := func(n int) string { return pingText + strings.Repeat(" ", n-len(pingText)) }
	cfg := Config{MaxMessageBytes: bound}.WithDefaults()
	tests := []struct {
		name  string
		parts []string
		ok    bool
	}{
		{"at the bound", []string{message(bound)}, true},
		{"one more", []string{message(bound + 1)}, false},
		{"at the bound, in pieces", []string{message(bound)[:60], message(bound)[60:]}, true},
		{"one more, in pieces", []string{message(bound + 1)[:bound], " "}, false},
		{"no end", []string{message(bound), message(bound)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := newFixture(t).dialWith(&cfg, ws, Options{})
				var err error
				for i, part := range tt.parts {
					err = p.s.Receive([]byte(part), i == len(tt.parts)-1)
				}
				if tt.ok {
					if p.want(pongText); err != nil {
						t.Error(err)
					}
					p.wantEnd("")
					return
				}
				if !errors.Is(err, errTooLarge) {
					t.Errorf("err = %v", err)
				}
				p.want()
				p.wantEnd(transports.ReasonTooLarge)
			})
		})
	}
}

// A client that asks and does not read is given up when too many answers, or
// too many bytes of them, wait.
func TestUnreadAnswersAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name, ref string
		room      int
	}{
		{"answers", "r", maxNotices},
		// Every < becomes six bytes.
		{"bytes", strings.Repeat("<", maxRefBytes), maxNoticeBytes / len(noChannels(strings.Repeat(`\u003c`, maxRefBytes)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := newFixture(t).dial(ws, Options{Control: true})
				p.take()
				p.stalled.Lock()
				synctest.Wait()
				request := []byte(`{"type":"subscribe","ref":"` + tt.ref + `"}`)
				for i := range tt.room {
					if err := p.s.Receive(request, true); err != nil {
						t.Fatalf("answer %d: %v", i+1, err)
					}
				}
				if err := p.s.Receive(request, true); !errors.Is(err, errFlood) {
					t.Errorf("one more: %v", err)
				}
				p.stalled.Unlock()
				got := p.take()
				if n := len(got); n != tt.room+1 || !strings.HasPrefix(got[n-1], `{"type":"hubline.closing","data":{"reason":"slow"`) {
					t.Errorf("%d messages, the last %s", n, got[n-1])
				}
				p.wantEnd(transports.ReasonSlow)
			})
		})
	}
}

// After reading, there is room again.
func TestReadAnswersMakeRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(ws, Options{})
		for range 3 * maxNotices {
			p.send(`{"type":"subscribe","ref":"r"}`)
			p.want(noChannels("r"))
		}
	})
}

// FuzzReceive: whatever a client sends, in whatever pieces, nothing breaks, the
// answers are the same, and what is kept is bounded.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(pingText), 3)
	f.Add([]byte(`{"type":"ack","cursor":"k7q2-57"}`), 1)
	f.Add([]byte(`{"type":"subscribe","channel":"c","ref":"a"}`), 100)
	f.Add([]byte(`{"type":"ack","cursor":18446744073709551616}`), 7)
	f.Add([]byte(strings.Repeat(`[`, 300)), 50)
	cfg := Config{MaxMessageBytes: 256}.WithDefaults()
	fx := &fixture{t: f, b: newFixture(f).b}
	fx.publishN(60)
	f.Fuzz(func(t *testing.T, message []byte, size int) {
		size = max(1, size)
		answers := func(pieces bool) (got []string, ok bool) {
			rec := &recorder{}
			p := fx.pipe(ws)
			s, err := New(&cfg, fx.b, p, Options{User: "u", Device: "d"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Closed(transports.ReasonLost)
			rest := message
			for pieces && len(rest) > size && err == nil {
				err = s.Receive(rest[:size], false)
				rest = rest[size:]
			}
			if err == nil {
				err = s.Receive(rest, true)
			}
			if len(s.in) > 0 {
				t.Errorf("%d bytes are kept after the message", len(s.in))
			}
			s.Fill(transports.NewBatch(rec))
			return rec.got, err == nil
		}
		whole, ok := answers(false)
		parts, okParts := answers(true)
		if ok != okParts || ok != (len(message) <= cfg.MaxMessageBytes) || fmt.Sprint(whole) != fmt.Sprint(parts) {
			t.Errorf("whole: %v %q, in pieces: %v %q", ok, whole, okParts, parts)
		}
		st := fx.b.Store().State("u")
		if c, saved := fx.b.DeviceCursor("u", "d"); saved && (c.Epoch != st.Epoch || c.Seq > st.Head) {
			t.Errorf("saved %v", replay.Cursor(c))
		}
	})
}
