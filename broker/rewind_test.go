package broker

import (
	"testing"

	"hubline/replay"
)

func TestRewind(t *testing.T) {
	for _, tt := range []struct {
		name      string
		taken     int // of six, before; two are lost from the log
		since     string
		dev       string
		start     uint64
		gap, want string
		replayed  int
	}{
		{name: "from the middle", taken: 6, since: "4", start: 4, want: "5 6", replayed: 2},
		{name: "from what is kept", taken: 6, since: "0", start: 2, want: "3 4 5 6", replayed: 4},
		{name: "from before that", taken: 6, since: "E-1", start: 2, gap: "[2..2 limit]", want: "3 4 5 6", replayed: 4},
		{name: "another epoch", taken: 6, since: "X-5", start: 2, gap: "[0..2 epoch]", want: "3 4 5 6", replayed: 4},
		{name: "at the head", taken: 6, since: "6", start: 6},
		{name: "ahead of the log", taken: 6, since: "9", start: 6, gap: "[7..9 ahead]"},
		{name: "the head, while events wait", taken: 4, since: "latest", start: 4, want: "5 6"},
		{name: "ahead, while events wait", taken: 4, since: "8", start: 4, gap: "[7..8 ahead]", want: "5 6"},
		{name: "before what waits", taken: 4, since: "3", start: 3, want: "4 5 6", replayed: 3},
		{name: "the device's place", taken: 6, since: "device", dev: "known", start: 5, want: "6", replayed: 1},
		{name: "an unknown device", taken: 4, since: "device", dev: "stranger", start: 4, want: "5 6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{}, replay.Config{MaxEvents: 4})
			c := f.subscribe(Options{Device: tt.dev}, "latest")
			f.publishN("ann", tt.taken)
			c.take()
			f.publishN("ann", 6-tt.taken)
			f.subscribe(Options{Device: "known"}, "latest").Acknowledge(replay.Cursor{Seq: 5})
			w := c.Rewind(f.since("ann", tt.since))
			if w.Start != tt.start || w.Head != 6 || w.Replayed != tt.replayed || w.Recovered != (tt.gap == "") && tt.since != "0" {
				t.Errorf("welcome = %+v", w)
			}
			wantText(t, "gap", gapText(w.Gap), tt.gap)
			wantText(t, "deliveries", c.take(), tt.want)
			f.publish("ann", nil)
			wantText(t, "live", c.take(), "7")
			c.Close()
			if w := c.Rewind(f.since("ann", "0")); w.Replayed != 0 || c.take() != "" {
				t.Errorf("a closed one: %+v", w)
			}
		})
	}
}
