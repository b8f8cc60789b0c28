package signalr

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

func since(t testing.TB, text string) replay.Since {
	t.Helper()
	s, err := replay.ParseSince(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGenericEvents(t *testing.T) {
	tests := []struct {
		name  string
		event replay.Event
		meta  bool
		want  string // EPOCH stands for the epoch
	}{
		{
			"data",
			replay.Event{Type: "news", Data: []byte(`{"b":1, "a":[2]}`)},
			false,
			`{"type":1,"headers":{"seq":"1","cursor":"EPOCH-1"},"target":"news","arguments":[{"b":1, "a":[2]}]}`,
		},
		{
			"no data",
			replay.Event{Type: "news"},
			false,
			`{"type":1,"headers":{"seq":"1","cursor":"EPOCH-1"},"target":"news","arguments":[null]}`,
		},
		{
			"arguments",
			replay.Event{Type: "two", Data: []byte(`0`), Arguments: []byte(`["a",2]`)},
			false,
			`{"type":1,"headers":{"seq":"1","cursor":"EPOCH-1"},"target":"two","arguments":["a",2]}`,
		},
		{
			"meta",
			replay.Event{ID: "i\"d", Type: "news", Data: []byte(`5`), Time: 1763596800000, Channel: "c"},
			true,
			`{"type":1,"headers":{"seq":"1","cursor":"EPOCH-1"},"target":"news","arguments":[5,{"seq":1,"cursor":"EPOCH-1","id":"i\"d","ts":1763596800000,"channel":"c"}]}`,
		},
		{
			"meta without a channel, no arguments",
			replay.Event{ID: "i", Type: "news", Arguments: []byte(`[]`), Time: 7},
			true,
			`{"type":1,"headers":{"seq":"1","cursor":"EPOCH-1"},"target":"news","arguments":[{"seq":1,"cursor":"EPOCH-1","id":"i","ts":7}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				p := connect(t, NewEvents(Config{}, f.b), Options{Meta: tt.meta})
				ev := tt.event
				f.put(&ev)
				p.want(strings.ReplaceAll(tt.want, "EPOCH", f.epoch()))
			})
		})
	}
}

func TestGenericEventInMessagePack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := dial(t, NewEvents(Config{}, f.b), transports.WebSockets, Options{})
		p.shake(packedShake)
		f.publish("n", `{"a":1}`)
		cursor := f.epoch() + "-1"
		body := "\x96\x01\x82\xa3seq\xa11\xa6cursor" + string([]byte{0xa0 | byte(len(cursor))}) + cursor + "\xc0\xa1n\x91\x81\xa1a\x01\x90"
		want := []frame{{string([]byte{byte(len(body))}) + body, true}}
		if diff := cmp.Diff(want, p.take(), cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("client got (-want +got):\n%s", diff)
		}
	})
}

func event(f *fixture, seq int, target, data string) string {
	return fmt.Sprintf(`{"type":1,"headers":{"seq":"%d","cursor":"%s-%d"},"target":"%s","arguments":[%s]}`, seq, f.epoch(), seq, target, data)
}

// No event overtakes the handshake's answer, and none gets lost before it.
func TestEventsBeforeTheHandshakeFollowIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := dial(t, NewEvents(Config{}, f.b), transports.WebSockets, Options{})
		f.publish("a", "1")
		p.want()
		p.must(jsonShake)
		f.publish("b", "2")
		p.want("{}", event(f, 1, "a", "1"), event(f, 2, "b", "2"))
	})
}

func TestResume(t *testing.T) {
	ready := func(f *fixture, cursor string, head, oldest, replayed int, recovered bool) string {
		return fmt.Sprintf(`{"type":1,"target":"hubline.ready","arguments":[{"connectionId":"conn-1","cursor":"%s","head":%d,"oldest":%d,"replayed":%d,"recovered":%v}]}`,
			cursor, head, oldest, replayed, recovered)
	}
	gap := func(from, to int, reason, behind string) string {
		return fmt.Sprintf(`{"type":1,"target":"hubline.gap","arguments":[{"from":%d,"to":%d,"reason":"%s","cursor":"%s"}]}`, from, to, reason, behind)
	}
	tests := []struct {
		name    string
		since   string
		control bool
		want    func(f *fixture, e string) []string
	}{
		{"latest", "latest", false, func(*fixture, string) []string { return nil }},
		{"latest with control", "latest", true, func(f *fixture, e string) []string {
			return []string{ready(f, e+"-10", 10, 3, 0, true)}
		}},
		{"cursor", "EPOCH-8", true, func(f *fixture, e string) []string {
			return []string{ready(f, e+"-8", 10, 3, 2, true), event(f, 9, "n", "9"), event(f, 10, "n", "10")}
		}},
		{"head", "10", true, func(f *fixture, e string) []string {
			return []string{ready(f, e+"-10", 10, 3, 0, true)}
		}},
		{"a gap is announced even without control", "1", false, func(f *fixture, e string) []string {
			want := []string{gap(2, 2, "limit", f.epoch()+"-2")}
			for i := 3; i <= 10; i++ {
				want = append(want, event(f, i, "n", fmt.Sprint(i)))
			}
			return want
		}},
		{"ahead", "12", true, func(f *fixture, e string) []string {
			return []string{ready(f, e+"-10", 10, 3, 0, false), gap(11, 12, "ahead", e+"-10")}
		}},
		{"another epoch", "other-10", true, func(f *fixture, e string) []string {
			want := []string{ready(f, "other-10", 10, 3, 8, false), gap(0, 2, "epoch", e+"-2")}
			for i := 3; i <= 10; i++ {
				want = append(want, event(f, i, "n", fmt.Sprint(i)))
			}
			return want
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				for i := range 10 { // the log keeps eight
					f.publish("n", fmt.Sprint(i+1))
				}
				o := Options{Since: since(t, strings.ReplaceAll(tt.since, "EPOCH", f.epoch())), Control: tt.control}
				p := connect(t, NewEvents(Config{}, f.b), o)
				f.publish("live", "0")
				p.want(append(tt.want(f, f.epoch()), event(f, 11, "live", "0"))...)
			})
		})
	}
}

func TestGapsInTheMiddleStandInTheirPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("a", "1")
		f.put(&replay.Event{Type: "short", Expires: time.Now().Add(time.Second).UnixMilli()})
		f.publish("c", "3")
		time.Sleep(2 * time.Second)
		p := connect(t, NewEvents(Config{}, f.b), Options{Since: since(t, "0")})
		p.want(event(f, 1, "a", "1"), `{"type":1,"target":"hubline.gap","arguments":[{"from":2,"to":2,"reason":"expired","cursor":"`+f.epoch()+`-2"}]}`, event(f, 3, "c", "3"))
	})
}

func TestLongReplayIsComplete(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fixture{t: t, b: broker.New(broker.Config{QueueEvents: 4}, replay.NewStore(replay.Config{MaxEvents: 5000}))}
		var want []string
		for i := range 3000 {
			f.publish("n", fmt.Sprint(i))
			want = append(want, event(f, i+1, "n", fmt.Sprint(i)))
		}
		p := connect(t, NewEvents(Config{}, f.b), Options{Since: since(t, "0")})
		for i := 3000; i < 3100; i++ {
			f.publish("n", fmt.Sprint(i))
			want = append(want, event(f, i+1, "n", fmt.Sprint(i)))
		}
		p.want(want...)
	})
}

func TestEventsThatCannotBeSentAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		p := connect(t, h, Options{})
		f.publish("deep", strings.Repeat("[", 64)+strings.Repeat("]", 64))
		f.publish("a", "1")
		p.want(event(f, 2, "a", "1"))
		if n := h.Stats().Unsendable; n != 1 {
			t.Errorf("%d counted", n)
		}
	})
}

// What was accepted before a goodbye is sent before it, since the client may have
// no cursor to come back with; nothing is sent behind it.
func TestEventsBeforeTheGoodbye(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(p *pipe)
		reason transports.Reason
		events bool
		close  string
	}{
		{"drain", func(p *pipe) { p.s.Leave(transports.ReasonDrain) }, transports.ReasonDrain, true, `{"type":7,"allowReconnect":true}`},
		{"expiry", func(p *pipe) { p.s.Leave(transports.ReasonExpired) }, transports.ReasonExpired, true, `{"type":7,"allowReconnect":true}`},
		{"revoked", func(p *pipe) { p.s.Leave(transports.ReasonRevoked) }, transports.ReasonRevoked, false, `{"type":7}`},
		{"the client's own", func(p *pipe) { p.call(`{"type":7}`) }, transports.ReasonClientClosed, true, `{"type":7}`},
		{"protocol error", func(p *pipe) { _ = p.send("x\x1e") }, transports.ReasonProtocolError, true, `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				p := connect(t, NewEvents(Config{}, f.b), Options{})
				p.stalled.Lock()
				f.publish("a", "1")
				f.publish("b", "2")
				tt.end(p)
				p.stalled.Unlock()
				want := []string{event(f, 1, "a", "1"), event(f, 2, "b", "2"), tt.close}
				if !tt.events {
					want = want[2:]
				}
				p.want(want...)
				f.publish("c", "3")
				p.want()
				p.wantEnd(tt.reason)
			})
		})
	}
}

