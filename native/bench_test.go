package native

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"hubline/broker"
	"hubline/internal/leaktest"
	"hubline/replay"
	"hubline/transports"
)

// maxSessionHeap is what an idle session may keep alive, its subscription
// included, in bytes.
const maxSessionHeap = 448

// sink is a carrier that nobody reads from.
type sink struct{ transport transports.Transport }

func (*sink) ConnectionID() string              { return "conn-1" }
func (s *sink) Transport() transports.Transport { return s.transport }
func (*sink) Wake()                             {}
func (*sink) Close(transports.Reason)           {}
func (*sink) Abort(transports.Reason)           {}

// idle opens a session and takes what it says first.
func idle(t testing.TB, b *broker.Broker, user string, o Options) *Session {
	t.Helper()
	o.User = user
	s, err := New(&defaults, b, &sink{ws}, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Fill(transports.NewBatch(transports.Plain{}))
	return s
}

var defaults = Config{}.WithDefaults()

// An idle connection is a session and a subscription: no goroutine, no buffer.
func TestIdleSessionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Session{}); n > 256 {
		t.Errorf("a Session has %d bytes", n)
	}
	const n = 5000
	b := broker.New(broker.Config{MaxConnectionsPerUser: n + 1}, replay.NewStore(replay.Config{}))
	warm := idle(t, b, "u", Options{Control: true})
	defer warm.Closed(transports.ReasonLost)
	before, goroutines := leaktest.Heap(), runtime.NumGoroutine()
	sessions := make([]*Session, n)
	for i := range sessions {
		s := idle(t, b, "u", Options{Control: true})
		if err := s.Receive([]byte(pingText[:3]), false); err != nil {
			t.Fatal(err)
		}
		if err := s.Receive([]byte(pingText[3:]), true); err != nil {
			t.Fatal(err)
		}
		s.Fill(transports.NewBatch(transports.Plain{}))
		sessions[i] = s
	}
	after := leaktest.Heap()
	if got := b.Stats().Connections; got != n+1 {
		t.Fatalf("%d connections", got)
	}
	got := int(after-before) / n //nolint:gosec // small
	if t.Logf("%d bytes per idle session", got); got > maxSessionHeap {
		t.Errorf("%d bytes per idle session, more than %d", got, maxSessionHeap)
	}
	if got := runtime.NumGoroutine(); got != goroutines {
		t.Errorf("%d goroutines more", got-goroutines)
	}
	for _, s := range sessions {
		s.Closed(transports.ReasonLost)
	}
}

func benchEvent() *replay.Event {
	return &replay.Event{
		ID: "0197c0de-0000-7000-8000-000000000000", Type: "backup.progress",
		Data: []byte(`{"operation":"export","step":3,"of":100,"note":"` + fmt.Sprintf("%060d", 1) + `"}`), Time: time.Now().UnixMilli(),
	}
}

// Laying out what waits for one connection allocates nothing.
func TestFillAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool drops things at random")
	}
	b := broker.New(broker.Config{}, replay.NewStore(replay.Config{}))
	ev := benchEvent()
	publish := func() {
		if _, err := b.Publish("u", ev, broker.Key{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		publish()
	}
	s := idle(t, b, "u", Options{})
	defer s.Closed(transports.ReasonLost)
	batch := transports.NewBatch(transports.Plain{})
	op := func() {
		publish()
		batch.Reset(transports.Plain{})
		s.Fill(batch)
	}
	op()
	if n := testing.AllocsPerRun(500, op); n != 0 {
		t.Errorf("publish and fill allocate %v times", n)
	}
	if n := testing.AllocsPerRun(500, func() {
		if err := s.Receive(ping, true); err != nil {
			t.Error(err)
		}
		s.beat.Store(true)
		batch.Reset(transports.Plain{})
		s.Fill(batch)
	}); n != 0 {
		t.Errorf("ping, pong and keep-alive allocate %v times", n)
	}
	other := idle(t, b, "u", Options{})
	defer other.Closed(transports.ReasonLost)
	both := func() {
		op()
		batch.Reset(transports.Plain{})
		other.Fill(batch)
	}
	both()
	// The frame, its encoding, and the two words that hold it.
	if n := testing.AllocsPerRun(500, both); n > 4 {
		t.Errorf("publish and fill for two allocate %v times", n)
	}
}

// BenchmarkFanOut is one event encoded once and laid out for many connections.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint("subs=", n), func(b *testing.B) {
			br := broker.New(broker.Config{MaxConnectionsPerUser: n}, replay.NewStore(replay.Config{}))
			sessions := make([]*Session, n)
			for i := range sessions {
				sessions[i] = idle(b, br, "u", Options{})
				defer sessions[i].Closed(transports.ReasonLost)
			}
			batch := transports.NewBatch(transports.Plain{})
			ev := benchEvent()
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := br.Publish("u", ev, broker.Key{}); err != nil {
					b.Fatal(err)
				}
				for _, s := range sessions {
					batch.Reset(transports.Plain{})
					s.Fill(batch)
					bytes += len(batch.Buf)
				}
			}
			if bytes < b.N*n*len(ev.Data) {
				b.Errorf("%d bytes were laid out", bytes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sub")
		})
	}
}

// BenchmarkResume lays out 1,000 missed events for one client.
func BenchmarkResume(b *testing.B) {
	br := broker.New(broker.Config{}, replay.NewStore(replay.Config{}))
	for range 1000 {
		if _, err := br.Publish("u", benchEvent(), broker.Key{}); err != nil {
			b.Fatal(err)
		}
	}
	batch := transports.NewBatch(transports.Plain{})
	b.ReportAllocs()
	for b.Loop() {
		s, err := New(&defaults, br, &sink{sse}, Options{User: "u", Since: replay.Since{Kind: replay.SinceAll}, Control: true})
		if err != nil {
			b.Fatal(err)
		}
		bytes := 0
		for more := true; more; {
			batch.Reset(transports.Plain{})
			more = s.Fill(batch)
			bytes += len(batch.Buf)
		}
		if s.Closed(transports.ReasonDone); bytes < 200_000 {
			b.Fatal(bytes)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkAppendEvent(b *testing.B) {
	ev := benchEvent()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEvent(buf[:0], ev, "k7q2ab12", 1_234_567)
	}
}

func BenchmarkAppendShared(b *testing.B) {
	e := encode(benchEvent()).(*envelope)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.appendTo(buf[:0], "k7q2ab12", 1_234_567)
	}
}
