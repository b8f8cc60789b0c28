package signalr

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// Hub messages count one by one, however they are put together, and those over the
// rate are handled later, in their order.
func TestMessagesKeepPace(t *testing.T) {
	for _, together := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			h := adder(Config{MaxMessages: 3, MessageWindow: 300 * time.Second})
			p := connect(t, h, Options{})
			p.must(jsonPing) // from now on it must be heard of every 30 s
			var calls []string
			for i := range 4 {
				calls = append(calls, asks(strconv.Itoa(i), "Add", "1,"+strconv.Itoa(i))+"\x1e")
			}
			start := time.Now()
			go func() { // ends when all have been read
				if together {
					calls = []string{strings.Join(calls, "")}
				}
				for _, c := range calls {
					p.must(c)
				}
			}()
			answered := func(n int, after time.Duration) {
				t.Helper()
				time.Sleep(time.Until(start.Add(after)))
				synctest.Wait()
				got := 0
				for _, f := range p.take() {
					if strings.Contains(f.text, `"type":3`) {
						if want := `"invocationId":"` + strconv.Itoa(n-1) + `"`; got == 0 && n > 2 && !strings.Contains(f.text, want) {
							t.Errorf("%s, want %s", f.text, want)
						}
						got++
					}
				}
				if want := map[bool]int{true: 2, false: 1}[n == 2]; got != want {
					t.Errorf("%d answers after %v, want %d", got, after, want)
				}
			}
			answered(2, 0) // the ping and two calls are at the limit
			answered(3, 100*time.Second)
			answered(4, 200*time.Second)
			if got := h.Stats().Delayed; got != 2 {
				t.Errorf("%d delayed, want 2", got)
			}
			p.wantEnd("")
			time.Sleep(32 * time.Second)
			p.wantEnd(transports.ReasonTimeout)
		})
	}
}

func TestTheEndOfAConnectionEndsItsWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{MaxMessages: 1, MessageWindow: time.Hour}), Options{})
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = p.send(jsonPing)
			_ = p.send(jsonPing)
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("it does not wait")
		default:
		}
		p.s.Interrupt()
		<-done
		if took := time.Since(start); took != 0 {
			t.Errorf("it waited %v", took)
		}
	})
}

func TestNoPaceWithoutALimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := adder(Config{})
		p := connect(t, h, Options{})
		start := time.Now()
		for range 10_000 {
			p.must(jsonPing)
		}
		if took := time.Since(start); took != 0 || h.Stats().Delayed != 0 {
			t.Errorf("%v, %d delayed", took, h.Stats().Delayed)
		}
	})
}
