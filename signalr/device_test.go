package signalr

import (
	"fmt"
	"testing"
	"testing/synctest"

	"hubline/transports"
)

// saved is the cursor of the device "d", as a seq.
func (f *fixture) saved() string {
	synctest.Wait()
	c, ok := f.b.DeviceCursor("u", "d")
	if !ok {
		return ""
	}
	return fmt.Sprint(c.Seq)
}

func (f *fixture) wantSaved(want string) {
	f.t.Helper()
	if got := f.saved(); got != want {
		f.t.Errorf("saved %q, want %q", got, want)
	}
}

// dialDevice opens a connection of the device "d", with stateful reconnect.
func dialDevice(t testing.TB, h *Hub, shake string) *pipe {
	t.Helper()
	o := Options{Device: "d", Stateful: true}
	if err := o.ReadQuery(func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	p := dial(t, h, transports.WebSockets, o)
	p.shake(shake)
	return p
}

// An Ack of stateful reconnect names messages; the device has the events among them. It
// outlives the socket, and what was lost with that is not confirmed.
func TestStatefulAcksMoveTheDevicesCursor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		f.publish("t", "0")
		p := dialDevice(t, h, statefulShake)
		p.must(jsonPing)
		f.wantSaved("1")
		for i := range 4 {
			f.publish("t", fmt.Sprint(i))
		}
		p.take()
		f.wantSaved("1")
		p.call(ack(2))
		f.wantSaved("3")
		p.call(ack(1))
		f.wantSaved("3")
		p.cut()
		f.publish("t", "4") // 6
		p.resume()
		if got := p.take(); len(got) != 4 { // the number, 4 and 5 again, and 6
			t.Errorf("got %+v", got)
		}
		f.wantSaved("3")
		p.call(ack(4))
		f.wantSaved("5")
		p.call(ack(1 << 40))
		f.wantSaved("6")
	})
}

// The notice of a gap that stateful reconnect holds back has not been sent, however much
// else the client is known to have read.
func TestAGapThatIsHeldBackIsNotConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewEvents(Config{}, f.b)
		p := dialDevice(t, h, jsonShake)
		f.wantSaved("0")
		p.Close(transports.ReasonLost)
		for i := range 12 { // of which 8 are kept
			f.publish("t", fmt.Sprint(i))
		}
		p = dialDevice(t, h, statefulShake) // does not count yet
		if seq, ok := p.s.Laid(); ok {
			t.Errorf("laid out up to %d before the notice of the gap", seq)
		}
		p.must(jsonPing)
		p.take()
		if seq, ok := p.s.Laid(); !ok || seq != 12 {
			t.Errorf("laid out up to %d, %v", seq, ok)
		}
		f.wantSaved("0")
		p.call(ack(2)) // the notice, 5
		f.wantSaved("5")
	})
}

// A replay goes back in the log; what the device has confirmed stays.
func TestAReplayMovesNoCursorBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := dialDevice(t, NewEvents(Config{}, f.b), statefulShake)
		p.must(jsonPing)
		for i := range 3 {
			f.publish("t", fmt.Sprint(i))
		}
		p.take()
		p.call(ack(3))
		f.wantSaved("3")
		p.call(asks("1", "Replay", `"0"`))
		p.take()
		for n := 4; n < 8; n++ {
			p.call(ack(n))
			f.wantSaved("3")
		}
	})
}

// A client that calls Ack says itself what it has.
func TestAckOfAHubCountsMoreThanSigns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := dialDevice(t, NewEvents(Config{}, f.b), statefulShake)
		p.must(jsonPing)
		for i := range 3 {
			f.publish("t", fmt.Sprint(i))
		}
		p.take()
		p.call(asks("1", "Ack", fmt.Sprintf("%q", f.epoch()+"-1")))
		f.wantSaved("1")
		p.call(ack(3))
		f.wantSaved("1")
	})
}
