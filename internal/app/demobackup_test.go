package app

import (
	"slices"
	"testing"
)

func TestDemoBackupsEnd(t *testing.T) {
	for n := 1; n <= 2*failEvery; n++ {
		reports := slices.Collect(backup(n))
		for i, p := range reports {
			if last := i == len(reports)-1; p.Done != last {
				t.Fatalf("backup %d, report %d of %d: done is %v", n, i+1, len(reports), p.Done)
			}
		}
		last := reports[len(reports)-1]
		if fails := n%failEvery == 0; last.OK == fails || (last.Error != "") != fails {
			t.Errorf("backup %d ends with %+v", n, last)
		}
	}
	for range backup(1) {
		break // whoever stops listening is not told more
	}
}
