package signalr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// plainEnvelopes shows little.
var plainEnvelopes = Envelopes{
	Event: func(dst []byte, ev *replay.Event, epoch string, seq uint64) []byte {
		return fmt.Appendf(dst, `{"cursor":"%s-%d","data":%s}`, epoch, seq, ev.Data)
	},
	Gap: func(dst []byte, g *replay.Gap, behind replay.Cursor) []byte {
		return fmt.Appendf(dst, `{"from":%d,"to":%d,"cursor":"%s"}`, g.From, g.To, behind)
	},
}

func TestStreamEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		for i := range 10 { // the log keeps eight
			f.publish("n", fmt.Sprint(i+1))
		}
		p := connect(t, NewEvents(Config{Envelopes: plainEnvelopes}, f.b), Options{})
		envelope := func(n int) string { return item("1", fmt.Sprintf(`{"cursor":"%s-%d","data":%d}`, f.epoch(), n, n)) }
		p.stream("1", "StreamEvents", "1")
		want := []string{item("1", fmt.Sprintf(`{"from":2,"to":2,"cursor":"%s-2"}`, f.epoch()))}
		for i := 3; i <= 10; i++ {
			want = append(want, envelope(i))
		}
		p.want(want...)
		f.publish("n", "11")
		got := p.take() // the connection's own event and the stream's, in any order
		slices.SortFunc(got, func(a, b frame) int { return strings.Compare(a.text, b.text) })
		if len(got) != 2 || got[0].text != event(f, 11, "n", "11")+"\x1e" || got[1].text != envelope(11)+"\x1e" {
			t.Errorf("got %v", got)
		}
		p.call(`{"type":5,"invocationId":"1"}`)
		p.want(`{"type":3,"invocationId":"1"}`)
		p.wantRest()
		if n := f.b.Stats().Connections; n != 1 {
			t.Errorf("%d subscriptions", n)
		}
	})
}

func TestStreamEventsRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := broker.New(broker.Config{MaxConnectionsPerUser: 1}, replay.NewStore(replay.Config{}))
		p := connect(t, NewEvents(Config{Envelopes: plainEnvelopes}, b), Options{})
		for _, since := range []string{`"0"`, `"x y"`} {
			p.stream("1", "StreamEvents", since)
			got := p.take()
			if len(got) != 1 || !strings.HasPrefix(got[0].text, `{"type":3,"invocationId":"1","error":"An unexpected error occurred invoking 'StreamEvents' on the server. HubException: `) {
				t.Errorf("%s: %v", since, got)
			}
		}
		p = connect(t, NewEvents(Config{}, newFixture(t).b), Options{})
		p.stream("1", "StreamEvents", "0")
		p.want(`{"type":3,"invocationId":"1","error":"Failed to invoke 'StreamEvents' due to an error on the server. HubException: Method does not exist."}`)
	})
}

// What may be published at all reaches hub clients, however deep.
func TestTheDeepestEventIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		for i, shake := range []string{jsonShake, packedShake} {
			for _, meta := range []bool{false, true} {
				p := dialAs(t, h, fmt.Sprint(i, meta), transports.WebSockets, Options{Meta: meta})
				p.shake(shake)
				f.publish("deep", strings.Repeat("[", 62)+strings.Repeat("]", 62))
				if n := len(p.take()); n != 1 {
					t.Errorf("%d messages", n)
				}
			}
		}
	})
}
