package transports

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// oneByOne is a session that lays out one byte at a time, so that there is
// nearly always more.
type oneByOne struct{ waiting string }

func (s *oneByOne) Fill(b *Batch) bool {
	if s.waiting != "" {
		b.Begin(Meta{})
		b.Buf = append(b.Buf, s.waiting[0])
		b.End()
		s.waiting = s.waiting[1:]
	}
	return s.waiting != ""
}
func (*oneByOne) Receive([]byte, bool) error { return nil }
func (*oneByOne) Tick(time.Time) time.Time   { return time.Time{} }
func (*oneByOne) Leave(Reason)               {}
func (*oneByOne) Closed(Reason)              {}

type plainProtocol struct{ Plain }

func (plainProtocol) Urgent(dst []byte) []byte             { return dst }
func (plainProtocol) Farewell(dst []byte, _ Reason) []byte { return append(dst, '.') }
func (plainProtocol) Finished() bool                       { return false }

// sink collects what arrives at the client, as long as it is open.
type sink struct {
	mu  sync.Mutex
	got strings.Builder
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// read takes up to n bytes.
func (s *sink) read(c net.Conn, n int) {
	b := make([]byte, n)
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, _ = c.Read(b)
	s.mu.Lock()
	s.got.Write(b[:n])
	s.mu.Unlock()
}

// TestStreamModel plays the writer, the client and everybody who may call a
// stream, one step at a time. The stream must stand in the queue exactly when
// it says so, never rest while something waits, and move every byte once.
func TestStreamModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, checkStream) // TB hides Deadline, which bubbles do not have
	})
}

func checkStream(t *rapid.T) {
	ws := &Writers{} // which nobody runs: the test does
	ws.work.L = &ws.mu
	server, client := net.Pipe()
	st := NewStream(server, plainProtocol{}, ws, time.Hour)
	s := &oneByOne{}
	w := newWriter()
	got := &sink{}
	var sent strings.Builder
	started, aborted := false, false

	// A flush or a write goes on in goroutines of the stream's; everything has
	// come to rest before the next step.
	settle := func() {
		synctest.Wait()
		if state := st.state.Load(); started && state == stateIdle && s.waiting != "" && !st.gone.Load() && !st.bye {
			t.Fatalf("the stream rests while %q waits", s.waiting)
		}
		in := 0
		for _, q := range ws.queue {
			if q == st {
				in++
			}
		}
		want := 0
		if st.state.Load() == stateQueued {
			want = 1
		}
		if in != want {
			t.Fatalf("the stream stands in the queue %d times, want %d", in, want)
		}
		if !strings.HasPrefix(sent.String()+".", got.String()) {
			t.Fatalf("client got %q of %q", got.String(), sent.String())
		}
	}
	step := func() {
		if len(ws.queue) > 0 {
			ws.queue = slices.Delete(ws.queue, 0, 1)
			st.flush(w)
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"":     func(*rapid.T) { settle() },
		"step": func(*rapid.T) { step() },
		"wake": func(*rapid.T) { st.Wake() },
		"push": func(t *rapid.T) {
			p := rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "p")
			s.waiting += p
			if !st.bye {
				sent.WriteString(p)
			}
			st.Wake()
		},
		"read": func(t *rapid.T) { got.read(client, rapid.IntRange(1, 2).Draw(t, "n")) },
		"start": func(*rapid.T) {
			if !started {
				started = true
				st.Start(s)
			}
		},
		"close": func(t *rapid.T) {
			if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
				st.Close(ReasonDone)
			}
		},
		"abort": func(t *rapid.T) {
			if rapid.IntRange(0, 20).Draw(t, "really") == 0 {
				aborted = true
				st.Abort(ReasonLost)
			}
		},
	})

	// In the end all of it arrives, unless the stream was cut.
	if !started {
		st.Start(s)
	}
	started = true
	st.Close(ReasonDone)
	for i := 0; !st.gone.Load(); i++ {
		if i > 10_000 {
			t.Fatalf("the stream does not end: state %d, %q waits", st.state.Load(), s.waiting)
		}
		settle()
		step()
		got.read(client, 100)
	}
	settle()
	if want := sent.String() + "."; !aborted && got.String() != want {
		t.Fatalf("client got %q, want %q", got.String(), want)
	}
	_ = client.Close()
	ws.wg.Wait()
	_, _ = io.Copy(io.Discard, server)
}
