package broker

import (
	"fmt"
	"sync/atomic"
	"testing"

	"hubline/replay"
)

// crowd is a broker with n connections of the given number of users.
func crowd(b *testing.B, users, n int) (*fixture, []*Subscription) {
	b.Helper()
	f := newFixture(b, Config{MaxConnectionsPerUser: n}, replay.Config{MaxTotalBytes: 1 << 40})
	subs := make([]*Subscription, n)
	for i := range subs {
		s, _, err := f.Subscribe(Options{User: fmt.Sprint("user", i%users), Waker: &bell{}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(s.Close)
		subs[i] = s
	}
	return f, subs
}

func benchEvent() *replay.Event {
	return &replay.Event{ID: "0197c0de-0000-7000-8000-000000000000", Type: "backup.progress", Data: make([]byte, 100), Time: t0}
}

// drain takes all that waits and returns how many events that was.
func drain(subs []*Subscription) (n int) {
	var page [readPage]Delivery
	for _, s := range subs {
		for {
			took := len(s.Next(page[:0], 1<<20))
			if took == 0 {
				break
			}
			n += took
		}
	}
	return n
}

// BenchmarkPublish is one event to a user with one connection, until taken.
func BenchmarkPublish(b *testing.B) {
	f, subs := crowd(b, 1, 1)
	ev := benchEvent()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Publish("user0", ev, Key{}); err != nil {
			b.Fatal(err)
		}
		n += drain(subs)
	}
	if n != b.N {
		b.Errorf("%d events were taken of %d", n, b.N)
	}
}

// BenchmarkPublishWithID is the same with the memory of ids.
func BenchmarkPublishWithID(b *testing.B) {
	f, subs := crowd(b, 1, 1)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		ev := benchEvent()
		ev.ID, ev.IDGiven = fmt.Sprint("order-", n), true
		if _, err := f.Publish("user0", ev, Key{}); err != nil {
			b.Fatal(err)
		}
		drain(subs)
	}
}

// BenchmarkPublishOffline is publishing on all cores to users without a
// connection.
func BenchmarkPublishOffline(b *testing.B) {
	for _, users := range []int{1, 10_000} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			f := newFixture(b, Config{}, replay.Config{MaxTotalBytes: 1 << 40})
			ev := benchEvent()
			names := make([]string, users)
			for i := range names {
				names[i] = fmt.Sprint("user", i)
			}
			var worker atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)); pb.Next(); i += 7919 {
					if _, err := f.Publish(names[i%users], ev, Key{}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkBroadcast hands one event to many connections; taking it is in the
// figure.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for _, users := range []int{1, n} {
			b.Run(fmt.Sprint("subs=", n, "/users=", users), func(b *testing.B) {
				f, subs := crowd(b, users, n)
				ev := benchEvent()
				taken := 0
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.Broadcast(ev, Key{}); err != nil {
						b.Fatal(err)
					}
					taken += drain(subs)
				}
				if taken != b.N*n {
					b.Errorf("%d events were taken of %d", taken, b.N*n)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(taken), "ns/sub")
			})
		}
	}
}

// BenchmarkResume is a client that missed 1,000 events, from joining to
// leaving.
func BenchmarkResume(b *testing.B) {
	f := newFixture(b, Config{}, replay.Config{})
	ev := benchEvent()
	for range 1000 {
		if _, err := f.Publish("user0", ev, Key{}); err != nil {
			b.Fatal(err)
		}
	}
	wake := &bell{}
	b.ReportAllocs()
	for b.Loop() {
		s, w, err := f.Subscribe(Options{User: "user0", Since: replay.Since{Kind: replay.SinceAll}, Waker: wake})
		if err != nil || w.Replayed != 1000 {
			b.Fatal(w, err)
		}
		if n := drain([]*Subscription{s}); n != 1000 {
			b.Fatal(n)
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// BenchmarkSubscribe is joining and leaving.
func BenchmarkSubscribe(b *testing.B) {
	f := newFixture(b, Config{}, replay.Config{})
	wake := &bell{}
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := f.Subscribe(Options{User: "user0", Waker: wake})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
