package ledger

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"hubline/replay"
)

func benchLedger(b *testing.B) *Ledger {
	l, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}

func benchEvent() *replay.Event {
	return &replay.Event{
		ID: "01970000-0000-7000-8000-000000000000", Type: "backup.progress", Time: time.Now().UnixMilli(),
		Data: []byte(`{"operation":"export","step":3,"fileName":"2026-11-21.tar.zst","done":1048576}`),
	}
}

// fill appends n events of users in turn, in batches.
func fill(b *testing.B, l *Ledger, users, n int) []replay.Standing {
	stands := make([]replay.Standing, users)
	epoch := l.Epoch()
	for i := 0; i < n; {
		var entries []Entry
		for ; i < n && len(entries) < 500; i++ {
			st := &stands[i%users]
			entries = append(entries, Entry{
				User: "user-" + strconv.Itoa(i%users), Event: benchEvent(), Epoch: epoch, Seq: st.Head + 1, Prev: st.At,
			})
			*st = replay.Standing{Epoch: epoch, Head: st.Head + 1, At: l.Next() + uint64(len(entries)-1)}
		}
		if _, err := l.Append(entries); err != nil {
			b.Fatal(err)
		}
		for _, e := range entries {
			l.Note(e.User, replay.Standing{Epoch: epoch, Head: e.Seq, At: stands[0].At})
		}
	}
	for i, st := range stands {
		l.Note("user-"+strconv.Itoa(i), st)
	}
	return stands
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			l := benchLedger(b)
			entries := make([]Entry, n)
			for i := range entries {
				entries[i] = Entry{User: "user-" + strconv.Itoa(i), Event: benchEvent(), Epoch: l.Epoch(), Seq: 1}
			}
			b.ReportAllocs()
			for b.Loop() {
				first, err := l.Append(entries)
				if err != nil {
					b.Fatal(err)
				}
				for i := range entries {
					e := &entries[i]
					l.Note(e.User, replay.Standing{Epoch: e.Epoch, Head: e.Seq, At: first + uint64(i)})
					e.Prev, e.Seq = first+uint64(i), e.Seq+1
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

// The chain of one user among others, from the page cache.
func BenchmarkLoad1000(b *testing.B) {
	for _, users := range []int{1, 100} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			l := benchLedger(b)
			st := fill(b, l, users, users*1000)[0]
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				l.Load("user-0", st.At, st.Head+1, func(uint64, *replay.Event) bool { n++; return true })
				if n != 1000 {
					b.Fatal(n)
				}
			}
		})
	}
}

func BenchmarkFindCold(b *testing.B) {
	l := benchLedger(b)
	const users = 100_000
	fill(b, l, users, users)
	if err := l.Checkpoint(); err != nil {
		b.Fatal(err)
	}
	names := make([]string, users)
	for i := range names {
		names[i] = "user-" + strconv.Itoa(i*7919%users)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := l.Find(names[i%users]); !ok {
			b.Fatal(names[i%users])
		}
	}
}

func BenchmarkNote(b *testing.B) {
	l := benchLedger(b)
	names := make([]string, 1000)
	for i := range names {
		names[i] = "user-" + strconv.Itoa(i)
	}
	epoch := l.Epoch()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Note(names[i%len(names)], replay.Standing{Epoch: epoch, Head: uint64(i), At: uint64(i)})
	}
}

// Reading the log of a process that was killed before its first checkpoint.
func BenchmarkRecover200k(b *testing.B) {
	const records = 200_000
	dir := b.TempDir()
	l, err := Open(dir, Options{CheckpointSize: 1 << 20, CheckpointEvery: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, l, 10_000, records)
	image := copyDir(b, dir)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]string{"behind": image, "before": dir} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				d := copyDir(b, from)
				b.StartTimer()
				l, err := Open(d, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if l.Stats().Last != records {
					b.Fatal(l.Stats())
				}
				l.Close()
				b.StartTimer()
			}
		})
	}
}
