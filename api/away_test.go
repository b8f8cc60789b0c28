package api

import (
	"encoding/binary"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hubline/api/auth"
	"hubline/transports"
)

// saved is the cursor of anna's device "phone", as a seq; -1: none.
func (f *fixture) saved() int {
	synctest.Wait()
	c, ok := f.broker.DeviceCursor("anna", "phone")
	if !ok {
		return -1
	}
	return int(c.Seq) //nolint:gosec // small
}

// wantSaved compares the cursor.
func (f *fixture) wantSaved(want int) {
	f.Helper()
	if got := f.saved(); got != want {
		f.Errorf("saved %d, want %d", got, want)
	}
}

// sockets are the endpoints where a WebSocket of a device is asked what it has read.
var sockets = map[string]func(f *fixture) *stack{
	"native": func(f *fixture) *stack {
		return f.stack("/ws?since=device", f.token(auth.Claims{Device: "phone"}))
	},
	"hub": func(f *fixture) *stack {
		s := f.stack("/hubs/events", f.token(auth.Claims{Device: "phone"}))
		s.write(opText, jsonShake+rs)
		return s
	},
	"bitwarden": func(f *fixture) *stack {
		s := f.stack("/notifications/hub", f.token(auth.Claims{Device: "phone"}))
		s.write(opText, `{"protocol":"messagepack","version":1}`+rs)
		return s
	},
}

// eachSocket runs a test on the fake clock for each of them.
func eachSocket(t *testing.T, test func(t *testing.T, f *fixture, open func(f *fixture) *stack)) {
	for name, open := range sockets {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, newFixture(t, inMemory), open) })
		})
	}
}

// drain reads all that has come, and returns the payloads of the pings that ask, with
// how many messages came before each.
func (s *stack) drain() (pings []string, before []int) {
	synctest.Wait()
	for n := 0; ; {
		op, payload, ok := s.read()
		switch {
		case !ok:
			return pings, before
		case op != opPing:
			n++
		case payload != "":
			pings, before = append(pings, payload), append(before, n)
		default: // a keep-alive
			s.write(opPong, "")
		}
	}
}

// rest reads for a while.
func (s *stack) rest(d time.Duration) (pings []string) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		more, _ := s.drain()
		pings = append(pings, more...)
	}
	more, _ := s.drain()
	return append(pings, more...)
}

// one wants a single question behind n messages, and returns its payload.
func (s *stack) one(n int) string {
	s.f.Helper()
	pings, before := s.drain()
	if len(pings) != 1 || before[0] != n {
		s.f.Fatalf("%d questions behind %v messages, want one behind %d", len(pings), before, n)
	}
	return pings[0]
}

// The first event after a quiet time is asked about at once, what comes soon after it
// together, a little later, and what is not for this device with the next keep-alive.
func TestAPongMovesTheDevicesCursor(t *testing.T) {
	eachSocket(t, func(_ *testing.T, f *fixture, open func(f *fixture) *stack) {
		event := func(more string) { f.publish("anna", `{"type":"1"`+more+`}`) }
		event("") // from before the device
		s := open(f)
		if pings, _ := s.drain(); pings != nil {
			f.Errorf("%q is asked on an idle connection", pings)
		}
		f.wantSaved(1)

		event("")
		first := s.one(1)
		f.wantSaved(1)
		event("")
		event("")
		if pings, _ := s.drain(); pings != nil {
			f.Errorf("asked again at once: %q", pings)
		}
		s.write(opPong, first)
		f.wantSaved(2) // and no more: the rest came behind the question

		time.Sleep(transports.ProbeInterval + time.Second)
		s.write(opPong, s.one(0))
		f.wantSaved(4)

		if pings := s.rest(time.Minute / 2); pings != nil {
			f.Errorf("asked about nothing: %q", pings)
		}
		event(`,"device":"laptop"`)
		pings := s.rest(f.api.cfg.PingInterval + time.Second)
		if len(pings) == 0 {
			f.Fatal("not asked about what is not for this device")
		}
		s.write(opPong, pings[0])
		f.wantSaved(5)
	})
}

