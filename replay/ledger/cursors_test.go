package ledger

import (
	"testing"

	"hubline/replay"
)

// What a device has received never goes back within an epoch.
func TestCursorsOnlyGoForward(t *testing.T) {
	f := newFixture(t, Options{})
	at := func(epoch string, seq uint64) DeviceCursor {
		return DeviceCursor{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: epoch, Seq: seq}}
	}
	for i, tt := range []struct {
		save    []DeviceCursor
		want    replay.Cursor
		records uint64
	}{
		{[]DeviceCursor{at("e", 5)}, replay.Cursor{Epoch: "e", Seq: 5}, 1},
		{[]DeviceCursor{at("e", 4), at("e", 5)}, replay.Cursor{Epoch: "e", Seq: 5}, 1},
		{[]DeviceCursor{at("e", 9), at("e", 7)}, replay.Cursor{Epoch: "e", Seq: 9}, 2},
		{[]DeviceCursor{at("f", 1)}, replay.Cursor{Epoch: "f", Seq: 1}, 3},
		{nil, replay.Cursor{Epoch: "f", Seq: 1}, 3},
	} {
		must(t, f.SaveCursors(tt.save))
		if i%2 == 0 {
			must(t, f.Checkpoint())
		}
		if got, ok := f.FindCursor("ann", "d"); !ok || got != tt.want || f.Stats().Last != tt.records {
			t.Errorf("step %d: %v, want %v, %d records", i, got, tt.want, f.Stats().Last)
		}
	}
	f.crash()
	if got, _ := f.FindCursor("ann", "d"); got != (replay.Cursor{Epoch: "f", Seq: 1}) {
		t.Error(got)
	}
	for range f.Cursors("ann") {
		break
	}
}
