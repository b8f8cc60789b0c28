package app

import (
	"testing"
)

func TestGCPercentGivesHeadroomToSmallServersOnly(t *testing.T) {
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 200}, {3 << 20, 200}, {12 << 20, 200}, {16 << 20, 150}, {24 << 20, 100}, {1 << 30, 100},
	} {
		if got := gcPercent(tt.live); got != tt.want {
			t.Errorf("gcPercent(%d MiB) = %d, want %d", tt.live>>20, got, tt.want)
		}
	}
}

func TestPacerLeavesTheOperatorsChoiceAlone(t *testing.T) {
	t.Setenv("GOGC", "77")
	p := newPacer()
	p.adjust(usage{live: 1 << 20})
	if p.percent != minPercent {
		t.Errorf("percent = %d, want untouched", p.percent)
	}
}
