package broker

import (
	"fmt"
	"testing"

	"hubline/replay"
)

// savedText is the saved cursor of ann's device "d", as a seq, or "".
func savedText(f *fixture) string {
	c, ok := f.DeviceCursor("ann", "d")
	if !ok {
		return ""
	}
	return fmt.Sprint(c.Seq)
}

// receipts are those of a connection that has been welcomed.
func receipts(w *Welcome) *Receipts {
	r := &Receipts{}
	r.Init(w)
	return r
}

func TestADeviceThatIsNotKnownBeginsWhereItConnects(t *testing.T) {
	for since, want := range map[string]string{"latest": "8", "device": "8", "0": "0", "3": "3"} {
		f := newFixture(t, Config{}, replay.Config{})
		f.publishN("ann", 8)
		c := f.subscribe(Options{Device: "d"}, since)
		c.Begin(&c.Welcome)
		wantText(t, since, savedText(f), want)
		f.publishN("ann", 1)
		other := f.subscribe(Options{Device: "d"}, "latest")
		other.Begin(&other.Welcome) // it is known by now
		wantText(t, since, savedText(f), want)
		f.subscribe(Options{}, "latest").Begin(&other.Welcome)
		if _, ok := f.DeviceCursor("ann", ""); ok {
			t.Error("a connection without a device has a cursor")
		}
	}
}

// A client that has just begun may know an earlier place; from then on there is no way
// back.
func TestAPlaceThatWasBegunGivesWayToAnEarlierOne(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", 8)
	c := f.subscribe(Options{Device: "d"}, "latest")
	c.Begin(&c.Welcome)
	c.Received(receipts(&c.Welcome), 8) // that it has nothing confirms nothing
	c.Acknowledge(replay.Cursor{Seq: 5})
	wantText(t, "saved", savedText(f), "5")
	c.Acknowledge(replay.Cursor{Seq: 4})
	wantText(t, "saved", savedText(f), "5")
}

func TestReceiptsMoveTheCursor(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", 8)
	c := f.subscribe(Options{Device: "d"}, "3")
	c.Acknowledge(replay.Cursor{Seq: 3})
	r := receipts(&c.Welcome)
	for _, step := range []struct {
		seq  uint64
		want string
	}{{5, "5"}, {4, "5"}, {8, "8"}} {
		c.Received(r, step.seq)
		wantText(t, fmt.Sprint(step.seq), savedText(f), step.want)
	}
	f.subscribe(Options{}, "0").Received(r, 8) // nobody's
	c.Close()
	f.publishN("ann", 1)
	c.Received(r, 9)
	wantText(t, "after Close", savedText(f), "8")
}

// What a device was never sent stays before its cursor, until another connection has
// brought it.
func TestReceiptsDoNotSkipAHole(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	f.publishN("ann", 3)
	gone := f.subscribe(Options{Device: "d"}, "latest")
	gone.Begin(&gone.Welcome)
	gone.Close()
	f.publishN("ann", 2) // it is away
	c := f.subscribe(Options{Device: "d"}, "latest")
	c.Begin(&c.Welcome)
	r := receipts(&c.Welcome)
	f.publishN("ann", 1)
	c.Received(r, 6)
	wantText(t, "saved", savedText(f), "3")
	whole := f.subscribe(Options{Device: "d"}, "device")
	whole.Received(receipts(&whole.Welcome), 5)
	c.Received(r, 6)
	wantText(t, "saved", savedText(f), "6")
}

func TestReceiptsBehindAGap(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxEvents: 3})
	f.publishN("ann", 2)
	gone := f.subscribe(Options{Device: "d"}, "latest")
	gone.Begin(&gone.Welcome)
	gone.Close()
	f.publishN("ann", 6)
	c := f.subscribe(Options{Device: "d"}, "device")
	wantText(t, "gap", gapText(c.Gap), "[3..5 limit]")
	untold := receipts(&c.Welcome)
	untold.Break()
	c.Received(untold, 8)
	wantText(t, "a client that was not told", savedText(f), "2")
	r := receipts(&c.Welcome)
	c.Received(r, 5) // it has read the notice
	wantText(t, "saved", savedText(f), "5")
	c.Received(r, 7)
	wantText(t, "saved", savedText(f), "7")
}

