package websocket

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	coder "github.com/coder/websocket"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// The same with another implementation as the client, over plain sockets and
// over TLS.
func TestForeignClient(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", secure), func(t *testing.T) {
			g := newRig(t, transports.Config{})
			g.prepare = echo
			srv := httptest.NewUnstartedServer(g)
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
				InsecureSkipVerify: true, // our own, a moment ago
			}}}
			if secure {
				srv.StartTLS()
			} else {
				srv.Start()
			}
			t.Cleanup(srv.Close)
			url := strings.Replace(srv.URL, "http", "ws", 1)
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if err := talk(t.Context(), url, client, rand.New(rand.NewPCG(uint64(i), 4))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for range 8 {
				s := xtest.Wait(t, g.opened, "a session")
				xtest.Wait(t, s.Over, "a session's end")
				if got := s.Reason(); got != transports.ReasonClientClosed {
					t.Errorf("a session ended with %q", got)
				}
			}
		})
	}
}

// echo sends every message back.
func echo(d *dialect.Session) {
	var message []byte
	d.OnReceive = func(p []byte, end bool) {
		if message = append(message, p...); end {
			d.Push(string(message))
			message = nil
		}
	}
}

// talk sends messages of many lengths, in pieces and with pings, and expects
// them back.
func talk(ctx context.Context, url string, client *http.Client, rng *rand.Rand) error {
	c, _, err := coder.Dial(ctx, url, &coder.DialOptions{HTTPClient: client})
	if err != nil {
		return err
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for i, n := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 65535, 65536, 300_000} {
		payload := strings.Repeat(string(rune('a'+i)), n)
		w, err := c.Writer(ctx, coder.MessageType(1+rng.IntN(2)))
		if err != nil {
			return err
		}
		for rest := payload; len(rest) > 0; {
			m := min(len(rest), 1+rng.IntN(50_000))
			if _, err := w.Write([]byte(rest[:m])); err != nil {
				return err
			}
			rest = rest[m:]
		}
		if err := w.Close(); err != nil {
			return err
		}
		kind, got, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if kind != coder.MessageText || string(got) != payload {
			return fmt.Errorf("%d bytes came back as %d of type %v", n, len(got), kind)
		}
	}
	readCtx := c.CloseRead(ctx)
	for range 3 {
		if err := c.Ping(readCtx); err != nil {
			return err
		}
	}
	return c.Close(coder.StatusNormalClosure, "")
}

func TestForeignClientSeesOurClose(t *testing.T) {
	g := newRig(t, transports.Config{})
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	c, _, err := coder.Dial(t.Context(), strings.Replace(srv.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	s := xtest.Wait(t, g.opened, "the session")
	s.Push("last")
	s.Conn.Close(transports.ReasonExpired)
	if _, got, err := c.Read(t.Context()); string(got) != "last" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, _, err = c.Read(t.Context())
	if got := coder.CloseStatus(err); got != transports.CodeUnauthorized {
		t.Errorf("close status %d: %v", got, err)
	}
	xtest.Wait(t, s.Over, "the session's end")
}
