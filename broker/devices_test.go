package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"hubline/replay"
)

func TestAcknowledge(t *testing.T) {
	tests := []struct {
		acks string // cursors, in order
		want string // saved
	}{
		{"", ""},
		{"E-3", "E-3"},
		{"3", "E-3"},
		{"0", "E-0"},
		{"E-3 E-5", "E-5"},
		{"E-5 E-3", "E-5"},
		{"E-5 4", "E-5"},
		{"E-8", "E-8"},
		{"E-9", ""},
		{"E-4 E-9", "E-4"},
		{"X-3", ""},
		{"E-2 X-7", "E-2"},
	}
	for _, tt := range tests {
		t.Run(tt.acks, func(t *testing.T) {
			f := newFixture(t, Config{}, replay.Config{})
			f.publishN("ann", 8)
			c := f.subscribe(Options{Device: "d"}, "latest")
			plain := f.subscribe(Options{}, "latest")
			epochs := map[byte]string{'E': c.Epoch, 'X': "other"}
			for text := range strings.FieldsSeq(tt.acks) {
				cur := parse(t, text, epochs)
				c.Acknowledge(cur)
				plain.Acknowledge(cur) // nobody's
			}
			got, ok := f.DeviceCursor("ann", "d")
			if ok != (tt.want != "") || ok && got != parse(t, tt.want, epochs) {
				t.Errorf("saved %v, %v; want %q", got, ok, tt.want)
			}
			for _, id := range [][2]string{{"ann", ""}, {"ann", "e"}, {"bob", "d"}} {
				if got, ok := f.DeviceCursor(id[0], id[1]); ok {
					t.Errorf("%q has %v", id, got)
				}
			}
		})
	}
}

func parse(t *testing.T, text string, epochs map[byte]string) replay.Cursor {
	t.Helper()
	if e, ok := epochs[text[0]]; ok {
		text = e + text[1:]
	}
	c, err := replay.ParseCursor(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A saved cursor of a log that is no more gives way to one of the new log.
func TestANewEpochReplacesTheCursor(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxUsers: 1, MaxWatermarks: 1})
	f.publishN("ann", 5)
	c := f.subscribe(Options{Device: "d"}, "latest")
	old := c.Position()
	c.Acknowledge(old)
	c.Close()
	for _, user := range []string{"bob", "cid", "dan"} {
		f.publish(user, nil)
	}
	f.publish("ann", nil)
	c = f.subscribe(Options{Device: "d"}, "device")
	wantText(t, "gap", gapText(c.Gap), "[0..0 epoch]")
	wantText(t, "deliveries", c.take(), "1")
	c.Acknowledge(old) // an ack that was under way
	if got, _ := f.DeviceCursor("ann", "d"); got != old {
		t.Errorf("saved %v, want %v", got, old)
	}
	c.Acknowledge(c.Position())
	c.Acknowledge(old)
	if got, _ := f.DeviceCursor("ann", "d"); got != c.Position() {
		t.Errorf("saved %v, want %v", got, c.Position())
	}
}

func TestDeviceCursorsAreBounded(t *testing.T) {
	f := newFixture(t, Config{DeviceCursors: 3}, replay.Config{})
	f.publishN("ann", 2)
	ack := func(device string) {
		f.subscribe(Options{Device: device}, "latest").Acknowledge(replay.Cursor{Seq: 1})
	}
	has := func(device string) bool {
		_, ok := f.DeviceCursor("ann", device)
		return ok
	}
	for i := range 3 {
		ack(fmt.Sprint(i))
	}
	ack("0") // repeated: now used last
	ack("3")
	if !has("0") || has("1") || !has("2") || !has("3") || f.devices.lru.Len() != 3 {
		t.Errorf("kept %v", f.devices.lru.Keys())
	}
}

// Cursors of one device that are acknowledged over several connections at the
// same time only ever go forward.
func TestDeviceCursorsNeverGoBack(t *testing.T) {
	const head = 500
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", head)
	var wg sync.WaitGroup
	for i := range uint64(4) {
		c := f.subscribe(Options{Device: "d"}, "latest")
		wg.Go(func() { // ends when all is acknowledged
			r := rand.New(rand.NewPCG(1, i))
			saved := uint64(0)
			for n := range uint64(head) {
				c.Acknowledge(replay.Cursor{Seq: min(head, n+r.Uint64N(20))})
				got, _ := f.DeviceCursor("ann", "d")
				if got.Seq < saved || got.Seq < n {
					t.Errorf("saved %d after %d, acknowledged %d", got.Seq, saved, n)
				}
				saved = got.Seq
			}
		})
	}
	wg.Wait()
}