// A client that answers no ping is asked again with each keep-alive, not more often.
func TestAQuestionIsRepeatedSeldom(t *testing.T) {
	eachSocket(t, func(_ *testing.T, f *fixture, open func(f *fixture) *stack) {
		s := open(f)
		s.drain()
		f.publish("anna", `{"type":"1"}`)
		s.one(1)
		pings := s.rest(2*f.api.cfg.PingInterval + 2*time.Second)
		if len(pings) == 0 || len(pings) > 2 {
			f.Fatalf("%d more questions in two intervals of keep-alive", len(pings))
		}
		f.wantSaved(0)
		s.write(opPong, pings[len(pings)-1])
		f.wantSaved(1)
	})
}

// Pongs that answer nothing move nothing, however many there are.
func TestForeignPongsMoveNothing(t *testing.T) {
	eachSocket(t, func(_ *testing.T, f *fixture, open func(f *fixture) *stack) {
		s := open(f)
		s.drain()
		other := f.stack("/ws?since=device", f.token(auth.Claims{Device: "laptop"}))
		other.drain()
		f.publish("anna", `{"type":"1"}`)
		asked := s.one(1)
		ahead := []byte(asked)
		binary.BigEndian.PutUint64(ahead[4:], 1000)
		foreign := other.one(1)
		for range 2000 {
			for _, payload := range []string{"", "heartbeat", foreign, string(ahead), asked[:11], asked + "x"} {
				if !s.write(opPong, payload) {
					f.Fatal("the flood has ended the connection")
				}
			}
		}
		f.wantSaved(0)
		for range 2000 {
			s.write(opPong, asked)
		}
		f.wantSaved(1)
	})
}

// When the server says goodbye it asks for the last time, also what it would have asked
// a little later.
func TestTheLastBatchIsAskedAbout(t *testing.T) {
	eachSocket(t, func(_ *testing.T, f *fixture, open func(f *fixture) *stack) {
		s := open(f)
		s.drain()
		f.publish("anna", `{"type":"1"}`)
		s.one(1)
		f.publish("anna", `{"type":"1"}`)
		for _, c := range f.conns.Connections() {
			c.Leave(transports.ReasonDrain)
		}
		pings, _ := s.drain()
		if len(pings) != 1 {
			f.Fatalf("%d questions before the goodbye", len(pings))
		}
		s.write(opPong, pings[0])
		f.wantSaved(2)
	})
}

// A connection without a device costs no pings.
func TestNobodyIsAskedWithoutADevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory)
		s := f.stack("/ws?since=0", f.token(auth.Claims{}))
		f.publish("anna", `{"type":"1"}`)
		if pings := s.rest(time.Minute / 2); pings != nil {
			t.Errorf("asked %q", pings)
		}
	})
}

// On Server-Sent Events no sign comes: what was sent comes again, from where the device
// began, until the client names a cursor.
func TestServerSentEventsConfirmNothing(t *testing.T) {
	f := newFixture(t)
	token := f.token(auth.Claims{Device: "phone"})
	f.publish("anna", `{"type":"1"}`)
	for round := range 2 {
		id, _ := f.hubToken("/hubs/events", token)
		req := f.request(http.MethodGet, "/hubs/events"+id, token, "", "Accept", "text/event-stream")
		resp, err := f.bulk().client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		f.send(http.MethodPost, "/hubs/events"+id, token, jsonShake+rs, "Content-Type", "text/plain")
		if round == 0 {
			f.publish("anna", `{"type":"1"}`)
		}
		lines := newLines(resp.Body)
		for _, want := range []string{`"seq":"2"`, `"seq":"3"`}[:1+round] {
			lines.until(t, want)
		}
		if round == 0 {
			f.publish("anna", `{"type":"1"}`)
			lines.until(t, `"seq":"3"`)
		}
		_ = resp.Body.Close()
	}
	if c, _ := f.broker.DeviceCursor("anna", "phone"); c.Seq != 1 {
		t.Errorf("saved %v, want 1", c)
	}
}
