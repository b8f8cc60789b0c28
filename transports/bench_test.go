package transports

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hubline/transports/xtest"
)

// counted is a session with one message whenever it is asked for; remaining is
// how many are outstanding in all.
type counted struct {
	oneByOne
	payload   []byte
	pending   atomic.Int32
	remaining *atomic.Int64
	done      chan<- struct{}
}

func (s *counted) Fill(b *Batch) bool {
	n := s.pending.Swap(0)
	for range n {
		b.Begin(Meta{})
		b.Buf = append(b.Buf, s.payload...)
		b.End()
	}
	if n > 0 && s.remaining.Add(int64(-n)) == 0 {
		s.done <- struct{}{}
	}
	return false
}

// devNull is a socket that takes everything, for the price of a cheap system
// call: what is measured is what stands around the write.
func devNull(b testing.TB) syscall.RawConn {
	b.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	raw, err := f.SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// fan is a set of streams with one writer set.
type fan struct {
	streams   []*Stream
	sessions  []*counted
	remaining atomic.Int64
	done      chan struct{}
}

func newFan(b testing.TB, n int, conn func() (net.Conn, syscall.RawConn)) *fan {
	b.Helper()
	ws := NewWriters()
	b.Cleanup(ws.Close)
	f := &fan{done: make(chan struct{}, 1)}
	for range n {
		nc, raw := conn()
		st := NewStream(nc, plainProtocol{}, ws, time.Minute)
		if raw != nil {
			st.raw = raw
		}
		s := &counted{payload: make([]byte, 200), remaining: &f.remaining, done: f.done}
		st.Start(s)
		f.streams, f.sessions = append(f.streams, st), append(f.sessions, s)
	}
	f.event() // all have started
	return f
}

// event gives every stream a message and waits until all have laid it out.
func (f *fan) event() {
	f.remaining.Add(int64(len(f.streams)))
	for i, s := range f.sessions {
		s.pending.Add(1)
		f.streams[i].Wake()
	}
	<-f.done
}

func BenchmarkStreamFanOut(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("null/%d", n), func(b *testing.B) {
			raw := devNull(b)
			f := newFan(b, n, func() (net.Conn, syscall.RawConn) { c, _ := net.Pipe(); return c, raw })
			benchmarkEvents(b, f)
		})
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("tcp/%d", n), func(b *testing.B) {
			f := newFan(b, n, func() (net.Conn, syscall.RawConn) {
				server, client := xtest.TCP(b, 0)
				go func() { _, _ = io.Copy(io.Discard, client) }() // ends with the socket
				return server, nil
			})
			benchmarkEvents(b, f)
		})
	}
}

func benchmarkEvents(b *testing.B, f *fan) {
	b.ReportAllocs()
	for b.Loop() {
		f.event()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(f.streams)), "ns/stream")
}

func TestStreamAllocatesNothingPerMessage(t *testing.T) {
	raw := devNull(t)
	f := newFan(t, 10, func() (net.Conn, syscall.RawConn) { c, _ := net.Pipe(); return c, raw })
	if n := testing.AllocsPerRun(1000, f.event); n > 0 {
		t.Errorf("an event to 10 streams allocates %v times", n)
	}
}

func BenchmarkBatch(b *testing.B) {
	batch := NewBatch(Plain{})
	payload := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset(Plain{})
		for range 32 {
			batch.Begin(Meta{})
			batch.Buf = append(batch.Buf, payload...)
			batch.End()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*32), "ns/message")
}

func BenchmarkWheel(b *testing.B) {
	w := NewWheel()
	a := &steady{}
	for range 10_000 {
		w.Add(a, time.Now())
	}
	now := w.since
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		w.turn(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10_000), "ns/entry")
}

func BenchmarkDeliver(b *testing.B) {
	s := NewServer(Config{})
	c := s.Open("scope", "user", "addr", nil, WebSockets, false)
	c.Bind(&oneByOne{})
	p := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Deliver(p, true)
	}
	c.End(ReasonDone)
	s.Shutdown(b.Context(), 0)
}

func BenchmarkNegotiate(b *testing.B) {
	s := NewServer(Config{})
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.Negotiate("scope", "user", "addr", nil, time.Second, false)
		if err != nil {
			b.Fatal(err)
		}
		c.End(ReasonDone)
	}
	s.Shutdown(b.Context(), 0)
}