// A gap takes a device into a new epoch, whatever its seq was in the old one.
func TestReceiptsInANewEpoch(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxUsers: 1, MaxWatermarks: 1})
	f.publishN("ann", 5)
	c := f.subscribe(Options{Device: "d"}, "latest")
	c.Begin(&c.Welcome)
	c.Close()
	late := c
	for _, user := range []string{"bob", "cid", "dan"} {
		f.publish(user, nil)
	}
	f.publish("ann", nil)
	hole := f.subscribe(Options{Device: "d"}, "latest") // is told of nothing
	hole.Received(receipts(&hole.Welcome), 1)
	wantText(t, "saved", savedText(f), "5")
	c = f.subscribe(Options{Device: "d"}, "device")
	wantText(t, "gap", gapText(c.Gap), "[0..0 epoch]")
	r := receipts(&c.Welcome)
	c.Received(r, 0)
	wantText(t, "saved", savedText(f), "0")
	c.Received(r, 1)
	wantText(t, "saved", savedText(f), "1")
	late.Received(receipts(&late.Welcome), 5) // of the old epoch
	wantText(t, "saved", savedText(f), "1")
}

// A client that says what it has dealt with is taken at its word; signs take it past
// what is not for it, when it has said that it has all the rest.
func TestANamedCursorCountsMoreThanASign(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	c := f.subscribe(Options{Device: "d"}, "latest")
	c.Begin(&c.Welcome)
	r := receipts(&c.Welcome)
	f.publishN("ann", 8)
	r.Sent(6) // 7 and 8 are not for it
	r.Named()
	c.Acknowledge(replay.Cursor{Seq: 4})
	c.Received(r, 8)
	wantText(t, "saved", savedText(f), "4")
	r.Sent(2) // sent once more
	c.Acknowledge(replay.Cursor{Seq: 5})
	c.Received(r, 8)
	wantText(t, "saved", savedText(f), "5")
	c.Acknowledge(replay.Cursor{Seq: 6})
	c.Received(r, 8)
	wantText(t, "saved", savedText(f), "8")
}

// What a connection says when it is over counts no more: its log may be another by then.
func TestAClosedConnectionSavesNothing(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{})
	c := f.subscribe(Options{Device: "d"}, "latest")
	f.publishN("ann", 8)
	c.Acknowledge(replay.Cursor{Seq: 2})
	r := receipts(&c.Welcome)
	c.Close()
	c.Acknowledge(replay.Cursor{Seq: 5})
	wantText(t, "acknowledged", savedText(f), "2")
	c.Received(r, 6)
	wantText(t, "received", savedText(f), "2")
}

// A client that names cursors has not dealt with a new epoch's events before it says so,
// whatever its seq was in the old one.
func TestANamedCursorOfAnOldEpochStays(t *testing.T) {
	f := newFixture(t, Config{}, replay.Config{MaxUsers: 1, MaxWatermarks: 1})
	f.publishN("ann", 5)
	c := f.subscribe(Options{Device: "d"}, "latest")
	c.Begin(&c.Welcome)
	c.Close()
	for _, user := range []string{"bob", "cid", "dan"} {
		f.publish(user, nil)
	}
	f.publish("ann", nil)
	c = f.subscribe(Options{Device: "d"}, "device")
	wantText(t, "gap", gapText(c.Gap), "[0..0 epoch]")
	r := receipts(&c.Welcome)
	r.Named()
	r.Sent(1)
	c.Received(r, 1)
	wantText(t, "saved", savedText(f), "5")
	c.Acknowledge(replay.Cursor{Seq: 1})
	wantText(t, "saved", savedText(f), "1")
}