// More than one batch is left to the next connection: a goodbye is not held up.
func TestTheGoodbyeComesBehindOneBatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := connect(t, NewEvents(Config{}, f.b), Options{})
		p.stalled.Lock()
		for range 6 {
			f.publish("large", `"`+strings.Repeat("x", 20<<10)+`"`)
		}
		p.s.Leave(transports.ReasonDrain)
		p.stalled.Unlock()
		got := p.take()
		if n := len(got); n < 3 || n > 5 || got[n-1].text != `{"type":7,"allowReconnect":true}`+"\x1e" {
			t.Errorf("%d messages", n)
		}
		p.wantEnd(transports.ReasonDrain)
		if st := f.b.Stats(); st.Connections != 0 || st.Users != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
}

func TestReplayMethod(t *testing.T) {
	tests := []struct{ name, arg, result string }{
		{"cursor", `"EPOCH-8"`, `{"replayed":2,"gap":null,"cursor":"EPOCH-10"}`},
		{"bare seq as text", `"8"`, `{"replayed":2,"gap":null,"cursor":"EPOCH-10"}`},
		{"bare seq as number", `8`, `{"replayed":2,"gap":null,"cursor":"EPOCH-10"}`},
		{"head", `10`, `{"replayed":0,"gap":null,"cursor":"EPOCH-10"}`},
		{"latest", `"latest"`, `{"replayed":0,"gap":null,"cursor":"EPOCH-10"}`},
		{"ahead", `11`, `{"replayed":0,"gap":{"from":11,"to":11,"reason":"ahead"},"cursor":"EPOCH-10"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				h := NewEvents(Config{}, f.b)
				for i := range 10 {
					f.publish("n", fmt.Sprint(i+1))
				}
				p := connect(t, h, Options{})
				p.call(`{"type":1,"invocationId":"4","target":"Replay","arguments":[` + strings.ReplaceAll(tt.arg, "EPOCH", f.epoch()) + `]}`)
				var want []string
				if strings.Contains(tt.result, `"replayed":2`) {
					want = append(want, event(f, 9, "n", "9"), event(f, 10, "n", "10"))
				}
				want = append(want, `{"type":3,"invocationId":"4","result":`+strings.ReplaceAll(tt.result, "EPOCH", f.epoch())+`}`)
				p.want(want...)
				f.publish("live", "0")
				p.want(event(f, 11, "live", "0"))
				if n := f.b.Stats().Connections; n != 1 {
					t.Errorf("%d subscriptions", n)
				}
			})
		})
	}
}

func TestReplayOfALongLogIsAnsweredBehindIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fixture{t: t, b: broker.New(broker.Config{}, replay.NewStore(replay.Config{MaxEvents: 5000}))}
		for i := range 1000 {
			f.publish("n", fmt.Sprint(i))
		}
		p := dial(t, NewEvents(Config{}, f.b), transports.WebSockets, Options{})
		p.shake(packedShake)
		p.must("\x0e\x95\x01\x80\xa11\xa6Replay\x91\x00")
		got := p.take()
		if len(got) != 1001 {
			t.Fatalf("%d messages", len(got))
		}
		for i, m := range got {
			if completion := m.text[2] == 3 || m.text[3] == 3; completion != (i == 1000) {
				t.Fatalf("message %d is %q", i, m.text)
			}
		}
	})
}

// Events that are not for this connection must not keep Replay waiting.
func TestReplayOfForeignEventsEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(&replay.Event{Type: "x", Device: "other"})
		p := connect(t, NewEvents(Config{}, f.b), Options{Device: "mine"})
		p.call(`{"type":1,"invocationId":"4","target":"Replay","arguments":[0]}`)
		p.want(`{"type":3,"invocationId":"4","result":{"replayed":0,"gap":null,"cursor":"` + f.epoch() + `-1"}}`)
	})
}

func TestReplayWaitsForAStalledClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("n", "1")
		p := connect(t, NewEvents(Config{}, f.b), Options{})
		p.stalled.Lock()
		p.call(`{"type":1,"invocationId":"4","target":"Replay","arguments":[0]}`)
		synctest.Wait()
		p.stalled.Unlock()
		p.want(event(f, 1, "n", "1"), `{"type":3,"invocationId":"4","result":{"replayed":1,"gap":null,"cursor":"`+f.epoch()+`-1"}}`)

		p.stalled.Lock()
		p.call(`{"type":1,"invocationId":"5","target":"Replay","arguments":[0]}`)
		synctest.Wait()
		p.s.Leave(transports.ReasonDrain) // and the call ends
		p.stalled.Unlock()
		p.wantEnd(transports.ReasonDrain)
	})
}

func TestServiceMethodErrors(t *testing.T) {
	tests := []struct{ method, args, want string }{
		{"Replay", `["x y"]`, "An unexpected error occurred invoking 'Replay' on the server. HubException: malformed cursor"},
		{"Replay", `[true]`, "Failed to invoke 'Replay' due to an error on the server."},
		{"Replay", `[{}]`, "Failed to invoke 'Replay' due to an error on the server."},
		{"Replay", `[-1]`, "Failed to invoke 'Replay' due to an error on the server."},
		{"Replay", `[1.5]`, "An unexpected error occurred invoking 'Replay' on the server. HubException: malformed cursor"},
		{"Replay", `[]`, "Failed to invoke 'Replay' due to an error on the server."},
		{"Ack", `["latest"]`, "An unexpected error occurred invoking 'Ack' on the server. HubException: malformed cursor"},
	}
	for _, tt := range tests {
		bubble(t, func(t *testing.T) {
			p := connect(t, NewEvents(Config{}, newFixture(t).b), Options{})
			p.call(`{"type":1,"invocationId":"4","target":"` + tt.method + `","arguments":` + tt.args + `}`)
			got := p.take()
			if len(got) != 1 || !strings.HasPrefix(got[0].text, `{"type":3,"invocationId":"4","error":"`+tt.want) {
				t.Errorf("%s%s: %+v, want %s", tt.method, tt.args, got, tt.want)
			}
		})
	}
}

func TestReplayNeedsNoSecondConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fixture{t: t, b: broker.New(broker.Config{MaxConnectionsPerUser: 1}, replay.NewStore(replay.Config{}))}
		h := NewEvents(Config{}, f.b)
		p := connect(t, h, Options{})
		f.publish("a", "1")
		p.want(event(f, 1, "a", "1"))
		p.call(`{"type":1,"invocationId":"4","target":"Replay","arguments":["0"]}`)
		p.want(event(f, 1, "a", "1"), `{"type":3,"invocationId":"4","result":{"replayed":1,"gap":null,"cursor":"`+f.epoch()+`-1"}}`)
		if _, err := h.Open(&pipe{}, Options{User: "u"}); err == nil {
			t.Error("a second connection was opened")
		}
	})
}

// A client that has kept no cursor must not believe that it missed nothing.
func TestNoCursorIsRefused(t *testing.T) {
	for _, method := range []string{"Replay", "Ack"} {
		for _, arg := range []struct{ json, packed string }{{`null`, "\xc0"}, {`""`, "\xa0"}} {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				h := NewEvents(Config{}, f.b)
				text := "An unexpected error occurred invoking '" + method + "' on the server. HubException: malformed cursor"

				p := connect(t, h, Options{})
				p.call(`{"type":1,"invocationId":"4","target":"` + method + `","arguments":[` + arg.json + `]}`)
				got := p.take()
				if len(got) != 1 || !strings.HasPrefix(got[0].text, `{"type":3,"invocationId":"4","error":"`+text) {
					t.Errorf("JSON %s(%s): %v", method, arg.json, got)
				}

				p = dial(t, h, transports.WebSockets, Options{})
				p.shake(packedShake)
				body := "\x95\x01\x80\xa14" + string([]byte{byte(0xa0 + len(method))}) + method + "\x91" + arg.packed
				p.call(string([]byte{byte(len(body))}) + body)
				got = p.take()
				if len(got) != 1 || !strings.Contains(got[0].text, text) {
					t.Errorf("MessagePack %s(%s): %v", method, arg.json, got)
				}
			})
		}
	}
}

