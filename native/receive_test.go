package native

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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

// The device is not known: it begins at the head, 5, and may name a place before that.
func TestAckMovesTheDevicesCursor(t *testing.T) {
	tests := []struct {
		message string
		want    uint64
	}{
		{`{"type":"ack","cursor":"E-3"}`, 3},
		{`{"type":"ack","cursor":"3"}`, 3},
		{`{"type":"ack","cursor":3}`, 3},
		{`{"type":"ack","cursor":"0"}`, 0},
		{`{"type":"ack","cursor":"E-5"}`, 5},
		{`{"type":"ack","cursor":"E-6"}`, 5},
		{`{"type":"ack","cursor":"other-3"}`, 5},
		{`{"type":"ack","cursor":3.5}`, 5},
		{`{"type":"ack","cursor":-3}`, 5},
		{`{"type":"ack","cursor":"latest"}`, 5},
		{`{"type":"ack","cursor":""}`, 5},
		{`{"type":"ack","cursor":null}`, 5},
		{`{"type":"ack","cursor":{}}`, 5},
		{`{"type":"ack","cursor":"` + strings.Repeat("3", 100) + `"}`, 5},
		{`{"type":"ack"}`, 5},
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
				if got, _ := f.b.DeviceCursor("u", "d"); got.Seq != tt.want {
					t.Errorf("saved %v, want %d", got, tt.want)
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
