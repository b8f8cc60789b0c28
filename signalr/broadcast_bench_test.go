package signalr

import (
	"fmt"
	"testing"

	"hubline/transports"
)

// named is a sink with a name of its own, for a hub that lists its connections.
type named struct {
	sink
	id string
}

func (n *named) ConnectionID() string { return n.id }

// One invocation to all connections of a hub, of both encodings, until each has
// taken it, without the network.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := New(Config{})
			sessions := make([]*Session, n)
			for i := range sessions {
				conn := &named{sink{transports.WebSockets}, fmt.Sprint(i)}
				s, err := h.Open(conn, Options{User: "u"})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Receive([]byte([]string{jsonShake, packedShake}[i%2]), true); err != nil {
					b.Fatal(err)
				}
				s.Fill(transports.NewBatch(transports.Plain{}))
				sessions[i] = s
			}
			batch := transports.NewBatch(transports.Plain{})
			b.ReportAllocs()
			for b.Loop() {
				if err := h.All().Send("progress", "export", 42, false); err != nil {
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
		})
	}
}
