package ledger

import (
	"fmt"
	"testing"
)

func TestSpans(t *testing.T) {
	var s spans
	for _, p := range []span{{5, 6}, {1, 2}, {9, 9}, {3, 3}, {6, 7}, {20, 30}} {
		s = s.add(p)
	}
	if got, want := fmt.Sprint(s), "[{1 3} {5 7} {9 9} {20 30}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i, want := range []bool{false, true, true, true, false, true, true, true, false, true, false} {
		if s.has(uint64(i)) != want {
			t.Errorf("has %d: %v", i, !want)
		}
	}
	for got, want := range map[string]string{
		fmt.Sprint(s.without(span{0, 40})):                 "[{0 0} {4 4} {8 8} {10 19} {31 40}]",
		fmt.Sprint(s.without(span{6, 9})):                  "[{8 8}]",
		fmt.Sprint(s.without(span{2, 2})):                  "[]",
		fmt.Sprint(s.from(7)):                              "[{5 7} {9 9} {20 30}]",
		fmt.Sprint(s.upTo(21)):                             "[{1 3} {5 7} {9 9} {20 21}]",
		fmt.Sprint(s.behind(6), s.behind(30), s.behind(0)): "13 0 18",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