func TestAckMovesTheDevicesCursor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		p := connect(t, h, Options{Device: "d", Since: replay.Since{Kind: replay.SinceDevice}})
		for i := range 3 {
			f.publish("n", fmt.Sprint(i+1))
		}
		p.take()
		p.call(`{"type":1,"invocationId":"4","target":"ack","arguments":["` + f.epoch() + `-2"]}`)
		p.want(`{"type":3,"invocationId":"4","result":null}`)
		p.s.Leave(transports.ReasonDrain)
		p.wantEnd(transports.ReasonDrain)

		p = connect(t, h, Options{Device: "d", Since: replay.Since{Kind: replay.SinceDevice}})
		p.want(event(f, 3, "n", "3"))
	})
}

func TestReadQuery(t *testing.T) {
	tests := []struct {
		device string
		query  map[string]string
		want   Options
	}{
		{"", nil, Options{}},
		{"d", nil, Options{Since: replay.Since{Kind: replay.SinceDevice}}},
		{"d", map[string]string{"since": "latest"}, Options{Control: true}},
		{"", map[string]string{"since": "0", "meta": "1"}, Options{Since: replay.Since{Kind: replay.SinceAll}, Control: true, Meta: true}},
		{"", map[string]string{"control": "1", "meta": "0"}, Options{Control: true}},
	}
	for _, tt := range tests {
		got := Options{Device: tt.device}
		if err := got.ReadQuery(func(k string) string { return tt.query[k] }); err != nil {
			t.Error(err)
		}
		tt.want.Device = tt.device
		if got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.query, got, tt.want)
		}
	}
	var o Options
	if err := o.ReadQuery(func(string) string { return "-" }); err == nil {
		t.Error("garbage accepted")
	}
}

// What was taken before a Replay is not what it waits for.
func TestReplayWaitsForItsOwnEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := connect(t, NewEvents(Config{}, f.b), Options{})
		p.stalled.Lock()
		f.publish("a", "1")
		f.publish("b", "2")
		answered := make(chan struct{})
		rec := &interruption{do: func() {
			go func() { // ends when both events were laid out again
				if _, err := replayEvents(Caller{s: p.s}, "0"); err != nil {
					t.Error(err)
				}
				close(answered)
			}()
			synctest.Wait()
		}}
		p.s.Fill(transports.NewBatch(rec))
		synctest.Wait()
		select {
		case <-answered:
			t.Error("answered before its events")
		default:
		}
		p.stalled.Unlock()
		p.Wake()
		<-answered
		if n := len(rec.frames); n != 4 {
			t.Errorf("%d events were laid out", n)
		}
	})
}

// interruption is a framer that does something in the middle of the first batch.
type interruption struct {
	recorder
	do func()
}

func (i *interruption) End(dst []byte, m transports.Meta, start, body int) []byte {
	if i.do != nil {
		i.do()
		i.do = nil
	}
	return i.recorder.End(dst, m, start, body)
}
