package signalr

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

const statefulShake = `{"protocol":"json","version":2}` + "\x1e"

// stateful opens a connection with stateful reconnect.
func dialStateful(t testing.TB, h *Hub) *pipe {
	t.Helper()
	p := dial(t, h, transports.WebSockets, Options{Stateful: true})
	p.shake(statefulShake)
	p.must(jsonPing) // as the npm client does
	return p
}

func sequence(n int) string { return fmt.Sprintf(`{"type":9,"sequenceId":%d}`, n) }
func ack(n int) string      { return fmt.Sprintf(`{"type":8,"sequenceId":%d}`, n) }

func sum(id string, n int) string {
	return fmt.Sprintf(`{"type":3,"invocationId":"%s","result":%d}`, id, n)
}

// Reference sections 6.2 to 6.4.
func TestStatefulReconnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := adder(Config{})
		p := dialStateful(t, h)
		p.call(asks("1", "Add", "1,1"))
		p.call(asks("2", "Add", "1,2"))
		p.want(sum("1", 2), sum("2", 3))
		p.call(ack(1))
		p.call(asks("3", "Sleep", "5000"))
		p.cut()
		time.Sleep(6 * time.Second) // the call goes on, its answer waits
		p.resume()
		p.want(sequence(2), sum("2", 3), ack(3), `{"type":3,"invocationId":"3","result":5000}`)
		p.call(sequence(3)) // the client has had no word of ours of its third
		p.call(asks("3", "Sleep", "5000"))
		p.call(asks("4", "Add", "2,2"))
		p.want(sum("4", 4))
		time.Sleep(2 * time.Second)
		p.want(ack(4))
		p.call(ack(4))
		p.cut()
		p.resume()
		p.want(sequence(5))
		if p.s.state.unacked != nil || p.s.state.bytes != 0 {
			t.Errorf("%d bytes are kept of what was acknowledged", p.s.state.bytes)
		}
		if n := h.Stats().Resumed; n != 2 {
			t.Errorf("resumed %d times", n)
		}
	})
}

// Pings, Close, Ack, Sequence and the handshake are not counted.
func TestWhatIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{}))
		for range 3 {
			p.must(jsonPing)
			p.call(ack(0))
			p.call(`{"type":99}`)
		}
		p.call(`{"type":5,"invocationId":"9"}`) // counted, though it names nothing
		time.Sleep(16 * time.Second)
		p.want(ack(1), `{"type":6}`)
		p.cut()
		p.resume()
		p.want(sequence(1))
	})
}

func TestWhenThereIsNoStatefulReconnect(t *testing.T) {
	for name, tt := range map[string]struct {
		transport transports.Transport
		stateful  bool
		shake     string
	}{
		"version 1":     {transports.WebSockets, true, jsonShake},
		"not granted":   {transports.WebSockets, false, statefulShake},
		"not WebSocket": {transports.LongPolling, true, statefulShake},
		"no handshake":  {transports.WebSockets, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := dial(t, adder(Config{}), tt.transport, Options{Stateful: tt.stateful})
				if tt.shake != "" {
					p.shake(tt.shake)
					p.call(ack(5))
					p.call(sequence(0))
					p.call(asks("1", "Add", "1,1"))
					p.want(sum("1", 2))
				}
				if p.s.Resumable() {
					t.Error("the session would go on without its socket")
				}
			})
		})
	}
}

func TestAfterAGoodbyeNothingIsResumed(t *testing.T) {
	for name, end := range map[string]func(p *pipe){
		"ours":       func(p *pipe) { p.s.Leave(transports.ReasonDrain) },
		"client's":   func(p *pipe) { p.call(`{"type":7}`) },
		"the hub's":  func(p *pipe) { p.call(asks("1", "Abort", "")) },
		"a mistake":  func(p *pipe) { _ = p.send("x\x1e") },
		"its end":    func(p *pipe) { p.s.Interrupt() },
		"too far":    func(p *pipe) { _ = p.send(sequence(2) + "\x1e") },
		"not at all": func(p *pipe) { _ = p.send(sequence(0) + "\x1e") },
		"backwards":  func(p *pipe) { _ = p.send(sequence(-5) + "\x1e") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := dialStateful(t, adder(Config{}))
				end(p)
				p.take()
				if p.s.Resumable() {
					t.Error("the session would go on")
				}
			})
		})
	}
}

// A client that acknowledges nothing is sent no more than the bound, and one
// message; pings go on.
func TestUnacknowledgedMessagesAreBounded(t *testing.T) {
	for name, cfg := range map[string]Config{
		"bytes":    {StatefulBytes: 1000, MaxWaitingBytes: 1 << 20},
		"messages": {StatefulMessages: 3, MaxWaitingBytes: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := dialStateful(t, adder(cfg))
				for i := range 10 {
					p.call(asks(fmt.Sprint(i), "Big", "300"))
				}
				if n := len(p.take()); n != 3 && n != 4 {
					t.Fatalf("%d answers", n)
				}
				time.Sleep(2 * time.Second)
				p.want(ack(10))
				time.Sleep(14 * time.Second)
				p.want(`{"type":6}`)
				total := 3
				for total < 10 {
					p.call(ack(total))
					got := p.take()
					if len(got) == 0 {
						t.Fatalf("nothing came behind %d", total)
					}
					total += len(got)
				}
			})
		})
	}
}

