package websocket

import (
	"fmt"
	"io"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// outcome is what came of a client's bytes.
type outcome struct {
	got      string
	messages int
	reason   transports.Reason
}

// feed sends raw in pieces of at most n bytes to a new connection and ends it.
func (g *rig) feed(raw string, n int) outcome {
	ln := xtest.Listen()
	g.listen(ln)
	nc, err := ln.Dial()
	if err != nil {
		g.t.Fatal(err)
	}
	p := g.upgrade(nc)
	drained := make(chan struct{})
	go func() { // ends with the socket
		defer close(drained)
		_, _ = io.Copy(io.Discard, p.r)
		_ = p.Close()
	}()
	for len(raw) > 0 {
		m := min(n, len(raw))
		if _, err := io.WriteString(p, raw[:m]); err != nil {
			break // the server has heard enough
		}
		raw = raw[m:]
	}
	_ = p.Close()
	<-drained
	xtest.Wait(g.t, p.d.Over, "the session's end")
	got, messages := p.d.Got()
	return outcome{got, messages, p.d.Reason()}
}

// Whatever a client sends: no panic, no more than one piece of memory, and the
// same outcome however the bytes are cut.
func FuzzClientBytes(f *testing.F) {
	f.Add(text("hello") + masked(finPing, "p", 0) + closeFrame(1000, "bye"))
	f.Add(masked(1, "a", 2) + masked(finPong, "", 0) + masked(0x80, "b", 1) + "\x81")
	f.Add("\x89\x00")
	f.Add("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	f.Add(closeFrame(1005, ""))
	f.Fuzz(func(t *testing.T, raw string) {
		if len(raw) > 10_000 {
			return
		}
		g := &rig{t: t, server: transports.NewServer(transports.Config{}), opened: make(chan *dialect.Session, 1)}
		defer g.server.Shutdown(t.Context(), 0)
		g.options.MaxMessageBytes = 5000
		g.prepare = func(d *dialect.Session) {
			d.OnReceive = func(p []byte, _ bool) {
				if len(p) > chunk {
					t.Errorf("a piece of %d bytes", len(p))
				}
			}
		}
		whole := g.feed(raw, len(raw))
		if len(whole.got) > len(raw) {
			t.Errorf("%d bytes became %d", len(raw), len(whole.got))
		}
		for _, n := range []int{1, 7} {
			cut := g.feed(raw, n)
			if cut.reason == transports.ReasonLost || whole.reason == transports.ReasonLost {
				cut.reason = whole.reason // an answer may have met the closed socket first
			}
			if cut != whole {
				t.Errorf("in one piece: %s; in pieces: %s", whole, cut)
			}
		}
	})
}

func (o outcome) String() string {
	return fmt.Sprintf("%q in %d messages, %s", o.got, o.messages, o.reason)
}
