package ratelimit

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// In a table that is much too small, whatever the subjects do: none is let in more
// often than its rate and a common bucket allow, counted from the start.
func TestNobodyGetsMoreThanTheRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		count := rapid.IntRange(1, 20).Draw(rt, "count")
		subjects := rapid.SliceOfN(rapid.IntRange(0, 200), 1, 400).Draw(rt, "subjects")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 100), len(subjects), len(subjects)).Draw(rt, "pauses")
		synctest.Test(t, func(t *testing.T) {
			table := New[int](Rate{count, time.Second}, parts)
			start, let := time.Now(), map[int]int{}
			for i, s := range subjects {
				time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
				if _, ok := table.Take(s, 1); ok {
					let[s]++
				}
				// Its own bucket, and the common one of its part.
				most := 2 * (float64(count) + time.Since(start).Seconds()*float64(count))
				if float64(let[s]) > most+1e-6 {
					t.Fatalf("%d was let in %d times in %v at %d a second", s, let[s], time.Since(start), count)
				}
			}
			if n := table.Stats().Subjects; n > parts {
				t.Fatalf("%d subjects in a table of %d", n, parts)
			}
		})
	})
}
