package signalr

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// streamer is a hub whose methods produce streams.
func streamer(cfg Config) *Hub {
	h := New(cfg)
	h.Handle("Channel", func(n int) <-chan int {
		ch := make(chan int, n)
		for i := range n {
			ch <- i
		}
		close(ch)
		return ch
	})
	h.Handle("Sequence", func(n int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	h.Handle("Failing", func(n int, why string) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			switch why {
			case "":
			case "panic":
				panic("secret")
			case "secret":
				yield(0, errors.New(why))
			default:
				yield(0, Errorf("%s", why))
			}
		}
	})
	h.Handle("Clock", func(ctx context.Context) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := 0; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Second):
				}
				if !yield(i) {
					return
				}
			}
		}
	})
	h.Handle("Silent", func(ctx context.Context) (<-chan int, error) { return make(chan int), nil })
	h.Handle("Throw", func() (<-chan int, error) { return nil, Errorf("not today") })
	h.Handle("Slow", func(ctx context.Context) (<-chan int, error) { <-ctx.Done(); return nil, ctx.Err() })
	h.Handle("Null", func() <-chan int { return nil })
	h.Handle("Odd", func() iter.Seq[complex128] { return func(yield func(complex128) bool) { yield(1) } })
	h.Handle("Words", func(n, size int) iter.Seq[string] {
		return func(yield func(string) bool) {
			for range n {
				if !yield(strings.Repeat("x", size)) {
					return
				}
			}
		}
	})
	h.Handle("Sleep", func(ms int) int { time.Sleep(time.Duration(ms) * time.Millisecond); return ms })
	return h
}

func item(id string, v any) string {
	return fmt.Sprintf(`{"type":2,"invocationId":"%s","item":%v}`, id, v)
}

func (p *pipe) stream(id, target, args string) {
	p.t.Helper()
	p.call(fmt.Sprintf(`{"type":4,"invocationId":"%s","target":"%s","arguments":[%s]}`, id, target, args))
}

// Reference sections 4.7 and 4.9: streams to the client.
func TestStreamsToTheClient(t *testing.T) {
	end := `{"type":3,"invocationId":"7"}`
	failed := func(text string) string { return `{"type":3,"invocationId":"7","error":"` + text + `"}` }
	for _, tt := range []struct {
		name, target, args string
		want               []string
	}{
		{"channel", "Channel", "3", []string{item("7", 0), item("7", 1), item("7", 2), end}},
		{"empty channel", "Channel", "0", []string{end}},
		{"sequence", "Sequence", "2", []string{item("7", 0), item("7", 1), end}},
		{"pairs", "Failing", `2,""`, []string{item("7", 0), item("7", 1), end}},
		{"error for the client", "Failing", `1,"too late"`, []string{item("7", 0), failed("An error occurred on the server while streaming results. HubException: too late")}},
		{"other error", "Failing", `1,"secret"`, []string{item("7", 0), failed("An error occurred on the server while streaming results.")}},
		{"panic", "Failing", `0,"panic"`, []string{failed("An error occurred on the server while streaming results.")}},
		{"error instead of a stream", "Throw", "", []string{failed("An unexpected error occurred invoking 'Throw' on the server. HubException: not today")}},
		{"no stream", "Null", "", []string{failed("The value returned by the streaming method 'Null' is not a ChannelReader<> or IAsyncEnumerable<>.")}},
		{"unknown", "Nope", "", []string{failed("Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.")}},
		{"plain method", "Sleep", "1", []string{failed("The client attempted to invoke the non-streaming 'Sleep' method with a streaming invocation.")}},
		{"bad argument", "Channel", `"x"`, []string{failed("Failed to invoke 'Channel' due to an error on the server.")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := connect(t, streamer(Config{}), Options{})
				p.stream("7", tt.target, tt.args)
				p.want(tt.want...)
				p.wantRest()
				p.stream("7", "Channel", "1") // the id is free again
				p.want(item("7", 0), end)
			})
		})
	}
}

// wantRest checks that the connection holds nothing for calls.
func (p *pipe) wantRest() {
	p.t.Helper()
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.s.work != nil {
		p.t.Errorf("an idle connection holds %+v", p.s.work)
	}
}

func TestAStreamIsNoResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, streamer(Config{}), Options{})
		p.call(`{"type":1,"invocationId":"1","target":"Channel","arguments":[1]}`)
		p.want(`{"type":3,"invocationId":"1","error":"The client attempted to invoke the streaming 'Channel' method with a non-streaming invocation."}`)
		p.call(`{"type":1,"target":"Channel","arguments":[1]}`)
		p.want()
	})
}

func TestAnItemThatCannotBeSentClosesTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, streamer(Config{}), Options{})
		p.stream("1", "Odd", "")
		p.want(`{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`)
		p.wantEnd(transports.ReasonInternal)
	})
}

// A stream that the client cancels ends with a completion without error, be it
// that it produces, that it waits, or that it has not begun.
func TestCanceledStreamsComplete(t *testing.T) {
	for _, target := range []string{"Clock", "Silent", "Slow"} {
		bubble(t, func(t *testing.T) {
			p := connect(t, streamer(Config{}), Options{})
			p.stream("1", target, "")
			p.want()
			p.call(`{"type":5,"invocationId":"2"}`) // names nothing
			p.want()
			p.call(`{"type":5,"invocationId":"1"}`)
			p.want(`{"type":3,"invocationId":"1"}`)
			p.wantRest()
			p.call(`{"type":5,"invocationId":"1"}`)
			p.want()
		})
	}
}

// Streams run beside calls and beside each other; they begin in their order.
func TestStreamsTakeNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, streamer(Config{}), Options{})
		p.call(`{"type":1,"invocationId":"1","target":"Sleep","arguments":[2500]}`)
		p.stream("2", "Clock", "")
		p.call(`{"type":1,"invocationId":"3","target":"Sleep","arguments":[1]}`)
		p.stream("4", "Channel", "1") // begins behind the call before it
		p.want()
		time.Sleep(2200 * time.Millisecond)
		p.want(item("2", 0), item("2", 1))
		time.Sleep(500 * time.Millisecond)
		p.want(`{"type":3,"invocationId":"1","result":2500}`, item("4", 0), `{"type":3,"invocationId":"4"}`, `{"type":3,"invocationId":"3","result":1}`)
		p.stream("2", "Channel", "1")
		p.want(`{"type":3,"invocationId":"2","error":"Invocation ID '2' is already in use."}`)
		time.Sleep(time.Second)
		p.want(item("2", 2))
		p.call(`{"type":5,"invocationId":"2"}`)
		p.want(`{"type":3,"invocationId":"2"}`)
		p.wantRest()
	})
}

func TestLiveStreamsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, streamer(Config{MaxStreams: 2}), Options{})
		p.stream("1", "Silent", "")
		p.stream("2", "Silent", "")
		p.stream("3", "Silent", "")
		p.want(`{"type":3,"invocationId":"3","error":"An unexpected error occurred invoking 'Silent' on the server. HubException: More than 2 streams at a time."}`)
		p.call(`{"type":5,"invocationId":"1"}`)
		p.want(`{"type":3,"invocationId":"1"}`)
		p.stream("4", "Channel", "1")
		p.want(item("4", 0), `{"type":3,"invocationId":"4"}`)
	})
}

// A client that takes nothing holds its streams back, and costs the bound and an
// item for each.
func TestAStreamGoesAsFastAsItsClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, streamer(Config{MaxWaitingBytes: 1000}), Options{})
		p.stalled.Lock()
		p.stream("1", "Words", "100,600")
		p.stream("2", "Words", "100,600")
		time.Sleep(time.Second)
		p.s.mu.Lock()
		n := p.s.waiting
		p.s.mu.Unlock()
		if n < 1000 || n > 3000 {
			t.Errorf("%d bytes wait", n)
		}
		p.stalled.Unlock()
		p.Wake()
		if n := len(p.take()); n != 202 {
			t.Errorf("%d messages", n)
		}
	})
}

func TestEndOfTheConnectionStopsStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := streamer(Config{})
		p := connect(t, h, Options{})
		for i, target := range []string{"Clock", "Silent", "Slow"} {
			p.stream(fmt.Sprint(i), target, "")
		}
		p.call(`{"type":7}`)
		p.want(`{"type":7}`)
		p.wantEnd(transports.ReasonClientClosed)
		h.Wait()
		p.wantRest()
	})
}
