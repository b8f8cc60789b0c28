package api

import "sync/atomic"

// anonymous bounds connections without a user, which anybody can open: in all, and
// by address.
type anonymous struct {
	most    int64
	open    atomic.Int64
	perIP   *counter
	refused atomic.Uint64
}

func newAnonymous(most, perIP int) *anonymous {
	return &anonymous{most: int64(most), perIP: newCounter(perIP)}
}

var (
	errAnonymousPerIP = tooManyConnections("Your address has as many without a token as allowed; see max-anonymous-connections-per-ip, and trusted-proxies if there is a proxy.")
	errAnonymous      = problem("full", "Try again later, or raise max-anonymous-connections.")
)

// enter counts one more connection from ip, or returns why it may not be.
func (n *anonymous) enter(ip string) error {
	switch {
	case n.open.Add(1) > n.most:
		n.open.Add(-1)
		n.refused.Add(1)
		return errAnonymous
	case n.perIP.limit <= 0 || !n.perIP.enter(ip): // a counter without a limit counts nothing
		n.open.Add(-1)
		n.refused.Add(1)
		return errAnonymousPerIP
	}
	return nil
}

// leave takes one back.
func (n *anonymous) leave(ip string) {
	n.open.Add(-1)
	n.perIP.leave(ip)
}
