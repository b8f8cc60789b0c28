package websocket

import (
	"bufio"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// answered keeps what a session is told of pongs.
type answered struct {
	*dialect.Session
	mu    sync.Mutex
	pongs []string
}

func (a *answered) Answered(p []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pongs = append(a.pongs, string(p))
}

func (a *answered) take() (pongs []string) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	pongs, a.pongs = a.pongs, nil
	return pongs
}

// A question is a ping, and the payload of each pong comes to the session, wherever the
// pong stands; all that a peer may send is passed on as it is.
func TestAProbeIsAPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, transports.Config{})
		var s *answered
		g.wrap = func(d *dialect.Session) transports.Session {
			s = &answered{Session: d}
			return s
		}
		p := g.pipe()
		b := transports.NewBatch(framer{})
		probe := transports.Probe{}
		probe.Init()
		probe.Ask(b, nil, 1)
		f, err := readFrame(bufio.NewReader(strings.NewReader(string(b.Buf))))
		if err != nil || f.op != 9 || len(f.payload) == 0 {
			t.Fatalf("a question is frame %d %q, %v", f.op, f.payload, err)
		}
		long := strings.Repeat("x", maxControl)
		for _, payload := range []string{f.payload, "", "?", long} {
			p.write(masked(finPong, payload, 0))
			p.write(masked(1, "a", 0) + masked(finPong, payload+"!"[:min(1, maxControl-len(payload))], 0) + masked(0x80, "b", 0))
			want := payload + "|" + payload + "!"[:min(1, maxControl-len(payload))]
			if got := strings.Join(s.take(), "|"); got != want {
				t.Errorf("the session was told of %q, want %q", got, want)
			}
		}
		p.write(masked(finPing, f.payload, 0))
		p.want(10, f.payload)
		if got := s.take(); got != nil {
			t.Errorf("a ping was taken for the pongs %q", got)
		}
	})
}
