package signalr

import (
	"math"
	"strings"
	"testing"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Reference section 5.

func TestKeepAlive(t *testing.T) {
	for _, tt := range []struct {
		transport transports.Transport
		shake     string
		ping      string
	}{
		{transports.WebSockets, jsonShake, `{"type":6}`},
		{transports.WebSockets, packedShake, "\x02\x91\x06"},
		{transports.ServerSentEvents, jsonShake, `{"type":6}`},
	} {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{}), tt.transport, Options{})
			p.shake(tt.shake)
			last := time.Now()
			for pings := 0; pings < 4; {
				time.Sleep(100 * time.Millisecond)
				for _, f := range p.take() {
					if got := strings.TrimSuffix(f.text, "\x1e"); got != tt.ping || f.binary != (tt.shake == packedShake) {
						t.Errorf("sent %q, binary %v", got, f.binary)
					}
					if since := time.Since(last); since > 15*time.Second || since < 13*time.Second {
						t.Errorf("ping after %v", since)
					}
					last = time.Now()
					pings++
				}
				if time.Since(last) > time.Minute {
					t.Fatal("no ping")
				}
			}
		})
	}
}

// The interval is the longest silence, also when it is the sweeper's grain.
func TestShortKeepAliveIntervals(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{KeepAliveInterval: interval}), transports.WebSockets, Options{})
			time.Sleep(300 * time.Millisecond)
			p.shake(jsonShake)
			time.Sleep(10*time.Millisecond + interval) // until a ping is due
			for range 10 {
				if n := len(p.take()); n == 0 {
					t.Errorf("no ping within %v", interval)
				}
				time.Sleep(interval)
			}
		})
	}
}

func TestNoKeepAliveOnLongPolling(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.LongPolling, Options{})
		p.shake(jsonShake)
		p.must(jsonPing)
		time.Sleep(10 * time.Minute)
		p.want()
		p.wantEnd("")
	})
}

func TestPingComesWhateverElseIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		pings := 0
		for range 60 {
			time.Sleep(time.Second)
			p.call(`{"type":1,"invocationId":"1","target":"Nothing","arguments":[]}`)
			for _, f := range p.take() {
				if f.text == jsonPing {
					pings++
				}
			}
		}
		if pings < 4 {
			t.Errorf("%d pings in a minute", pings)
		}
	})
}

func TestPingsDoNotPileUpForAStalledClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.stalled.Lock()
		time.Sleep(5 * time.Minute)
		p.stalled.Unlock()
		p.Wake()
		if n := len(p.take()); n > 2 {
			t.Errorf("%d pings waited", n)
		}
	})
}

func TestClientThatNeverPingsStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.call(`{"type":1,"target":"Nothing","arguments":[]}`)
		time.Sleep(10 * time.Minute)
		p.wantEnd("")
	})
}

func TestSilentClientIsClosedAfterItsFirstPing(t *testing.T) {
	const text = `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`
	const detailed = `{"type":7,"error":"Connection closed with an error. OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.","allowReconnect":true}`
	for detail, want := range map[bool]string{false: text, true: detailed} {
		bubble(t, func(t *testing.T) {
			h := adder(Config{DetailedErrors: detail})
			p := connect(t, h, Options{})
			p.must(jsonPing)
			time.Sleep(29500 * time.Millisecond)
			p.take()
			p.wantEnd("")
			time.Sleep(2 * time.Second)
			p.want(want)
			p.wantEnd(transports.ReasonTimeout)
			if n := h.Stats().Timeouts; n != 1 {
				t.Errorf("%d timeouts counted", n)
			}
		})
	}
}

// Reference sections 2 and 5: CloseOnAuthenticationExpiration.
func TestExpiry(t *testing.T) {
	for _, tr := range transports.All() {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{}), tr, Options{Expires: time.Now().Add(40 * time.Second)})
			p.shake(jsonShake)
			for range 39 { // a client that is alive
				p.must(jsonPing)
				time.Sleep(time.Second)
			}
			p.take()
			p.wantEnd("")
			time.Sleep(2 * time.Second)
			p.want(`{"type":7,"allowReconnect":true}`)
			p.wantEnd(transports.ReasonExpired)
		})
	}
}

func TestFarExpiryIsNever(t *testing.T) {
	for at, want := range map[time.Time]uint32{
		{}:                             0,
		time.Unix(-5, 0):               1,
		time.Unix(7, 0):                7,
		time.Unix(7, 1):                8,
		time.Unix(math.MaxUint32-1, 0): math.MaxUint32 - 1,
		time.Unix(math.MaxUint32, 0):   0,
		time.Unix(1<<40, 0):            0,
	} {
		if got := expiryOf(at); got != want {
			t.Errorf("%v is %d, want %d", at, got, want)
		}
	}
}

// Without a handshake there is nobody to say goodbye to.
func TestExpiryBeforeTheHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{Expires: time.Now().Add(3 * time.Second)})
		time.Sleep(2 * time.Second)
		p.wantEnd("")
		time.Sleep(2 * time.Second)
		p.want()
		p.wantEnd(transports.ReasonExpired)
	})
}

func TestAnyMessageResetsTheClientTimeout(t *testing.T) {
	for _, m := range []string{jsonPing, `{"type":1,"target":"Nothing","arguments":[]}` + "\x1e", `{"type":99}` + "\x1e", `{"type":8,"sequenceId":1}` + "\x1e"} {
		bubble(t, func(t *testing.T) {
			p := connect(t, adder(Config{}), Options{})
			p.must(jsonPing)
			for range 10 {
				time.Sleep(25 * time.Second)
				p.must(m)
			}
			p.wantEnd("")
			time.Sleep(32 * time.Second)
			p.wantEnd(transports.ReasonTimeout)
		})
	}
}

func TestPieceOfAMessageIsNoSignOfLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.must(jsonPing)
		for range 10 {
			time.Sleep(4 * time.Second)
			p.must(" ")
		}
		p.wantEnd(transports.ReasonTimeout)
	})
}

func TestClientIsNotTimedOutWhileItsCallsWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{MaxQueuedCalls: 1, MaxHold: 5 * time.Minute}), Options{})
		p.must(jsonPing)
		go func() { // ends with the calls
			for range 3 {
				p.call(`{"type":1,"target":"Sleep","arguments":[60000]}`)
			}
		}()
		time.Sleep(85 * time.Second) // there was room for the third call at 60 s
		p.wantEnd("")
		time.Sleep(10 * time.Second)
		p.wantEnd(transports.ReasonTimeout)
	})
}

func TestOddTimersAreKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{KeepAliveInterval: time.Minute, ClientTimeout: 3 * time.Second}), Options{})
		p.must(jsonPing)
		time.Sleep(5 * time.Second)
		p.wantEnd(transports.ReasonTimeout)
	})
}

func TestTickAfterTheEndIsHarmless(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.s.Leave(transports.ReasonDrain)
		p.wantEnd(transports.ReasonDrain)
		if next := p.s.Tick(time.Now()); !next.IsZero() {
			t.Errorf("wants another tick at %v", next)
		}
		b := transports.NewBatch(transports.Plain{})
		p.s.Fill(b)
		if len(b.Buf) != 0 || p.s.send(&protocol.Message{Type: protocol.TypePing}) {
			t.Errorf("sends %q after the end", b.Buf)
		}
		p.s.Leave(transports.ReasonDrain)
	})
}
