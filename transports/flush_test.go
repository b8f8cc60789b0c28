package transports

import (
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hubline/transports/xtest"
)

// pipeSocket is one end of a pipe as a socket that is written to without blocking.
type pipeSocket struct {
	syscall.RawConn
	r, w int
}

func newPipeSocket(t rapid.TB) *pipeSocket {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return &pipeSocket{r: fds[0], w: fds[1]}
}

func (p *pipeSocket) Write(f func(fd uintptr) bool) error {
	f(uintptr(p.w)) //nolint:gosec // a descriptor is small
	return nil
}

// read returns what has been written.
func (p *pipeSocket) read() string {
	b := make([]byte, 1<<10)
	n, _ := syscall.Read(p.r, b)
	return string(b[:max(0, n)])
}

func (p *pipeSocket) close() { _, _ = syscall.Close(p.r), syscall.Close(p.w) }

// TestFlushModel plays the writer and everybody who may call a stream, one step at a
// time, on a socket that takes everything: what a Flush finds is written by it, or
// the stream stands in the queue; every byte goes once, in order.
func TestFlushModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ws := &Writers{} // which nobody runs: the test does
		ws.work.L = &ws.mu
		server, _ := net.Pipe()
		st := NewStream(server, plainProtocol{}, ws, time.Hour)
		pipe := newPipeSocket(t)
		defer pipe.close()
		st.raw = pipe
		s := &oneByOne{}
		st.Start(s)
		w := newWriter()
		var sent, got strings.Builder
		add := func(t *rapid.T) {
			p := rapid.StringMatching(`[a-z]{0,2}`).Draw(t, "p")
			s.waiting += p
			sent.WriteString(p)
		}
		queued := func() bool { return len(ws.queue) > 0 }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				got.WriteString(pipe.read())
				if have := got.String() + s.waiting; have != sent.String() {
					t.Fatalf("%q is written and %q waits, of %q", got.String(), s.waiting, sent.String())
				}
				if queued() != (st.state.Load() == stateQueued) || len(ws.queue) > 1 {
					t.Fatalf("state %d, and %d times in the queue", st.state.Load(), len(ws.queue))
				}
				if s.waiting != "" && !queued() {
					t.Fatalf("the stream rests while %q waits", s.waiting)
				}
			},
			"step": func(*rapid.T) {
				if queued() {
					ws.queue = ws.queue[:0]
					st.flush(w)
				}
			},
			"wake": func(t *rapid.T) { add(t); st.Wake() },
			"flush": func(t *rapid.T) {
				add(t)
				rests, busy := st.state.Load() == stateIdle, ws.flushes.Load()-st.flushed < hotFlushes
				before := ws.flushes.Load()
				st.Flush()
				if wrote := ws.flushes.Load() != before; wrote != (rests && !busy) {
					t.Fatalf("a Flush wrote: %v; the stream rested: %v, and was busy: %v", wrote, rests, busy)
				}
			},
			"others": func(t *rapid.T) { ws.flushes.Add(rapid.Uint32Range(0, 2*hotFlushes).Draw(t, "n")) },
		})
	})
}

// numbered is a session whose messages are the bytes 0, 1, 2, ….
type numbered struct {
	oneByOne
	said, asked atomic.Int64
	filling     atomic.Int32
}

func (s *numbered) Fill(b *Batch) bool {
	if s.filling.Add(1) > 1 {
		panic("two fill at the same time")
	}
	for n := s.asked.Load(); s.said.Load() < n; s.said.Add(1) {
		b.Begin(Meta{})
		b.Buf = append(b.Buf, byte(s.said.Load())) //nolint:gosec // wraps around
		b.End()
	}
	s.filling.Add(-1)
	return false
}

// Publishers that flush and others that wake, on a few sockets that are busy and
// many that are not, and the writers, lose and swap nothing.
func TestFlushAndWakeAtTheSameTime(t *testing.T) {
	const streams, publishers, each = 40, 8, 2000
	ws := NewWriters()
	var sessions [streams]*numbered
	var all [streams]*Stream
	var readers, pubs sync.WaitGroup
	for i := range streams {
		server, client := xtest.TCP(t, 0)
		sessions[i] = &numbered{}
		all[i] = NewStream(server, plainProtocol{}, ws, time.Minute)
		all[i].Start(sessions[i])
		readers.Go(func() { // ends with the farewell, or the socket
			b, want := make([]byte, 4<<10), byte(0)
			var n int
			for err := error(nil); err == nil; {
				n, err = client.Read(b)
				for _, c := range b[:n] {
					if c != want && !(c == '.' && int64(want) == sessions[i].asked.Load()&0xff) {
						t.Errorf("stream %d: got %d, want %d", i, c, want)
						_ = client.Close()
						return
					}
					want++
				}
			}
		})
	}
	for p := range publishers {
		pubs.Go(func() {
			for k := range each {
				i := (k*7 + p*11) % streams
				if k%3 == 0 {
					i = p % 4 // the busy ones
				}
				sessions[i].asked.Add(1)
				if k%5 == 0 {
					all[i].Wake()
				} else {
					all[i].Flush()
				}
			}
		})
	}
	pubs.Wait()
	for i, st := range all {
		for sessions[i].said.Load() < sessions[i].asked.Load() { // a stream that lost a wake stays here
			runtime.Gosched()
		}
		st.Close(ReasonDone)
	}
	readers.Wait()
	ws.Close()
}

// BenchmarkFlush is one message to one of many resting connections, until it is
// written: by the caller, and by a writer.
func BenchmarkFlush(b *testing.B) {
	for name, tell := range map[string]func(*Stream){"wake": (*Stream).Wake, "flush": (*Stream).Flush} {
		b.Run(name, func(b *testing.B) {
			raw := devNull(b)
			f := newFan(b, 2*hotFlushes, func() (net.Conn, syscall.RawConn) { c, _ := net.Pipe(); return c, raw })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f.remaining.Add(1)
				f.sessions[i%len(f.streams)].pending.Add(1)
				tell(f.streams[i%len(f.streams)])
				<-f.done
			}
		})
	}
}

func TestFlushAllocatesNothing(t *testing.T) {
	raw := devNull(t)
	f := newFan(t, 2*hotFlushes, func() (net.Conn, syscall.RawConn) { c, _ := net.Pipe(); return c, raw })
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		f.remaining.Add(1)
		f.sessions[i].pending.Add(1)
		f.streams[i].Flush()
		<-f.done
		i = (i + 1) % len(f.streams)
	}); n > 0 {
		t.Errorf("a flush allocates %v times", n)
	}
}
