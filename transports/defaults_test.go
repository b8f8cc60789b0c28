package transports_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// What Config promises for what is not set.
func TestDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		if got := s.SendTimeout(); got != 10*time.Second {
			t.Errorf("SendTimeout is %v", got)
		}
		total := 0
		for user := range 11 {
			n := 0
			for ; n < 10_001; n++ { // more than there may be of all
				if _, err := s.Negotiate("/hub", fmt.Sprint(user), "addr", nil, time.Minute, false); err != nil {
					break
				}
			}
			if want := 1000; n != want && user < 10 {
				t.Fatalf("user %d may have %d connections, want %d", user, n, want)
			}
			total += n
		}
		if total != 10_000 {
			t.Errorf("%d connections may wait, want 10,000", total)
		}
	})
}

// One user's share is a tenth, and never nothing.
func TestAUsersShare(t *testing.T) {
	for all, want := range map[int]int{1: 1, 9: 1, 10: 1, 19: 1, 20: 2, 100: 10} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, transports.Config{MaxNegotiated: all})
			n := 0
			for ; n <= all; n++ {
				if _, err := s.Negotiate("/hub", "u", "addr", nil, time.Minute, false); err != nil {
					break
				}
			}
			if n != want {
				t.Errorf("of %d one user may have %d, want %d", all, n, want)
			}
		})
	}
}
