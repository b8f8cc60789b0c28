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

// redeliver has everything that is kept delivered again.
func (f *fixture) redeliver() broker.Redelivered {
	f.t.Helper()
	r, err := f.b.Redeliver("u", broker.Redelivery{Since: replay.Since{Kind: replay.SinceAll}})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// On the generic hub an event that comes once more is the same invocation; only the
// meta argument, where it is asked for, says so. That holds in both encodings, for one
// connection and for several, which share encodings of live events.
func TestRedeliveredInvocations(t *testing.T) {
	for _, tr := range transports.All() {
		t.Run(string(tr), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				h := NewEvents(Config{}, f.b)
				plain, meta := dialAs(t, h, "1", tr, Options{}), dialAs(t, h, "2", tr, Options{Meta: true})
				plain.shake(jsonShake)
				meta.shake(jsonShake)
				f.put(&replay.Event{ID: "i", Type: "n", Data: []byte(`1`)})
				withMeta := func(mark string) string {
					return strings.Replace(event(f, 1, "n", "1"), "[1]", fmt.Sprintf(`[1,{"seq":1,"cursor":"%s-1","id":"i","ts":%d%s}]`, f.epoch(), time.Now().UnixMilli(), mark), 1)
				}
				plain.want(event(f, 1, "n", "1"))
				meta.want(withMeta(""))
				f.redeliver()
				plain.want(event(f, 1, "n", "1"))
				meta.want(withMeta(`,"replayed":true`))
				f.publish("n", "2")
				plain.want(event(f, 2, "n", "2"))
			})
		})
	}
}

func TestRedeliveredInMessagePack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		plain, meta := dialAs(t, h, "1", transports.WebSockets, Options{}), dialAs(t, h, "2", transports.WebSockets, Options{Meta: true})
		plain.shake(packedShake)
		meta.shake(packedShake)
		f.put(&replay.Event{ID: "i", Type: "n", Data: []byte(`1`)})
		live, marked := plain.take(), meta.take()[0].text
		f.redeliver()
		if diff := cmp.Diff(live, plain.take(), cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("without meta (-live +again):\n%s", diff)
		}
		got := meta.take()[0].text
		// The map has one member more, and the message is as much longer.
		const member = "\xa8replayed\xc3"
		got = strings.Replace(strings.Replace(got, member, "", 1), "\x85\xa3seq", "\x84\xa3seq", 1)
		if want := string([]byte{marked[0] + byte(len(member))}) + marked[1:]; got != want {
			t.Errorf("with meta, but for the mark: %q, want %q", got, want)
		}
	})
}

// The Bitwarden family's clients cannot be told that a message comes once more. A
// logout older than the token is withheld as from any replay.
func TestRedeliveredToBitwarden(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		issued := time.Now()
		p := dial(t, NewBitwarden(Config{}, f.b, Family{}), transports.WebSockets, Options{IssuedAt: issued})
		p.shake(jsonShake)
		put := func(kind string, at time.Time) {
			f.put(&replay.Event{Type: kind, Data: []byte(`1`), Time: at.UnixMilli()})
		}
		put("0", issued)
		put("11", issued.Add(-time.Minute)) // came late
		put("11", issued.Add(time.Minute))
		put("word", issued)
		live := p.take()
		if len(live) != 3 {
			t.Fatalf("%d messages", len(live))
		}
		f.redeliver()
		if diff := cmp.Diff([]frame{live[0], live[2]}, p.take(), cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// With stateful reconnect what came once more is counted and sent again as the rest.
func TestRedeliveredIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := dialStateful(t, NewEvents(Config{}, f.b))
		f.publish("n", "1")
		f.redeliver()
		one := event(f, 1, "n", "1")
		p.want(one, one)
		p.call(ack(1))
		p.cut()
		f.redeliver()
		p.resume()
		p.want(sequence(2), one, one)
		p.call(ack(3))
		p.cut()
		p.resume()
		p.want(sequence(4))
	})
}

// A Replay that runs counts only what the log delivers.
func TestReplayBesideRedelivery(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		for i := range 4 {
			f.publish("n", fmt.Sprint(i+1))
		}
		p := connect(t, NewEvents(Config{}, f.b), Options{})
		p.stalled.Lock()
		f.redeliver()
		p.call(`{"type":1,"invocationId":"1","target":"Replay","arguments":["2"]}`)
		synctest.Wait()
		p.stalled.Unlock()
		var want []string
		for _, n := range []int{3, 4, 1, 2, 3, 4} {
			want = append(want, event(f, n, "n", fmt.Sprint(n)))
		}
		p.want(append(want, fmt.Sprintf(`{"type":3,"invocationId":"1","result":{"replayed":2,"gap":null,"cursor":"%s-4"}}`, f.epoch()))...)
	})
}

func TestRedeliveredToAStream(t *testing.T) {
	for _, marks := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			f := newFixture(t)
			f.publish("n", "1")
			envelopes := plainEnvelopes
			want := item("1", fmt.Sprintf(`{"cursor":"%s-1","data":1}`, f.epoch()))
			if marks {
				envelopes.Redelivered = func(dst []byte, ev *replay.Event, _ string, seq uint64) []byte {
					return fmt.Appendf(dst, `{"again":%d,"data":%s}`, seq, ev.Data)
				}
				want = item("1", `{"again":1,"data":1}`)
			}
			p := connect(t, NewEvents(Config{Envelopes: envelopes}, f.b), Options{})
			p.stream("1", "StreamEvents", `"latest"`)
			p.want()
			if r := f.redeliver(); len(r.Recipients) != 2 {
				t.Errorf("%d recipients", len(r.Recipients))
			}
			got := map[string]bool{}
			for _, m := range p.take() {
				got[strings.TrimSuffix(m.text, "\x1e")] = true
			}
			if diff := cmp.Diff(map[string]bool{event(f, 1, "n", "1"): true, strings.TrimSuffix(want, "\x1e"): true}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
