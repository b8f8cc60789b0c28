package replay

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRingIsAQueueOfFittingSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var want []*Event
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "n") {
					ev := new(Event)
					r.push(ev)
					want = append(want, ev)
				}
			},
			"pop": func(t *rapid.T) {
				for range rapid.IntRange(0, len(want)).Draw(t, "n") {
					if got := r.pop(); got != want[0] {
						t.Fatal("pop gave another event than the oldest")
					}
					want = want[1:]
				}
			},
			"fit": func(t *rapid.T) {
				r.fit()
				if c := len(r.buf); len(want) == 0 && c != 0 || c > minRing && len(want) <= c/4 {
					t.Fatalf("ring of %d for %d events", c, len(want))
				}
			},
			"": func(t *rapid.T) {
				if int(r.n) != len(want) {
					t.Fatalf("n = %d, want %d", r.n, len(want))
				}
				for i := range want {
					if r.at(uint64(i)) != want[i] {
						t.Fatalf("at(%d) is another event", i)
					}
				}
				kept := 0
				for _, ev := range r.buf {
					if ev != nil {
						kept++
					}
				}
				if kept != len(want) {
					t.Fatalf("the array refers to %d events, %d are in the queue", kept, len(want))
				}
			},
		})
	})
}

func TestRingAtItsSizeNeverReallocates(t *testing.T) {
	var r ring
	for range 1000 {
		r.push(new(Event))
	}
	before := &r.buf[0]
	for range 5000 {
		r.pop()
		r.push(new(Event))
		r.fit()
	}
	if &r.buf[0] != before || len(r.buf) != 1024 {
		t.Errorf("array moved or len = %d, want the same of 1024", len(r.buf))
	}
}
