package signalr

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// asker is a hub whose methods call the client.
func asker(cfg Config) *Hub {
	h := New(cfg)
	h.Handle("Ask", func(ctx context.Context, c Caller, n int) (int, error) {
		var answer int
		err := c.Invoke(ctx, &answer, "Double", n)
		return answer, err
	})
	h.Handle("AskOther", func(ctx context.Context, id string) (answer int, err error) {
		err = h.Invoke(ctx, id, &answer, "Double", 1)
		return answer, err
	})
	h.Handle("Tell", func(ctx context.Context, c Caller) error { return c.Invoke(ctx, nil, "Note") })
	h.Handle("Impatient", func(ctx context.Context, c Caller) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := c.Invoke(ctx, nil, "Note"); !errors.Is(err, context.DeadlineExceeded) {
			return Errorf("got %v", err)
		}
		return nil
	})
	h.Handle("Quick", func() string { return "quick" })
	return h
}

func asks(id, target, args string) string {
	return `{"type":1,"invocationId":"` + id + `","target":"` + target + `","arguments":[` + args + `]}`
}

// Reference section 4.9: calls of the client.
func TestClientResults(t *testing.T) {
	const failed = `{"type":3,"invocationId":"1","error":"An unexpected error occurred invoking 'Ask' on the server.`
	for _, tt := range []struct{ name, answer, want string }{
		{"a result", `"result":42`, `{"type":3,"invocationId":"1","result":42}`},
		{"null", `"result":null`, `{"type":3,"invocationId":"1","result":0}`},
		{"an error", `"error":"Error: from callback"`, failed + ` HubException: Error: from callback"}`},
		{"none", `"headers":{}`, `{"type":3,"invocationId":"1","result":0}`},
		{"of another type", `"result":"x"`, failed + `"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := connect(t, asker(Config{}), Options{})
				p.call(asks("1", "Ask", "21"))
				p.want(asks("s1", "Double", "21"))
				p.call(`{"type":3,"invocationId":"s1",` + tt.answer + `}`)
				p.want(tt.want)
				p.wantRest()
				p.call(`{"type":3,"invocationId":"s1","result":1}`) // nobody waits for it
				p.want()
				p.wantEnd("")
			})
		})
	}
}

func TestClientResultsInMessagePack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, asker(Config{}), transports.WebSockets, Options{})
		p.shake(packedShake)
		p.must("\x0b\x95\x01\x80\xa11\xa3Ask\x91\x15")
		p.want("\x10\x96\x01\x80\xa2s1\xa6Double\x91\x15\x90")
		p.must("\x08\x95\x03\x80\xa2s1\x03\x2a")
		p.want("\x07\x95\x03\x80\xa11\x03\x2a")
		p.must("\x0b\x95\x01\x80\xa11\xa4Tell\x90")
		p.want("\x0d\x96\x01\x80\xa2s2\xa4Note\x90\x90")
		p.must("\x07\x94\x03\x80\xa2s2\x02") // no value
		p.want("\x07\x95\x03\x80\xa11\x03\xc0")
	})
}

// A method that awaits its client lets the calls behind it run, or the answer
// would never be read.
func TestAwaitingTheClientGivesTheSlotBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, asker(Config{MaxQueuedCalls: 1}), Options{})
		for _, id := range []string{"1", "2", "3", "4"} {
			p.call(asks(id, "Ask", id))
		}
		p.call(asks("5", "Quick", ""))
		asked := p.take()
		slices.SortFunc(asked, func(a, b frame) int { return strings.Compare(a.text, b.text) }) // they run beside each other
		if n := len(asked); n != 5 || !strings.HasPrefix(asked[0].text, `{"type":1,"invocationId":"s1","target":"Double",`) || !strings.Contains(asked[4].text, "quick") {
			t.Fatalf("got %v", asked)
		}
		for _, id := range []string{"s2", "s1", "s4", "s3"} {
			p.call(`{"type":3,"invocationId":"` + id + `","result":4}`)
		}
		if n := len(p.take()); n != 4 {
			t.Errorf("%d answers", n)
		}
		p.wantRest()
	})
}

func TestClientResultsEnd(t *testing.T) {
	t.Run("with their time", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			h := asker(Config{})
			p := connect(t, h, Options{})
			p.call(asks("1", "Impatient", ""))
			p.want(asks("s1", "Note", ""))
			time.Sleep(2 * time.Second)
			p.want(`{"type":3,"invocationId":"1","result":null}`)
			p.wantRest()
			p.call(`{"type":3,"invocationId":"s1","result":1}`)
			p.wantEnd("")
			h.awaited.Range(func(id, _ any) bool { t.Errorf("%v is still awaited", id); return true })
		})
	})
	t.Run("with the connection", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			h := asker(Config{})
			p := connect(t, h, Options{})
			p.call(asks("1", "Ask", "1"))
			p.take()
			p.s.Leave(transports.ReasonDrain)
			p.wantEnd(transports.ReasonDrain)
			h.Wait()
			h.awaited.Range(func(id, _ any) bool { t.Errorf("%v is still awaited", id); return true })
			if err := h.Invoke(t.Context(), "conn-1", nil, "Note"); err == nil || err.Error() != "Connection 'conn-1' does not exist." {
				t.Errorf("got %v", err)
			}
			if err := (Caller{s: p.s}).Invoke(t.Context(), nil, "Note"); err == nil || err.Error() != "Connection 'conn-1' disconnected." {
				t.Errorf("got %v", err)
			}
		})
	})
}

// The answer to a call of one client cannot be given by another.
func TestForeignResultsCloseTheirSender(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := asker(Config{})
		a := dialAs(t, h, "a", transports.WebSockets, Options{})
		a.shake(jsonShake)
		b := dialAs(t, h, "b", transports.WebSockets, Options{})
		b.shake(jsonShake)
		a.call(asks("1", "AskOther", `"b"`))
		b.want(asks("s1", "Double", "1"))
		if err := a.send(`{"type":3,"invocationId":"s1","result":666}` + "\x1e"); err == nil {
			t.Error("a foreign result was accepted")
		}
		a.want(`{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`)
		a.wantEnd(transports.ReasonProtocolError)
	})
}

// Reference section 4.9: the texts that a program, or with DetailedErrors a client,
// gets to see.
func TestTextsOfClientResults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := asker(Config{})
		errs := make(chan error, 1)
		ask := func(ctx context.Context, c Caller) {
			go func() { // ends with the call
				var n int
				errs <- c.Invoke(ctx, &n, "Note")
			}()
		}
		h.OnConnected(func(ctx context.Context, c Caller) error {
			if err := c.Invoke(ctx, nil, "Note"); err == nil || err.Error() != "Client results inside OnConnectedAsync Hub methods are not allowed." {
				t.Errorf("in OnConnected: %v", err)
			}
			return nil
		})
		p := connect(t, h, Options{})
		want := func(text string, is error) {
			t.Helper()
			if err := <-errs; err == nil || err.Error() != text || is != nil && !errors.Is(err, is) {
				t.Errorf("got %v, want %s", err, text)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ask(ctx, Caller{s: p.s})
		p.take()
		cancel()
		want("Invocation canceled by the server.", context.Canceled)

		ask(t.Context(), Caller{s: p.s})
		p.take()
		p.call(`{"type":3,"invocationId":"s2","result":"x"}`)
		if err := <-errs; err == nil || !strings.HasPrefix(err.Error(), "Error trying to deserialize result to int. ") {
			t.Errorf("another type: %v", err)
		}

		ask(t.Context(), Caller{s: p.s})
		p.take()
		p.call(`{"type":3,"invocationId":"s3","error":"Error: from callback"}`)
		want("Error: from callback", nil)

		ask(t.Context(), Caller{s: p.s})
		p.take()
		p.s.Leave(transports.ReasonDrain)
		want("Connection 'conn-1' disconnected.", nil)
		p.wantEnd(transports.ReasonDrain)
		if err := h.Invoke(t.Context(), "X", nil, "Note"); err == nil || err.Error() != "Connection 'X' does not exist." {
			t.Errorf("nobody: %v", err)
		}
	})
}
