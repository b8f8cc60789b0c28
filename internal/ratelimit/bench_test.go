package ratelimit

import (
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// The check that stands before every publish.
func BenchmarkTake(b *testing.B) {
	table := New[string](Rate{MaxCount, time.Second}, 0)
	users := make([]string, 10_000)
	for i := range users {
		users[i] = "user-" + strconv.Itoa(i)
		table.Take(users[i], 1)
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.Take("user-1", 1)
		}
	})
	b.Run("many", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			table.Take(users[i%len(users)], 1)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				table.Take("user-1", 1)
			}
		})
	})
	b.Run("address", func(b *testing.B) {
		addresses := New[netip.Addr](Rate{MaxCount, time.Second}, 0)
		addr := netip.MustParseAddr("2001:db8::1")
		b.ReportAllocs()
		for b.Loop() {
			addresses.Take(Network(addr), 1)
		}
	})
	b.Run("off", func(b *testing.B) {
		var off *Table[string]
		b.ReportAllocs()
		for b.Loop() {
			off.Take("user-1", 1)
		}
	})
	b.Run("newcomers to a full table", func(b *testing.B) {
		small := New[int](Rate{1, time.Hour}, parts)
		for i := range 1000 {
			small.Take(-i, 1)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			small.Take(i, 1)
		}
	})
}

func TestTakingAllocatesNothing(t *testing.T) {
	table := New[string](Rate{1000, time.Hour}, 0)
	addresses := New[netip.Addr](Rate{1000, time.Hour}, 0)
	addr := netip.MustParseAddr("2001:db8::1")
	table.Take("a", 1)
	addresses.Take(Network(addr), 1)
	if n := testing.AllocsPerRun(2000, func() { // also when there is nothing left to take
		table.Take("a", 1)
		table.Check("a")
		addresses.Take(Network(addr), 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
