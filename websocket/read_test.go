package websocket

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// script is what a lawful client sends, with what is to come of it.
type script struct {
	raw      strings.Builder
	payload  strings.Builder
	messages int
	controls int
	pings    []string
}

// add appends a random message, fragmented or not, with pings and pongs before,
// between and behind the fragments, in all forms that a length can take.
func (s *script) add(rng *rand.Rand) {
	s.control(rng)
	n := rng.IntN([]int{1, 10, 200, 5000, 80_000}[rng.IntN(5)])
	payload := randomText(rng, n)
	s.payload.WriteString(payload)
	s.messages++
	first := byte(1 + rng.IntN(2))
	for rng.IntN(3) == 0 {
		cut := rng.IntN(len(payload) + 1)
		s.raw.WriteString(masked(first, payload[:cut], rng.IntN(3)))
		payload, first = payload[cut:], 0
		s.control(rng)
	}
	s.raw.WriteString(masked(0x80|first, payload, rng.IntN(3)))
	s.control(rng)
}

func (s *script) control(rng *rand.Rand) {
	for rng.IntN(3) == 0 {
		payload := randomText(rng, rng.IntN(126))
		first := byte(finPong)
		if rng.IntN(2) == 0 {
			first = finPing
			s.pings = append(s.pings, payload)
		}
		s.raw.WriteString(masked(first, payload, 0))
		s.controls++
	}
}

func randomText(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// Frames of all kinds in any chunking: every byte reaches the session, in order,
// every message ends where it should, pings are answered, and nothing stalls.
// Afterwards the connection waits for its socket, without a worker.
func TestAnyFramesInAnyChunks(t *testing.T) {
	g := newRig(t, transports.Config{})
	addr := g.tcp()
	var all sync.WaitGroup
	for i := range 40 {
		p := g.dial(addr)
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		s := &script{}
		for range 1 + rng.IntN(40) {
			s.add(rng)
		}
		all.Go(func() {
			raw := s.raw.String()
			for len(raw) > 0 {
				n := min(len(raw), 1+rng.IntN([]int{1, 3, 200, 100_000}[rng.IntN(4)]))
				if _, err := io.WriteString(p, raw[:n]); err != nil {
					t.Error(err)
					return
				}
				raw = raw[n:]
				if rng.IntN(50) == 0 {
					runtime.Gosched()
				}
			}
			// A last ping: its pong comes when all before it has been read.
			_, _ = io.WriteString(p, masked(finPing, "last", 0))
		})
		all.Go(func() {
			asked := append(s.pings, "last")
			for next := 0; next < len(asked); {
				f, err := readFrame(p.r)
				if err != nil || f.op != 10 {
					t.Errorf("got frame %d %q, %v; want a pong", f.op, f.payload, err)
					return
				}
				for next < len(asked) && asked[next] != f.payload {
					next++ // answered by a later one
				}
				if next++; next > len(asked) {
					t.Errorf("pong %q answers no ping", f.payload)
				}
			}
			if got, n := p.d.Got(); got != s.payload.String() || n != s.messages {
				t.Errorf("session got %d bytes in %d messages, want %d in %d", len(got), n, s.payload.Len(), s.messages)
			}
			if got, want := p.d.HeardTimes(), s.controls+1; got < want-1 || got > want {
				t.Errorf("the session heard %d signs of life, want %d", got, want)
			}
		})
	}
	all.Wait()
	xtest.Until(t, func() bool { return parked() == 40 }, "all connections to rest")
}

// parked is how many goroutines wait for a socket the cheap way.
func parked() int {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	return strings.Count(b.String(), "transports.(*Waiter).Wait(")
}

func TestLongMessageComesInPieces(t *testing.T) {
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 7, 200_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			g := newRig(t, transports.Config{})
			var pieces []int
			done := make(chan struct{})
			g.prepare = func(d *dialect.Session) {
				d.OnReceive = func(p []byte, end bool) {
					if pieces = append(pieces, len(p)); end {
						close(done)
					}
				}
			}
			p := g.dial(g.tcp())
			payload := strings.Repeat("abcdefg", n/7+1)[:n]
			p.write(text(payload))
			<-done
			p.write(closeFrame(1000, ""))
			p.want(8, closePayload(1000, ""))
			p.wantEnd(transports.ReasonClientClosed)
			if got, m := p.d.Got(); got != payload || m != 1 || len(pieces) != n/chunk+1 {
				t.Errorf("got %d bytes in %d messages and pieces of %v", len(got), m, pieces)
			}
		})
	}
}

