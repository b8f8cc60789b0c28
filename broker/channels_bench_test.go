package broker

import (
	"fmt"
	"testing"
)

// BenchmarkPublishToChannel is one event to a channel whose members are all connected,
// beside the least that anybody can do: a loop over the same connections, in the same
// order, that puts it into each one's queue under that one's lock, and wakes it. Taking
// what waits is in neither.
func BenchmarkPublishToChannel(b *testing.B) {
	const n = 10_000
	f, subs := crowd(b, n, n)
	for i := range n {
		if _, err := f.AddMember("c", fmt.Sprint("user", i)); err != nil {
			b.Fatal(err)
		}
	}
	ev := benchEvent()
	ev.Channel = "c"
	perMember := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/member")
		if got := drain(subs); got < n {
			b.Errorf("%d events were taken", got)
		}
	}
	b.Run("publish", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r, err := f.PublishToChannel("c", ev, Key{}); err != nil || r.Delivered != n {
				b.Fatal(r, err)
			}
			b.StopTimer()
			drain(subs)
			b.StartTimer()
		}
		f.publishN("user0", 1)
		_, _ = f.PublishToChannel("c", ev, Key{})
		perMember(b)
	})
	b.Run("enqueue", func(b *testing.B) {
		b.ReportAllocs()
		frame := &Frame{Event: ev}
		var inOrder []*Subscription
		for _, m := range f.roster.snapshot("c", nil) {
			inOrder = append(inOrder, f.shard(m.name).users[m.name].first)
		}
		for b.Loop() {
			for _, s := range inOrder {
				s.put(item{seq: 1, event: ev, frame: frame}, &f.cfg)
				s.waker.Wake()
			}
			b.StopTimer()
			drain(subs)
			b.StartTimer()
		}
		_, _ = f.PublishToChannel("c", ev, Key{})
		perMember(b)
	})
}
