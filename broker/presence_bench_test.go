package broker

import (
	"fmt"
	"testing"

	"hubline/replay"
)

// BenchmarkSubscribeBesidePresence is joining and leaving of a user who is in no presence
// channel, and of one who is, where others are. BenchmarkSubscribe is the same where nobody
// is in any.
func BenchmarkSubscribeBesidePresence(b *testing.B) {
	for _, user := range []string{"stranger", "member0"} {
		b.Run(user, func(b *testing.B) {
			f := newFixture(b, Config{}, replay.Config{})
			for i := range 1000 {
				if _, err := f.AddMember("presence-c", fmt.Sprint("member", i)); err != nil {
					b.Fatal(err)
				}
			}
			wake := &bell{}
			b.ReportAllocs()
			for b.Loop() {
				s, _, err := f.Subscribe(Options{User: user, Waker: wake})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

// BenchmarkAnnounce is one user who comes into a channel of 1,000 connected members, until
// all have taken the notice.
func BenchmarkAnnounce(b *testing.B) {
	const n = 1000
	f := newFixture(b, Config{MaxPresenceMembers: n + 1}, replay.Config{})
	subs := make([]*Subscription, n)
	for i := range subs {
		user := fmt.Sprint("user", i)
		s, _, err := f.Subscribe(Options{User: user, Waker: &bell{}, Notices: true})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(s.Close)
		subs[i] = s
		if _, err := f.AddMember("presence-c", user); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := f.AddMember("presence-c", "one"); err != nil {
		b.Fatal(err)
	}
	f.gatherings.work.Wait()
	drain(subs)
	one, _, err := f.Subscribe(Options{User: "one", Waker: &bell{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(one.Close)
	f.gatherings.work.Wait()
	taken := drain(subs)
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		rounds++
		for _, change := range []func(channel, user string) (bool, error){f.RemoveMember, f.AddMember} {
			if _, err := change("presence-c", "one"); err != nil {
				b.Fatal(err)
			}
			f.gatherings.work.Wait()
			taken += drain(subs)
		}
	}
	if want := (2*rounds + 1) * n; taken != want {
		b.Errorf("%d notices were taken, want %d", taken, want)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(taken), "ns/member")
}