func TestReadLimit(t *testing.T) {
	const limit = 1000
	tests := []struct {
		name   string
		frames string
		ok     bool
	}{
		{"at the limit", text(strings.Repeat("x", limit)), true},
		{"above", text(strings.Repeat("x", limit+1)), false},
		{"announced only", text(strings.Repeat("x", 1<<20))[:20], false},
		{"announced beyond all measure", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + maskKey, false},
		{"announced below zero", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + maskKey, false},
		{"fragments at the limit", masked(1, strings.Repeat("x", limit-1), 0) + masked(0x80, "x", 0), true},
		{"fragments above", masked(1, strings.Repeat("x", limit), 0) + masked(0x80, "x", 0), false},
		{"two messages", text(strings.Repeat("x", limit)) + text("x"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, transports.Config{})
			g.options.MaxMessageBytes = limit
			p := g.dial(g.tcp())
			p.write(tt.frames)
			if tt.ok {
				p.write(masked(finPing, "?", 0))
				p.want(10, "?")
				p.write(closeFrame(1000, ""))
				p.want(8, closePayload(1000, ""))
				p.wantEnd(transports.ReasonClientClosed)
				return
			}
			// The close frame arrives though there is more that nobody reads.
			go func() { _, _ = io.WriteString(p, strings.Repeat("more", 1<<18)) }() // ends with the socket
			p.want(8, closePayload(1009, "too_large"))
			p.wantEnd(transports.ReasonTooLarge)
		})
	}
}

// What a client does to the protocol is answered by 1002, on hubs too.
func TestProtocolViolations(t *testing.T) {
	tests := []struct{ name, frames string }{
		{"not masked", "\x81\x01x"},
		{"ping not masked", "\x89\x01x"},
		{"reserved bit 1", "\xc1\x80" + maskKey},
		{"reserved bit 2", "\xa1\x80" + maskKey},
		{"reserved bit 3 of a ping", "\x99\x80" + maskKey},
		{"opcode 3", "\x83\x80" + maskKey},
		{"opcode 11", "\x8b\x80" + maskKey},
		{"continuation of nothing", "\x80\x80" + maskKey},
		{"message in a message", "\x01\x80" + maskKey + "\x81\x80" + maskKey},
		{"long ping", masked(finPing, strings.Repeat("x", 126), 0)},
		{"fragmented ping", "\x09\x80" + maskKey},
		{"close code 1005", closeFrame(1005, "")},
		{"close code 999", closeFrame(999, "")},
		{"close reason of half a letter", closeFrame(1000, "\xc3")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, hub := range []bool{false, true} {
				g := newRig(t, transports.Config{})
				g.options.NormalClose = hub
				p := g.dial(g.tcp())
				p.write(text("a") + tt.frames)
				go func() { _, _ = io.WriteString(p, strings.Repeat("more", 1<<18)) }() // ends with the socket
				reason := "protocol_error"
				if hub {
					reason = ""
				}
				p.want(8, closePayload(1002, reason))
				p.wantEnd(transports.ReasonProtocolError)
				if got, _ := p.d.Got(); got != "a" {
					t.Errorf("session got %q", got)
				}
			}
		})
	}
}

// What comes behind a message that the session refuses is dropped, but read, so
// that the closing handshake is completed.
func TestRefusedMessage(t *testing.T) {
	for _, hub := range []bool{false, true} {
		g := newRig(t, transports.Config{})
		g.options.NormalClose = hub
		g.prepare = func(d *dialect.Session) { d.Refuse = "bad" }
		p := g.dial(g.tcp())
		p.write(text("good") + text("bad") + text("more") + masked(finPing, "?", 0))
		go func() { // ends with the socket
			for {
				if _, err := io.WriteString(p, text(strings.Repeat("and more", 1000))); err != nil {
					return
				}
			}
		}()
		f := p.next()
		for f.op == 10 {
			f = p.next()
		}
		want := closePayload(1002, "protocol_error")
		if hub {
			want = closePayload(1000, "")
		}
		if f.op != 8 || f.payload != want {
			t.Errorf("got frame %d %q, want a close frame %q", f.op, f.payload, want)
		}
		p.write(closeFrame(1000, "")) // without which it would wait for it
		if got, _ := p.d.Got(); got != "good" {
			t.Errorf("session got %q", got)
		}
		p.wantEnd(transports.ReasonProtocolError)
	}
}
