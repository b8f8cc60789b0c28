package signalr

import (
	"fmt"
	"math"
	"testing"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Any number may come as an Ack (reference, section 6.2): what we have not sent
// counts as the last that we have, what was acknowledged before as nothing new.
func TestAnyAck(t *testing.T) {
	const sent, before = 6, 2
	for id, kept := range map[int64]int{
		math.MinInt64: 4, math.MinInt64 + 1: 4, -1: 4, 0: 4, 1: 4, before: 4,
		3: 3, 5: 1, sent: 0, sent + 1: 0, math.MaxInt32 + 1: 0, math.MaxInt64 - 1: 0, math.MaxInt64: 0,
	} {
		for _, codec := range []protocol.Codec{protocol.JSON, protocol.MessagePack} {
			bubble(t, func(t *testing.T) {
				p := dial(t, adder(Config{}), transports.WebSockets, Options{Stateful: true})
				p.shake(fmt.Sprintf(`{"protocol":%q,"version":2}`+"\x1e", codec.Name()))
				tell := func(m *protocol.Message) {
					b, err := codec.Append(nil, m)
					if err != nil {
						t.Fatal(err)
					}
					p.must(string(b))
				}
				tell(&protocol.Message{Type: protocol.TypePing}) // it counts from now on
				for i := range sent {
					tell(&protocol.Message{Type: protocol.TypeInvocation, InvocationID: fmt.Sprint(i), Target: "Nothing"})
				}
				p.take()
				tell(&protocol.Message{Type: protocol.TypeAck, SequenceID: before})
				tell(&protocol.Message{Type: protocol.TypeAck, SequenceID: id})
				p.s.mu.Lock()
				if n := len(p.s.state.unacked); n != kept {
					t.Errorf("%s: Ack of %d: %d messages are kept, want %d", codec.Name(), id, n, kept)
				}
				p.s.mu.Unlock()
				p.wantEnd("")
			})
		}
	}
}
