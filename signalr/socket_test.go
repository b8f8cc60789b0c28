package signalr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// A socket that is lost while the client is not read from is let go. What it
// waited with is neither kept over the bound, however often, nor lost.
func TestALostSocketLetsTheReaderGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{MaxQueuedCalls: 1}))
		done := make(chan struct{})
		send := func(from int) {
			go func() { // ends with the socket at the latest
				for i := from; i < 4; i++ {
					p.call(asks(fmt.Sprint(i), "Sleep", "5000"))
				}
				done <- struct{}{}
			}()
		}
		send(0)
		for range 3 {
			time.Sleep(time.Second)
			p.cut()
			<-done
			p.resume()
			if got := p.take(); len(got) == 0 || got[0].text != sequence(1)+"\x1e" {
				t.Errorf("it begins with %v", got)
			}
			p.s.mu.Lock()
			if queued, next := len(p.s.work.queue), p.s.state.next; queued != 1 || next != 3 {
				t.Errorf("%d calls wait, the next message would be %d", queued, next)
			}
			p.s.mu.Unlock()
			p.call(sequence(2)) // the second call comes twice
			send(1)
		}
		time.Sleep(30 * time.Second)
		<-done
		p.call(asks("4", "Add", "1,1"))
		answers := 0
		for _, f := range p.take() {
			if strings.HasPrefix(f.text, `{"type":3,`) {
				answers++
			}
		}
		if answers != 5 {
			t.Errorf("%d answers to 5 calls", answers)
		}
	})
}

// A client that has brought a new socket has as long as any other to say something.
func TestANewSocketIsASignOfLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dialStateful(t, adder(Config{}))
		time.Sleep(25 * time.Second)
		p.cut()
		time.Sleep(3 * time.Second)
		p.resume()
		time.Sleep(29 * time.Second)
		p.wantEnd("")
		time.Sleep(3 * time.Second)
		p.wantEnd(transports.ReasonTimeout)
	})
}
