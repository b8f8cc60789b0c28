package signalr

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// Publishers and a client that resumes, replays and loses its connection at
// random moments: between two replays nothing is lost, doubled or swapped.
func TestOrderUnderConcurrentPublishing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const publishers, each = 4, 200
		f := &fixture{t: t, b: broker.New(broker.Config{QueueEvents: 16}, replay.NewStore(replay.Config{MaxEvents: 2000}))}
		h := NewEvents(Config{}, f.b)
		var wg sync.WaitGroup
		for i := range publishers {
			wg.Go(func() { // ends when all is published
				for j := range each {
					ev := &replay.Event{ID: fmt.Sprintf("%d-%d", i, j), Type: "n", Data: []byte("1"), Time: time.Now().UnixMilli()}
					if _, err := f.b.Publish("u", ev, broker.Key{}); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Duration(1+(i*7+j)%5) * time.Millisecond)
				}
			})
		}
		last := uint64(0)
		read := func(p *pipe) {
			for _, m := range p.take() {
				var in struct {
					Type    int
					Target  string
					Headers struct {
						Seq uint64 `json:",string"`
					}
				}
				if err := json.Unmarshal([]byte(strings.TrimSuffix(m.text, "\x1e")), &in); err != nil {
					t.Fatal(err)
				}
				if in.Target != "n" {
					continue
				}
				if in.Headers.Seq != last+1 {
					t.Fatalf("seq %d after %d", in.Headers.Seq, last)
				}
				last = in.Headers.Seq
			}
		}
		for round := 0; last < publishers*each; round++ {
			p := connect(t, h, Options{Since: since(t, fmt.Sprint(last))})
			for i := range 5 {
				if i == 1 && round%4 == 0 { // falls behind, and reads on from the log
					p.stalled.Lock()
					time.Sleep(50 * time.Millisecond)
					p.stalled.Unlock()
				}
				time.Sleep(time.Duration(1+i*round%9) * time.Millisecond)
				read(p)
				if i == 3 {
					p.call(`{"type":1,"invocationId":"1","target":"Replay","arguments":[5]}`)
					// What the old place still sends is in order; then it
					// starts again behind 5.
					for _, m := range p.take() {
						if strings.Contains(m.text, `"seq":"6"`) {
							last = 5
						}
						if strings.Contains(m.text, `"seq"`) {
							if want := fmt.Sprintf(`"seq":"%d"`, last+1); !strings.Contains(m.text, want) {
								t.Fatalf("got %s, want %s", m.text, want)
							}
							last++
						}
					}
				}
			}
			p.Close(transports.ReasonLost)
			<-p.done
			time.Sleep(time.Duration(round%20) * time.Millisecond)
			if st := f.b.Stats(); st.Gaps > 0 {
				t.Fatal("the log is too small for this test")
			}
		}
		wg.Wait()
		if st := f.b.Stats(); st.Lagged == 0 || st.Replayed == 0 {
			t.Errorf("neither queue nor log were tried: %+v", st)
		}
	})
}

// One event is encoded once per codec, whoever and how many receive it.
func TestEventIsEncodedOncePerCodec(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		var encoded atomic.Int32
		for i := range h.events.views {
			inner := h.events.views[i].encode
			h.events.views[i].encode = func(ev *replay.Event) any {
				encoded.Add(1)
				return inner(ev)
			}
		}
		var clients []*pipe
		for i := range 20 {
			p := dial(t, h, transports.WebSockets, Options{})
			p.shake([]string{jsonShake, packedShake}[i%2])
			clients = append(clients, p)
		}
		f.publish("n", "1")
		for _, p := range clients {
			if n := len(p.take()); n != 1 {
				t.Errorf("%d messages", n)
			}
		}
		if n := encoded.Load(); n != 2 {
			t.Errorf("encoded %d times", n)
		}
	})
}
