package transports_test

import (
	"testing"
	"time"

	"hubline/transports"
)

// Without users the addresses count, of IPv6 the /64.
func TestNegotiatedOfAnAddressAreBounded(t *testing.T) {
	s := newServer(t, transports.Config{MaxNegotiated: 100, MaxNegotiatedPerUser: 3, MaxNegotiatedPerAddress: 2})
	negotiate := func(user, addr string) error {
		_, err := s.Negotiate("/hub", user, addr, nil, time.Minute, false)
		return err
	}
	for _, step := range []struct {
		user, addr string
		want       error
	}{
		{"", "2001:db8::1", nil},
		{"", "2001:db8::2", nil},
		{"", "2001:db8::3", transports.ErrTooMany},
		{"", "2001:db8:0:1::3", nil},
		{"", "192.0.2.1", nil},
		{"", "::ffff:192.0.2.1", nil},
		{"", "192.0.2.1", transports.ErrTooMany},
		{"", "", nil},
		{"", "", nil},
		{"", "", transports.ErrTooMany}, // whoever has no address shares one account
		{"anna", "2001:db8::1", nil},
		{"anna", "2001:db8::1", nil},
		{"anna", "2001:db8::1", nil},
		{"anna", "2001:db8:0:9::1", transports.ErrTooMany},
	} {
		if err := negotiate(step.user, step.addr); err != step.want { //nolint:errorlint // it is returned as it is
			t.Errorf("%q from %q: %v, want %v", step.user, step.addr, err, step.want)
		}
	}
}
