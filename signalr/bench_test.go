package signalr

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
const maxSessionHeap = 1024

func idle(t testing.TB, h *Hub, user string, shake string) *Session {
	t.Helper()
	s, err := h.Open(&sink{transports.WebSockets}, Options{User: user})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Receive([]byte(shake), true); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(s.codec.Ping(), true); err != nil {
		t.Fatal(err)
	}
	s.Fill(transports.NewBatch(transports.Plain{}))
	return s
}

// An idle connection is a session and a subscription: no goroutine, no buffer.
func TestIdleSessionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Session{}); n > 256 {
		t.Errorf("a Session has %d bytes", n)
	}
	const n = 2000
	b := broker.New(broker.Config{MaxConnectionsPerUser: n}, replay.NewStore(replay.Config{}))
	h := NewEvents(Config{}, b)
	idle(t, h, "warm", jsonShake)
	before, goroutines := leaktest.Heap(), runtime.NumGoroutine()
	sessions := make([]*Session, n)
	for i := range sessions {
		sessions[i] = idle(t, h, "u", []string{jsonShake, packedShake}[i%2])
	}
	after := leaktest.Heap()
	if got := b.Stats().Connections; got != n+1 {
		t.Fatalf("%d connections", got)
	}
	if got := int(after-before) / n; got > maxSessionHeap {
		t.Errorf("%d bytes per idle session, more than %d", got, maxSessionHeap)
	} else {
		t.Logf("%d bytes per idle session", got)
	}
	if got := runtime.NumGoroutine(); got != goroutines {
		t.Errorf("%d goroutines more", got-goroutines)
	}
	runtime.KeepAlive(sessions)
}

// fanOut publishes one event to n connections and takes it for each of them.
func fanOut(b *testing.B, n int, event func() *replay.Event) {
	br := broker.New(broker.Config{MaxConnectionsPerUser: n}, replay.NewStore(replay.Config{}))
	h := NewEvents(Config{}, br)
	sessions := make([]*Session, n)
	for i := range sessions {
		sessions[i] = idle(b, h, "u", []string{jsonShake, packedShake}[i%2])
	}
	batch := transports.NewBatch(transports.Plain{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := br.Publish("u", event(), broker.Key{}); err != nil {
			b.Fatal(err)
		}
		for _, s := range sessions {
			batch.Reset(transports.Plain{})
			s.Fill(batch)
			if len(batch.Buf) == 0 {
				b.Fatal("nothing delivered")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/receiver")
}

// One event to connections of both encodings, without the network.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ev := &replay.Event{ID: "x", Type: "backup.progress", Data: []byte(`{"step":"export","done":false,"percent":42}`), Time: time.Now().UnixMilli()}
			fanOut(b, n, func() *replay.Event { return ev })
		})
	}
}

// A client that resumes with twenty missed events.
func BenchmarkResume(b *testing.B) {
	br := broker.New(broker.Config{}, replay.NewStore(replay.Config{}))
	for i := range 20 {
		ev := &replay.Event{ID: fmt.Sprint(i), Type: "n", Data: []byte(`{"step":"export","done":false,"percent":42}`), Time: time.Now().UnixMilli()}
		if _, err := br.Publish("u", ev, broker.Key{}); err != nil {
			b.Fatal(err)
		}
	}
	for name, shake := range map[string]string{"json": jsonShake, "messagepack": packedShake} {
		b.Run(name, func(b *testing.B) {
			h := NewEvents(Config{}, br)
			batch := transports.NewBatch(transports.Plain{})
			b.ReportAllocs()
			for b.Loop() {
				s, err := h.Open(&sink{transports.WebSockets}, Options{User: "u", Since: replay.Since{Kind: replay.SinceAll}})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Receive([]byte(shake), true); err != nil {
					b.Fatal(err)
				}
				batch.Reset(transports.Plain{})
				s.Fill(batch)
				if len(batch.Buf) < 1000 {
					b.Fatal("nothing replayed")
				}
				s.Closed(transports.ReasonLost)
			}
		})
	}
}

// One call there and its answer back, without the network.
func BenchmarkInvoke(b *testing.B) {
	h := New(Config{})
	h.Handle("Add", func(a, b int) int { return a + b })
	calls := map[string][]string{
		"json":        {jsonShake, `{"type":1,"invocationId":"17","target":"Add","arguments":[1,2]}` + "\x1e"},
		"messagepack": {packedShake, "\x0d\x95\x01\x80\xa217\xa3Add\x92\x01\x02"},
	}
	for name, in := range calls {
		b.Run(name, func(b *testing.B) {
			s := idle(b, h, "u", in[0])
			batch := transports.NewBatch(transports.Plain{})
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Receive([]byte(in[1]), true); err != nil {
					b.Fatal(err)
				}
				for batch.Reset(transports.Plain{}); len(batch.Buf) == 0; s.Fill(batch) {
					runtime.Gosched()
				}
			}
		})
	}
}
