package ratelimit

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestAtTheLimitAndOneAbove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[string](Rate{10, time.Second}, 0)
		for i := range 10 {
			if wait, ok := table.Take("a", 1); !ok || wait != 0 {
				t.Fatalf("take %d: %v, %v", i, wait, ok)
			}
		}
		wait, ok := table.Take("a", 1)
		if ok || wait != 100*time.Millisecond {
			t.Fatalf("one above: %v, %v; want to wait 100ms", wait, ok)
		}
		if _, ok := table.Take("b", 10); !ok {
			t.Error("another subject is limited as well")
		}
		time.Sleep(wait - time.Microsecond) // it counts to the nanosecond, and rounds
		if _, ok := table.Take("a", 1); ok {
			t.Error("too early")
		}
		time.Sleep(time.Microsecond)
		if _, ok := table.Take("a", 1); !ok {
			t.Error("after the time that it said")
		}
		if wait, ok := table.Take("a", 5); ok || wait != 500*time.Millisecond {
			t.Errorf("five: %v, %v", wait, ok)
		}
		time.Sleep(time.Hour)
		if _, ok := table.Take("a", 10); !ok {
			t.Error("the bucket has not filled up")
		}
		if _, ok := table.Take("a", 1); ok {
			t.Error("it has filled up to more than it holds")
		}
		if got := table.Stats(); got != (Stats{Subjects: 2, Rejected: 4}) {
			t.Errorf("%+v", got)
		}
	})
}

// What weighs more than the bucket holds is not refused for ever, and is paid for.
func TestHeavyOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[string](Rate{10, time.Second}, 0)
		table.Take("a", 1)
		if wait, ok := table.Take("a", 35); ok || wait != 100*time.Millisecond {
			t.Fatalf("with a bucket that is not full: %v, %v", wait, ok)
		}
		time.Sleep(100 * time.Millisecond)
		if _, ok := table.Take("a", 35); !ok {
			t.Fatal("with a full bucket")
		}
		if wait, ok := table.Take("a", 1); ok || wait != 2600*time.Millisecond {
			t.Errorf("after it: %v, %v; want 25 of debt and one", wait, ok)
		}
		time.Sleep(2600 * time.Millisecond)
		if _, ok := table.Take("a", 1); !ok {
			t.Error("the debt is not paid")
		}
	})
}

func TestChargeAndCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[string](Rate{3, time.Second}, 0)
		for range 100 {
			if _, ok := table.Check("a"); !ok {
				t.Fatal("looking costs something")
			}
		}
		if n := table.Stats().Subjects; n != 0 {
			t.Errorf("%d subjects for looking", n)
		}
		for range 3 {
			if _, ok := table.Check("a"); !ok {
				t.Fatal("there are tokens left")
			}
			table.Charge("a", 1)
		}
		if wait, ok := table.Check("a"); ok || wait.Round(time.Millisecond) != 333*time.Millisecond {
			t.Errorf("none are left: %v, %v", wait, ok)
		}
		table.Charge("a", 3)
		if wait, ok := table.Check("a"); ok || wait.Round(time.Millisecond) != 1333*time.Millisecond {
			t.Errorf("in debt: %v, %v", wait, ok)
		}
	})
}

func TestNoLimit(t *testing.T) {
	table := New[string](Rate{}, 0)
	for range 1000 {
		if _, ok := table.Take("a", 1000); !ok {
			t.Fatal("limited")
		}
	}
	table.Charge("a", 1)
	table.Sweep(time.Now())
	if _, ok := table.Check("a"); !ok || table.Stats() != (Stats{}) {
		t.Error("no table counts something")
	}
}

// Whoever has spent their tokens cannot have that forgotten by others who push
// their bucket out of the table, and the table does not grow.
func TestNobodyEscapesByRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 * parts
		table := New[string](Rate{5, time.Second}, size)
		table.Take("limited", 5)
		others := 0
		for i := range 100 * size {
			if _, ok := table.Take("other-"+strconv.Itoa(i), 1); ok {
				others++
			}
			if _, ok := table.Take("limited", 1); ok {
				t.Fatalf("after %d others the limited one is let in", i)
			}
		}
		// All places, and five of each common bucket.
		if most := size + 5*parts; others > most {
			t.Errorf("%d subjects were let in at once, want at most %d", others, most)
		}
		s := table.Stats()
		if s.Subjects > size || s.Shared == 0 {
			t.Errorf("%+v, want at most %d subjects and some that share", s, size)
		}
		// Those who have spent a token of five have it back after 0.2 s, and make room.
		time.Sleep(time.Second - time.Microsecond)
		for i := range 100 * size {
			table.Take("late-"+strconv.Itoa(i), 1)
		}
		if n := table.Stats().Subjects; n > size {
			t.Errorf("%d subjects", n)
		}
		if _, ok := table.Take("limited", 5); ok {
			t.Error("the limited one had a new bucket, not a refilled one")
		}
	})
}

// A newcomer to a table of spent buckets is limited with the others like it, also
// where it is only looked at.
func TestNewcomersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[int](Rate{2, time.Second}, parts)
		for i := range 1000 {
			table.Charge(i, 2)
		}
		refused := 0
		for i := range 1000 {
			if _, ok := table.Check(1000 + i); !ok {
				refused++
			}
		}
		if refused != 1000 {
			t.Errorf("%d of 1000 newcomers are refused", refused)
		}
		time.Sleep(time.Hour)
		for i := range 1000 {
			if _, ok := table.Take(2000+i, 2); !ok {
				t.Fatal("a newcomer to a table of full buckets is refused")
			}
			time.Sleep(time.Second)
		}
	})
}

// One that owes much stands in nobody's way: those behind it that have filled up make
// room.
func TestADebtorDoesNotBlockTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[int](Rate{2, time.Second}, 4*parts)
		var keys []int // of one part, one more than it has room for
		for i := 0; len(keys) < 5; i++ {
			if table.part(i) == &table.parts[0] {
				keys = append(keys, i)
			}
		}
		table.Charge(keys[0], 1000)
		for _, k := range keys[1:4] {
			table.Take(k, 1)
		}
		time.Sleep(time.Second)
		if _, ok := table.Take(keys[4], 2); !ok || table.Stats() != (Stats{Subjects: 4}) {
			t.Errorf("the newcomer has no bucket of its own: %v, %+v", ok, table.Stats())
		}
		if _, ok := table.Check(keys[0]); ok {
			t.Error("the debtor was forgotten")
		}
	})
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[int](Rate{10, time.Second}, 0)
		for i := range 1000 {
			table.Take(i, 1)
		}
		table.Take(0, 9)
		table.Sweep(time.Now())
		if n := table.Stats().Subjects; n != 1000 {
			t.Fatalf("%d are left of buckets that have not filled up", n)
		}
		time.Sleep(100 * time.Millisecond)
		table.Sweep(time.Now())
		if n := table.Stats().Subjects; n != 1 {
			t.Errorf("%d are left, want the one that is still empty", n)
		}
		if _, ok := table.Take(0, 2); ok {
			t.Error("the bucket that was left is not the old one")
		}
	})
}

func TestConcurrentTakersShareABucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[string](Rate{100, time.Hour}, 0)
		got := make(chan int)
		for range 8 {
			go func() {
				n := 0
				for range 100 {
					if _, ok := table.Take("a", 1); ok {
						n++
					}
				}
				got <- n
			}()
		}
		n := 0
		for range 8 {
			n += <-got
		}
		if n != 100 {
			t.Errorf("%d were let in, want 100", n)
		}
	})
}