// Events of a hub are counted like everything else.
func TestEventsSurviveALostSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{StatefulMessages: 5}, f.b)
		p := dialStateful(t, h)
		f.publish("a", "1")
		f.publish("b", "2")
		p.want(event(f, 1, "a", "1"), event(f, 2, "b", "2"))
		p.cut()
		f.publish("c", "3")
		p.resume()
		p.want(sequence(1), event(f, 1, "a", "1"), event(f, 2, "b", "2"), event(f, 3, "c", "3"))
		for i := 4; i <= 8; i++ {
			f.publish("d", fmt.Sprint(i))
		}
		p.want(event(f, 4, "d", "4"), event(f, 5, "d", "5"))
		p.call(ack(5))
		p.want(event(f, 6, "d", "6"), event(f, 7, "d", "7"), event(f, 8, "d", "8"))
	})
}

// A batch for a socket that another has replaced stays empty.
func TestTheFormerSocketGetsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{}))
		old := p.rec
		p.cut()
		p.resume()
		p.want(sequence(1))
		p.stalled.Lock()
		defer p.stalled.Unlock()
		if !p.s.send(&comeBack) {
			t.Fatal("the session is over")
		}
		b := transports.NewBatch(old)
		if p.s.Fill(b); len(b.Buf) != 0 {
			t.Errorf("it got %q", b.Buf)
		}
	})
}

// Bytes of a message whose end was lost do not stand before the next one.
func TestHalfAMessageIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{}))
		p.must(`{"type":1,"invocationId":"1","target":"A`)
		p.cut()
		p.resume()
		p.want(sequence(1))
		p.call(sequence(1))
		p.call(asks("1", "Add", "1,1"))
		p.want(sum("1", 2))
	})
}

// Nothing is lost, doubled or swapped, whenever sockets are lost.
func TestRandomLosses(t *testing.T) {
	for seed := range uint64(20) {
		bubble(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
			h := New(Config{MaxQueuedCalls: 1000})
			var calls []int
			h.Handle("Note", func(n int) int { calls = append(calls, n); return n })
			p := dialStateful(t, h)

			// The client's half of the protocol.
			var sent, held []string // all, and those that were not acknowledged
			first, next, latest, told := 1, 1, 0, 0
			var results []string
			take := func() {
				for _, f := range p.take() {
					for text := range strings.SplitSeq(strings.TrimSuffix(f.text, "\x1e"), "\x1e") {
						var n int
						switch {
						case strings.HasPrefix(text, `{"type":3,`):
							if next > latest {
								latest = next
								results = append(results, text)
							}
							next++
						case strings.HasPrefix(text, `{"type":8,`):
							_, _ = fmt.Sscanf(text, `{"type":8,"sequenceId":%d}`, &n)
							for ; first <= n; first++ {
								held = held[1:]
							}
						case strings.HasPrefix(text, `{"type":9,`):
							_, _ = fmt.Sscanf(text, `{"type":9,"sequenceId":%d}`, &n)
							if n > next {
								t.Fatalf("seed %d: began at %d, %d was due", seed, n, next)
							}
							next = n
						}
					}
				}
			}
			for i := range 200 {
				switch r.IntN(8) {
				case 0:
					p.cut() // what waits is lost
					if r.IntN(2) == 0 {
						time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
					}
					p.resume()
					p.call(sequence(first))
					for _, m := range held {
						p.call(m)
					}
				case 1:
					if latest > told {
						told = latest
						p.call(ack(told))
					}
				case 2:
					time.Sleep(time.Second)
				case 3, 4:
					take()
				default:
					m := asks(fmt.Sprint(i), "Note", fmt.Sprint(i))
					sent, held = append(sent, m), append(held, m)
					if r.IntN(3) > 0 {
						p.call(m)
					} else { // lost with its socket
						p.cut()
						p.resume()
						p.call(sequence(first))
						for _, m := range held {
							p.call(m)
						}
					}
				}
			}
			take()
			if len(calls) != len(sent) || len(results) != len(sent) {
				t.Fatalf("seed %d: %d calls sent, %d made, %d answered", seed, len(sent), len(calls), len(results))
			}
			for i, m := range sent {
				if m != asks(fmt.Sprint(calls[i]), "Note", fmt.Sprint(calls[i])) || results[i] != sum(fmt.Sprint(calls[i]), calls[i]) {
					t.Fatalf("seed %d: call %d is %s, made as %d, answered %s", seed, i, m, calls[i], results[i])
				}
			}
		})
	}
}

// What is sent at once behind the handshake waits until the client counts.
func TestNothingIsCountedBeforeTheClientCounts(t *testing.T) {
	for _, pings := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			h := adder(Config{})
			h.OnConnected(func(_ context.Context, c Caller) error { return c.Send("welcome") })
			p := dial(t, h, transports.WebSockets, Options{Stateful: true})
			p.shake(statefulShake)
			p.want()
			if pings {
				p.must(jsonPing)
			} else {
				time.Sleep(readyTime)
			}
			p.want(`{"type":1,"target":"welcome","arguments":[]}`)
		})
	}
}

// An Ack may be lost with its socket: it is said again.
func TestAcksAreRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{}))
		p.call(asks("1", "Nothing", ""))
		time.Sleep(2 * time.Second)
		p.take() // with the ack
		p.cut()
		p.resume()
		time.Sleep(2 * time.Second)
		got := p.take()
		if n := len(got); n == 0 || got[n-1].text != ack(1)+"\x1e" {
			t.Errorf("got %v", got)
		}
	})
}
