package broker

import (
	"testing"

	"pgregory.net/rapid"

	"hubline/replay"
)

// The queue against a slice.
func TestQueueAgreesWithASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want []item
		seq, bytes := uint64(0), 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "n") {
					seq++
					it := item{seq: seq, event: &replay.Event{Data: make([]byte, seq%7)}}
					q.push(it)
					want = append(want, it)
					bytes += it.event.Size()
				}
			},
			"pop": func(t *rapid.T) {
				for range min(len(want), rapid.IntRange(1, 40).Draw(t, "n")) {
					if got := *q.oldest(); got != want[0] {
						t.Fatalf("oldest is %d, want %d", got.seq, want[0].seq)
					}
					if got := q.pop(); got != want[0] {
						t.Fatalf("popped %d, want %d", got.seq, want[0].seq)
					}
					bytes -= want[0].event.Size()
					want = want[1:]
				}
			},
			"clear": func(*rapid.T) {
				q.clear()
				want, bytes = nil, 0
			},
			"": func(t *rapid.T) {
				if q.count != len(want) || q.bytes != bytes {
					t.Fatalf("%d items of %d bytes, want %d of %d", q.count, q.bytes, len(want), bytes)
				}
				if q.count == 0 && q.ring != nil {
					t.Fatal("an empty queue holds a ring")
				}
				for i := q.count; i < len(q.ring); i++ {
					if it := q.ring[(q.head+i)&(len(q.ring)-1)]; it != (item{}) {
						t.Fatal("a free slot keeps a frame alive")
					}
				}
			},
		})
		q.clear()
	})
}

// A ring in the pool must not keep frames alive.
func TestPooledRingsAreEmpty(t *testing.T) {
	for n := range smallQueue {
		var q queue
		for seq := range uint64(n + 1) {
			q.push(item{seq: seq, event: &replay.Event{}})
		}
		ring := q.ring
		q.clear()
		for i, it := range ring {
			if it != (item{}) {
				t.Fatalf("%d items: slot %d is not empty", n+1, i)
			}
		}
	}
}
