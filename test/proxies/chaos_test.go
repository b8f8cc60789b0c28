package proxies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// Wherever a connection breaks, and however: what follows on the next one is what
// follows what was received, once.
func TestResumeAfterEveryCut(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s", "--log-events", "10000", "--log-bytes", "100MiB")
	const step, last = 19, 2400 // bytes; the head of an answer is some 300, an event 170
	for _, transport := range transports {
		for _, how := range endings {
			t.Run(transport+" "+string(how), func(t *testing.T) {
				user := t.Name()
				w := startWire(t, s.Addr, func(n int) fault {
					if after := int64(n) * step; after <= last {
						return fault{how: how, after: after}
					}
					return fault{}
				})
				r := newReader(t, transport, client.Options{URL: "http://" + w.addr(), Token: s.Token(user)})
				publish, published := publisher(t, s, user)
				for seq := uint64(1); w.count() <= last/step+1; seq++ {
					publish <- struct{}{}
					r.insist(seq)
				}
				publish <- struct{}{}
				r.insist(r.last + 1)
				close(publish)
				if n := <-published; r.last != n {
					t.Errorf("received to seq %d, published to %d", r.last, n)
				}
			})
		}
	}
}

// publisher publishes an event for each thing that is sent to it, while the test goes
// on. When the channel is closed it tells the last seq.
func publisher(t *testing.T, s *harness.Server, user string) (chan<- struct{}, <-chan uint64) {
	ask, last := make(chan struct{}), make(chan uint64, 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	go func() { // ends when ask is closed, or with the test
		var r harness.Receipt
		for n := 0; ; n++ {
			select {
			case _, ok := <-ask:
				if !ok {
					last <- r.Seq
					return
				}
			case <-ctx.Done():
				return
			}
			var err error
			if r, err = s.TryPublish(ctx, user, harness.Event{Type: "t", Data: json.RawMessage(fmt.Sprint(n))}); err != nil && ctx.Err() == nil {
				t.Errorf("publish: %v", err)
				return
			}
		}
	}()
	return ask, last
}

// Pieces of any size, with time between them, are put together again.
func TestSlowPieces(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s")
	for _, f := range []fault{{chunk: 1}, {chunk: 7, delay: 100 * time.Microsecond}, {chunk: 400, delay: 5 * time.Millisecond}} {
		t.Run(fmt.Sprintf("%d bytes every %v", f.chunk, f.delay), func(t *testing.T) {
			w := startWire(t, s.Addr, func(int) fault { return f })
			for _, transport := range transports {
				user := t.Name() + transport
				r := newReader(t, transport, client.Options{URL: "http://" + w.addr(), Token: s.Token(user)})
				for range 5 {
					r.want(s.PublishMany(user, "t", 3).Seq)
				}
			}
			for _, name := range []string{"ServerSentEvents", "LongPolling", "WebSockets"} {
				user := t.Name() + name
				h := openHub(t, w.addr(), s.URL+"/hubs/events", s.Token(user), name)
				for n := range 3 {
					s.Publish(user, "t", fmt.Sprint(n))
					h.wantInvocation("t", fmt.Sprint(n))
				}
			}
		})
	}
}

// A client whose path is dead without anybody having said so is noticed by its
// missing pongs, and has lost nothing when it comes back.
func TestStalledWebSocketIsGivenUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--drain-timeout", "2s", "--ping-interval", "1s", "--max-connections-per-user", "1")
	w := startWire(t, s.Addr, func(n int) fault {
		if n == 0 {
			return fault{how: stalled, after: 600}
		}
		return fault{}
	})
	o := client.Options{URL: "http://" + w.addr(), Token: s.Token("alice"), Since: "latest"}
	r := newReader(t, "ws", o)
	r.welcome()
	began := time.Now()
	last := s.PublishMany("alice", "t", 20)
	if err := r.read(last.Seq, 500*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("read through a stalled connection: %v", err)
	}
	r.stream = nil // not closed: the path is dead for that as well
	for deadline := time.Now().Add(harness.Patience()); ; {
		err := r.read(last.Seq, soon)
		if err == nil {
			if took := time.Since(began); took < 2*time.Second {
				t.Errorf("given up after %v: the connection was not stalled", took)
			}
			return
		}
		// There is room for one connection: it is refused until the server has
		// noticed.
		if status(err) != 429 || time.Now().After(deadline) {
			t.Fatalf("coming back: %v", err)
		}
		pause(t, s)
	}
}

// Proxies drop what RFC 9110 section 7.6.1 calls hop-by-hop, some of them half of it.
func TestStrippedUpgrade(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s")
	for _, tt := range []struct {
		strip   []string
		missing string
	}{
		{[]string{"Connection", "Upgrade"}, "Upgrade: websocket"},
		{[]string{"Upgrade"}, "Upgrade: websocket"},
		{[]string{"Connection"}, "Connection: Upgrade"},
	} {
		t.Run(fmt.Sprint(tt.strip), func(t *testing.T) {
			o := client.Options{URL: startMiddlebox(t, &middlebox{target: s.Addr, strip: tt.strip})}
			for _, transport := range []string{"sse", "poll"} {
				user := t.Name() + transport
				o.Token = s.Token(user)
				carry(t, s, transport, user, o)
			}
			wantNoUpgrade(t, o, tt.missing)
		})
	}
}

// A proxy that passes an answer on when it is complete has nothing to pass on of a
// stream. Long polls end, and so they get through.
func TestAnswersHeldUntilComplete(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--drain-timeout", "2s", "--jwt-leeway", "0s")
	url := startMiddlebox(t, &middlebox{target: s.Addr, strip: []string{"Connection", "Upgrade"}, hold: true})

	// The stream ends with its token, after two seconds.
	short := s.Token("alice", harness.Claims{"exp": time.Now().Add(2 * time.Second).Unix(), "iat": time.Now().Unix()})
	opened := make(chan error, 1)
	var stream *client.SSE
	go func() { // ends with the token
		var err error
		stream, err = client.DialSSE(t.Context(), client.Options{URL: url, Token: short, Since: "0"})
		opened <- err
	}()
	carry(t, s, "poll", "alice", client.Options{URL: url, Token: s.Token("alice")})
	h := openHub(t, url[len("http://"):], url+"/hubs/events", s.Token("bob"), "LongPolling")
	s.Publish("bob", "t", "1")
	h.wantInvocation("t", "1")
	select {
	case err := <-opened:
		t.Fatalf("the stream got through: %v", err)
	default:
	}
	// When it has ended all of it comes at once.
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var kinds []client.Kind
	for {
		m, err := stream.Next(limited(t))
		if err != nil {
			if !errors.Is(err, client.ErrClosed) {
				t.Errorf("the stream ended with %v", err)
			}
			break
		}
		kinds = append(kinds, m.Kind)
	}
	if !slices.Contains(kinds, client.Event) || !slices.Contains(kinds, client.Closing) {
		t.Errorf("the stream held %v, want events and the server's goodbye", kinds)
	}
}
