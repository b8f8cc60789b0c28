package signalr

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/signalr/protocol"
	"hubline/transports"
)

// sink is a carrier that nobody reads.
type sink struct{ transport transports.Transport }

func (*sink) ConnectionID() string              { return "c" }
func (s *sink) Transport() transports.Transport { return s.transport }
func (*sink) Wake()                             {}
func (*sink) Close(transports.Reason)           {}
func (*sink) Abort(transports.Reason)           {}

// No bytes, in any pieces, upset a session; what it keeps is bounded; the end
// is the same however the bytes are cut. That goes for the separator of a
// handshake, too, if it comes late.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(jsonShake+`{"type":1,"invocationId":"1","target":"Replay","arguments":["0"]}`+"\x1e"+jsonPing+`{"type":7}`+"\x1e"), uint64(1))
	f.Add([]byte(packedShake+"\x02\x91\x06\x0e\x95\x01\x80\xa11\xa6Replay\x91\x00\x03\x92\x07\xc0"), uint64(2))
	f.Add([]byte(jsonShake+`{"type":1,"target":"Ack","arguments":[5]}`+"\x1e{"), uint64(3))
	f.Add([]byte(packedShake+"\x1e\x95\x01\x80\xc0\xa3Ack\x91\xb3"+strings.Repeat("x", 19)), uint64(4))
	f.Add([]byte(packedShake+"\x92\x01\x95\x01\x80\xc0\xa3Ack\x91\xd9\x87"+strings.Repeat("x", 135)), uint64(5))
	b := broker.New(broker.Config{}, replay.NewStore(replay.Config{}))
	h := NewEvents(Config{MaxMessageBytes: 512}, b)
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		run := func(on transports.Transport, piece func(left int) int) (failed, over bool) {
			s, err := h.Open(&sink{on}, Options{User: "u"})
			if err != nil {
				t.Fatal(err)
			}
			batch := transports.NewBatch(transports.Plain{})
			for rest := in; len(rest) > 0 && !failed; {
				n := piece(len(rest))
				failed = s.Receive(rest[:n], true) != nil
				rest = rest[n:]
				if len(s.in) > 512 {
					t.Fatalf("holds %d bytes", len(s.in))
				}
				batch.Reset(transports.Plain{})
				s.Fill(batch)
			}
			s.Tick(time.Now())
			over = s.isOver()
			s.Closed(transports.ReasonLost)
			return failed, over
		}
		failed, over := run(transports.LongPolling, func(left int) int { return left })
		for _, piece := range []func(int) int{
			func(int) int { return 1 },
			func(left int) int { return min(left, 1+r.IntN(30)) },
		} {
			if f, o := run(transports.LongPolling, piece); f != failed || o != over {
				t.Fatalf("in pieces: failed %v, over %v; whole: %v, %v", f, o, failed, over)
			}
			bare := separates(in)
			if bare == 0 {
				continue
			}
			cut := func(left int) int {
				if left == len(in) {
					return bare
				}
				return piece(left)
			}
			if f, o := run(transports.WebSockets, cut); f != failed || o != over {
				t.Fatalf("with a late separator: failed %v, over %v; whole: %v, %v", f, o, failed, over)
			}
		}
		h.Wait()
	})
}

// separates returns the length of the handshake's object if a separator and a good
// message follow, which tell each other's meaning, else 0.
func separates(in []byte) int {
	h, n, err := protocol.ParseHandshake(in, 512, false)
	if n == 0 || err != nil {
		return 0
	}
	codec, err := h.Choose(true)
	if err != nil {
		return 0
	}
	body, n1, err := codec.Next(in[n:], 512)
	var m protocol.Message
	if n1 == 0 || err != nil || codec.Decode(body, &m) != nil {
		return 0
	}
	return n - 1
}
