package replay

import "testing"

func TestEpochsAreShortDistinctAndValid(t *testing.T) {
	e := newEpochs()
	seen := make(map[string]bool)
	for range 100_000 {
		s := e.next()
		if len(s) != epochLen || !validEpoch(s) {
			t.Fatalf("epoch %q", s)
		}
		if seen[s] {
			t.Fatalf("epoch %q came twice", s)
		}
		seen[s] = true
	}
}

func TestEpochStrideVisitsTheWholeSpace(t *testing.T) {
	a, b := uint64(epochSpace), uint64(epochStride)
	for b != 0 {
		a, b = b, a%b
	}
	if a != 1 {
		t.Errorf("gcd(epochSpace, epochStride) = %d, want 1", a)
	}
}

func TestStoresDifferInEpoch(t *testing.T) {
	a, b := NewStore(Config{}).State("ann"), NewStore(Config{}).State("ann")
	if a.Epoch == b.Epoch {
		t.Errorf("two stores share epoch %q: a cursor from before a restart would be believed", a.Epoch)
	}
}
